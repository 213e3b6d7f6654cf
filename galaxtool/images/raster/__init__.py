"""Reader of PNG, JPEG, TIFF and other pictures."""
