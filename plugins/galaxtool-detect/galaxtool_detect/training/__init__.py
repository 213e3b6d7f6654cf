"""Training of a detector by galaxtool's Trainer."""
