"""Escape untrusted text for display, such as names of files and classes."""

from __future__ import annotations

_CONTROLS = (*range(9), *range(11, 32), *range(127, 160))
_DIRECTIONS = (0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A), 0xFEFF)
_ESCAPES = {code: f"\\x{code:02x}" for code in _CONTROLS} | {code: f"\\u{code:04x}" for code in _DIRECTIONS}


def escape_controls(text: str) -> str:
    """Return a text with escapes for characters that move a cursor, change colours, or reverse the order of others.

    A tab and a line break are left.
    """
    return text.translate(_ESCAPES)
