"""Positions on the sky from the columns of a catalogue, in any unit and frame that surveys use."""
