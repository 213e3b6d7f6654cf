"""Training a classifier, from images to a model directory."""
