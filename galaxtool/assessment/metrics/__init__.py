"""The metrics of an evaluation, for each kind of head, and by the values of a column."""
