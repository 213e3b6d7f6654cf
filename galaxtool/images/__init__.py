"""From bytes to a `Cutout`: FITS and pictures."""
