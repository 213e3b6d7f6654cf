"""From cutouts to pixels, augmentation, devices and pictures of results."""
