"""From what a user names to the images to work on."""
