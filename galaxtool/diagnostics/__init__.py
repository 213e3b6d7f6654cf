"""The state of an installation, and what its plugins provide."""
