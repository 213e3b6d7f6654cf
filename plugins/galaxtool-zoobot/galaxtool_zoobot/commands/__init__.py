"""The public functions behind the commands, one file for each; they import their work when they run."""
