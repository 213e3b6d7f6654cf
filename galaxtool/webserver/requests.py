"""Read what a page sends: JSON and files of bounded size, with each value checked."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from galaxtool.errors import ConfigError

MAX_JSON = 16 << 20
"""Bytes of the JSON of a request: a lasso around a million objects is sent as their rows."""

MAX_UPLOAD = 32 << 20
"""Bytes of a file that is dropped on the page."""


class TooLarge(ConfigError):
    """A request is larger than it may be."""

    status = 413


class NotThere(ConfigError):
    """A request asks for something that does not exist."""

    status = 404


async def read_body(request: Request, limit: int) -> bytes:
    """Return the body of a request, and read no more than `limit` bytes of it.

    Raises
    ------
    TooLarge
        If it is longer.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise _too_large(limit)
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
    return b"".join(parts)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The file is larger than {limit >> 20} MB.", hint="Cut out the object first.")


class Fields:
    """The values of a request, each read by the type that it must have.

    Parameters
    ----------
    values : mapping
        Values of a JSON object, or of an address.

    Raises
    ------
    ConfigError
        By its methods, if a value is not of the right type or outside its range.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    @classmethod
    def from_json(cls, content: bytes) -> Fields:
        """Read a JSON object."""
        try:
            values = json.loads(content or b"{}")
        except (ValueError, RecursionError):
            raise ConfigError("The request is not JSON.") from None
        if not isinstance(values, dict):
            raise ConfigError("The request is not a JSON object.")
        return cls(values)

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def text(self, name: str, default: str = "", *, longest: int = 10_000) -> str:
        """Return a text."""
        value = self._values.get(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise ConfigError(f"'{name}' must be a text.")
        if len(value) > longest:
            raise ConfigError(f"'{name}' is longer than {longest} characters.")
        return value

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """Return one of some texts, by default the first."""
        value = self.text(name, choices[0])
        if value not in choices:
            raise ConfigError(f"'{name}' must be one of {', '.join(choices)}.")
        return value

    def number(self, name: str, default: float, least: float = -math.inf, most: float = math.inf) -> float:
        """Return a finite number within a range, also where it was sent as a text."""
        value = self._values.get(name)
        if value is None or value == "":
            return default
        try:
            found = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else math.nan
        except (ValueError, OverflowError):
            found = math.nan
        if not math.isfinite(found) or not least <= found <= most:
            raise ConfigError(f"'{name}' must be a number from {least:g} to {most:g}.")
        return found

    def integer(self, name: str, default: int, least: int, most: int) -> int:
        """Return an integer within a range."""
        value = self.number(name, default, least, most)
        if value != int(value):
            raise ConfigError(f"'{name}' must be an integer.")
        return int(value)

    def flag(self, name: str) -> bool:
        """Return a boolean, by default False."""
        return self._values.get(name) in (True, "1", "true")

    def rows(self, name: str, count: int) -> list[int]:
        """Return a list of row numbers, all of them below `count`."""
        values = self._values.get(name)
        if values is None:
            return []
        if not isinstance(values, list) or not all(type(one) is int and 0 <= one < count for one in values):
            raise ConfigError(f"'{name}' must be a list of row numbers below {count}.")
        return values

    def objects(self, name: str, *, most: int = 100) -> list[Fields]:
        """Return a list of JSON objects."""
        values = self._values.get(name)
        if values is None:
            return []
        if not isinstance(values, list) or len(values) > most or not all(isinstance(one, dict) for one in values):
            raise ConfigError(f"'{name}' must be a list of at most {most} objects.")
        return [Fields(one) for one in values]
