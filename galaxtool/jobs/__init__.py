"""Long jobs that can be interrupted, resumed and split into shards."""
