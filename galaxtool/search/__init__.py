"""Similarity search: build an index of images, and find the images most like a query."""
