"""The files of the page of `galaxtool explore`."""
