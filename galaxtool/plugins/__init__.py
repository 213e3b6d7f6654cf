"""Hooks, specs, and the registry of what plugins provide."""
