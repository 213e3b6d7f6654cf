"""Scores of a model on labeled images: the work of ``galaxtool evaluate``."""
