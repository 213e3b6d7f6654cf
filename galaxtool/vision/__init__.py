"""Stretches, preprocessing and augmentation of cutouts, and the choice of device and precision."""
