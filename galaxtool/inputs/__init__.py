"""The images that the inputs of a command name."""
