"""Cut the objects of a catalogue out of large FITS images."""
