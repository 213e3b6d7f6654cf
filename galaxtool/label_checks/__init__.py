"""Labels that are probably wrong: the work of ``galaxtool doubts``."""
