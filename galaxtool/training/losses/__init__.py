"""Losses of a training: their terms, and those of votes, numbers, noisy labels and labels of different depths."""
