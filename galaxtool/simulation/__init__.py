"""Simulated galaxies of the Galaxy10 classes, as observed by a survey like DECaLS."""
