"""Labelled images in folders, catalogues and registered data sets, and their splits."""
