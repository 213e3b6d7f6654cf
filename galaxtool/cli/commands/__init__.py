"""The command line of each command: options, and the result for people."""
