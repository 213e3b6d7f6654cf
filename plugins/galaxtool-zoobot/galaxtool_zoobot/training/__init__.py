"""Fine-tuning as Zoobot's authors advise."""
