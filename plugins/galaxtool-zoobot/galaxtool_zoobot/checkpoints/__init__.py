"""Checkpoints of Lightning that Zoobot wrote, read without running any code in them."""
