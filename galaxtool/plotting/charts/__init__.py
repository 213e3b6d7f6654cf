"""Charts: functions that take arrays and return a figure."""
