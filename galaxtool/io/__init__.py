"""Reading images and tables, and writing tables."""
