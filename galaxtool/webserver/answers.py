"""Answers of the server: JSON, arrays and pictures; and errors, which a page shows."""

from __future__ import annotations

import io
import json
import math
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image
from starlette.responses import Response

from galaxtool.errors import GalaxtoolError
from galaxtool.utils.debugging import is_debugging

_QUALITY = 90


def answer_json(values: Mapping[str, Any] | Sequence[Any], status: int = 200) -> Response:
    """Return values as JSON, in which NaN and infinity are null and numbers of NumPy are numbers."""
    text = json.dumps(_make_plain(values), allow_nan=False, separators=(",", ":"))
    return Response(text, status, media_type="application/json")


def answer_array(values: np.ndarray) -> Response:
    """Return the numbers of an array, little-endian and in C order."""
    little = values.astype(values.dtype.newbyteorder("<"), copy=False)
    return Response(np.ascontiguousarray(little).tobytes(), media_type="application/octet-stream")


def encode_picture(picture: np.ndarray) -> bytes:
    """Return a picture, uint8 (ny, nx, 3), as JPEG."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=_QUALITY)
    return stream.getvalue()


def answer_error(error: Exception) -> Response:
    """Return an error as JSON: its message and hint where it was raised on purpose, and nothing else of it."""
    if isinstance(error, GalaxtoolError):
        return answer_json({"error": error.message, "hint": error.hint}, getattr(error, "status", 400))
    if is_debugging():
        traceback.print_exception(error, file=sys.stderr)
    hint = "Start it again with GALAXTOOL_DEBUG=1 to see where it failed."
    return answer_json({"error": f"galaxtool failed ({type(error).__name__}).", "hint": hint}, 500)


def _make_plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _make_plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_make_plain(one) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        return _make_plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
