"""The commands ``galaxtool zoobot ...``."""
