"""Hooks, specs, and the registry of what they bring."""
