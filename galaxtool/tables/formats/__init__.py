"""One module for each table format."""
