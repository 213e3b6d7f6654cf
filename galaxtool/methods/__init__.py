"""Training methods, each of which creates the stages that the trainer runs."""
