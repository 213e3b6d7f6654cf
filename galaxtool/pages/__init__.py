"""Pages in HTML that open from disk, whole in one file."""
