"""The hooks of this plugin; its commands are an entry point of their own."""

from __future__ import annotations

GALAXTOOL_API = "1.0"
