"""One trainer for every method: a method says what to minimise, the trainer does the rest."""
