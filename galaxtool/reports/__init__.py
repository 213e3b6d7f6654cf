"""What is made of results: pages, figures, sorted folders, SAMP messages."""
