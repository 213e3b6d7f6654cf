"""Numbers of images below which a score says little; this file imports nothing heavy."""

MIN_CALIBRATED = 200
"""Least number of images on which a calibration error is worth stating."""

MIN_OF_CLASS = 10
"""Least number of images of a class for its precision and recall to say something."""
