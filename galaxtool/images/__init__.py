"""Readers that turn the bytes of a file into a `Cutout`: FITS and pictures."""
