"""Names of the files in a folder of images with boxes."""

IMAGES = "images"
"""Folder of the images."""

SOURCES = "sources.csv"
"""Catalogue of the sources in all images."""

BOXES = "boxes.json"
"""Boxes in the COCO format."""
