"""What every package may use: files, settings, optional packages, run directories."""
