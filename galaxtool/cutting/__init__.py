"""Cutouts at the positions of a catalogue, out of large FITS images."""
