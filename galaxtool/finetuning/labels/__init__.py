"""The labels of a training: its classes, its targets, and how often each is seen."""
