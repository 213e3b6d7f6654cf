"""Classes with their prompts and symbols, and the matching of labels and coarser classes."""
