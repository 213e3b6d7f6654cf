"""Image encoders, and their text encoders where they have one."""
