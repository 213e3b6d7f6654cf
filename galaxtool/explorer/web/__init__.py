"""The web server of `explore` and `label`: addresses, access, uploads and pages."""
