"""Safe access to files: atomic writing, locks, paths as they are meant, and disks that lack features."""
