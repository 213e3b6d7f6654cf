"""Classes, their prompts and symbols, and how labels and coarser classes map onto them."""
