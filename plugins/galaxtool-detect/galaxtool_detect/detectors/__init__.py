"""Trained detectors: their files, how they are found, and the engines that run them."""
