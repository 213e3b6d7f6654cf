"""Groups of similar images, and what they have to do with labels."""
