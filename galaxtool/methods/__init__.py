"""Ways to train: each makes the stages that the trainer runs."""
