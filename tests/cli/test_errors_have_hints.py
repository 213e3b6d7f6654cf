"""Errors that a command can end with say what to do next."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import galaxtool
from galaxtool import errors
from galaxtool.errors import GalaxtoolError, UnknownName, UnreadableImage

PACKAGES = ("cli", "commands", "inference", "reports", "search", "simulation", "utils")
ERRORS = {
    name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, GalaxtoolError)
} - {UnknownName.__name__, UnreadableImage.__name__}
"""All but the one that lists the names that there are, and the one that is a cell of a table."""


@pytest.mark.parametrize("package", PACKAGES)
def test_each_error_is_raised_with_a_hint(package: str) -> None:
    without = []
    for file in (Path(galaxtool.__file__).parent / package).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS:
                hint = next((keyword.value for keyword in node.keywords if keyword.arg == "hint"), None)
                if hint is None or (isinstance(hint, ast.Constant) and not hint.value):
                    without.append(f"{file.name}:{node.lineno}")
    assert without == []
