"""Queries of a similarity search: images, texts, symbols and rows of tables, as vectors."""
