"""Training and validation splits without leaks."""
