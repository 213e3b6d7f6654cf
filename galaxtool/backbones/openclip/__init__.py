"""Backbones from OpenCLIP: image towers, text towers and tokenizers."""
