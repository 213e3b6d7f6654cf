"""Reading, writing and filtering of tables."""
