"""Detectors as ONNX files, with the suppression of overlapping boxes inside."""
