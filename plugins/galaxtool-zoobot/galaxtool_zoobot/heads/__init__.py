"""Heads of this plugin."""
