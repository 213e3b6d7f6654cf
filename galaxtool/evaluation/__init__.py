"""Scores of a classifier with their intervals, and the calibration of its probabilities."""
