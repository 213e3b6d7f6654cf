"""Label a few images, rank the rest: the work of ``galaxtool label``."""
