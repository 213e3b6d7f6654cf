"""The command ``galaxtool detect`` and its subcommands."""
