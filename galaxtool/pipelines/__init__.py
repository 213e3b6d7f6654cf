"""The public functions: each does what the command of its name does."""
