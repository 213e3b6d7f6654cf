"""Tools for authors of plugins: a new package, installing and removing, a check, and what is wrong."""
