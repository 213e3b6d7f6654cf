"""Tools for plugin authors: create, install, remove, check and diagnose plugins."""
