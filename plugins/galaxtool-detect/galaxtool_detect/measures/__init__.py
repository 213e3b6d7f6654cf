"""Measures of a detector: average precision, completeness, reliability, flux bias."""
