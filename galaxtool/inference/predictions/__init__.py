"""Rows of predictions, and the table that they make."""
