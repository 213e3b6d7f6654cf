"""Long jobs that can be resumed and shared."""
