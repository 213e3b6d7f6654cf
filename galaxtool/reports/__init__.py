"""Pages, figures, sorted folders and SAMP messages made from results."""
