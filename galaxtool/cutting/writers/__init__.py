"""Formats that cutouts are written in."""
