"""Tables: reading, writing, filtering."""
