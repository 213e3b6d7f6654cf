"""One trainer for every method: the method defines the loss, the trainer does the rest."""
