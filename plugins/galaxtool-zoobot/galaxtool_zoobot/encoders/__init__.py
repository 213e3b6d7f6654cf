"""Zoobot's encoders by short name."""
