"""The files of the page of `galaxtool label`."""
