"""Labelled images: folders, catalogues, registered sets, and how they are split."""
