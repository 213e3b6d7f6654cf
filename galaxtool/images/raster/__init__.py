"""PNG, JPEG, TIFF and other pictures."""
