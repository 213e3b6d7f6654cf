"""Trained models: their directory, their record, and the engines that run them."""
