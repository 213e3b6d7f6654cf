"""Kinds of figure: functions that read what the user names and draw a chart of it."""
