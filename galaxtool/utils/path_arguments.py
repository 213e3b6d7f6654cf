"""Paths as arguments of the public functions: str, `pathlib.Path` or any path-like object, with ``~`` for the home."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from galaxtool.utils.files.path_texts import clean_path_text

F = TypeVar("F", bound=Callable[..., Any])


def accept_paths(function: F) -> F:
    """Let a command take any path-like object wherever it takes a path or a name, and expand ``~``.

    The annotation of a parameter decides what the command gets: a `Path` where it is ``Path``, text where it is
    ``str`` or ``str | Path``, and a list where it is a ``Sequence``, also for a single value or None. So no command
    passes on a path where its records hold text, and a shell that leaves ``--model=~/run`` alone does no harm.
    """
    signature = inspect.signature(function)
    kinds = {name: str(parameter.annotation) for name, parameter in signature.parameters.items()}

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        for name, value in bound.arguments.items():
            bound.arguments[name] = _convert(kinds[name], value)
        return function(*bound.args, **bound.kwargs)

    return cast(F, call)


def _convert(kind: str, value: Any) -> Any:
    """Return an argument as the annotation of its parameter says."""
    if "Sequence" in kind:
        if value is None and "None" not in kind:
            return []
        values = [value] if isinstance(value, (str, os.PathLike)) else value
        return values if values is None else [_convert_one(kind, one) for one in values]
    return _convert_one(kind, value)


def _convert_one(kind: str, value: Any) -> Any:
    if not isinstance(value, (str, os.PathLike)):
        return value
    text = os.fspath(value)
    if "Path" not in kind:
        return text
    mark = "@" if text.startswith("@") else ""
    text = mark + clean_path_text(text[len(mark) :])  # a file may really be called ~
    return text if "str" in kind else Path(text)
