"""Stacks of images in HDF5 files, read so that a damaged or hostile file does no harm."""
