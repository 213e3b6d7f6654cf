"""Comparisons of evaluations on the same images: the work of ``galaxtool compare``."""
