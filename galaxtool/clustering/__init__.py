"""Groups of similar images, and how they relate to labels."""
