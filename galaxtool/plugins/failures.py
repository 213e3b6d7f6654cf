"""Describe the exception of a plugin: in one line, and with the line of the plugin's own code that led to it."""

from __future__ import annotations

import linecache
import os
import traceback
from types import TracebackType

from galaxtool.plugins.containment import PluginExit

_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep  # noqa: PTH100, PTH120


def describe_failure(error: BaseException) -> str:
    """Return the type and the text of an exception on one line."""
    text = " ".join(str(error).split())
    if isinstance(error, PluginExit):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def find_own_line(error: BaseException, package: str = "") -> str:
    """Return the last line of a traceback that is code of the plugin.

    Parameters
    ----------
    error : exception
        What the plugin raised.
    package : str
        Top-level package of the plugin; empty if it is not known, for the last line outside galaxtool.

    Returns
    -------
    str
        ``my_net/plugin.py, line 3: import tourch``; empty if no line is the plugin's.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return f"{_shorten(error.filename)}, line {error.lineno}: {(error.text or '').strip()}"
    if isinstance(error, PluginExit) and error.__cause__ is not None:
        error = error.__cause__
    found = ""
    for frame, line in traceback.walk_tb(_get_traceback(error)):
        file = frame.f_code.co_filename
        module = str(frame.f_globals.get("__name__", ""))
        is_own = module.partition(".")[0] == package if package else not file.startswith((_OWN, "<frozen"))
        if is_own:
            code = linecache.getline(file, line, frame.f_globals).strip()
            found = f"{_shorten(file)}, line {line}" + (f": {code}" if code else "")
    return found


def _get_traceback(error: BaseException) -> TracebackType | None:
    return error.__traceback__


def _shorten(file: str) -> str:
    """Return the last two parts of a path, which are the package and the file."""
    return "/".join(file.replace(os.sep, "/").split("/")[-2:])
