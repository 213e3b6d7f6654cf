"""Similarity search."""
