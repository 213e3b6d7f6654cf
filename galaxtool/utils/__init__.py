"""Utilities for all packages: files, settings, optional packages, run directories."""
