"""Figures for papers: charts, and the kinds of ``galaxtool plot``."""
