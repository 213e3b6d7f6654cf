"""A local web page to search an index, see a map of it and keep collections."""
