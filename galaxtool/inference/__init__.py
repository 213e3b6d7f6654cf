"""Classifying and embedding images in batches."""
