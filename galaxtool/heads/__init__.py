"""Heads: class scores from features."""
