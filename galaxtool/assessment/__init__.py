"""Scores of a model on labelled images: the work of ``galaxtool evaluate``."""
