"""Serve the pages of `explore` and `label` on this machine: addresses, access, uploads and pictures."""
