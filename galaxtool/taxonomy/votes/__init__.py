"""Votes of volunteers: the questions and answers of a schema, and the counts in a catalogue."""
