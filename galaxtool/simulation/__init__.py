"""Simulated galaxies of the Galaxy10 classes, as a survey like DECaLS would see them."""
