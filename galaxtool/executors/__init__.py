"""Run tasks in threads, processes or on a Ray cluster."""
