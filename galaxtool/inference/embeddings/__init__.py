"""Embeddings of images: computed in batches, kept in parts, written and read as files."""
