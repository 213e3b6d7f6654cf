"""The odd ones out among images, by their features: the work of ``galaxtool anomalies``."""
