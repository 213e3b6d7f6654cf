"""Weight files: where they are found, how they are downloaded, and how they are loaded."""
