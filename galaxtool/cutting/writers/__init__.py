"""Writers of cutouts, one module per kind of output."""
