"""What ``import galaxtool`` gives."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import pytest

import galaxtool
from galaxtool.cli.main import COMMANDS
from galaxtool.errors import GalaxtoolError
from galaxtool.plugins import specs

PACKAGE = Path(galaxtool.__file__).parent


def public(command: str) -> object:
    """Return the function of a command."""
    return getattr(galaxtool.listings, command, None) or getattr(galaxtool, command)


def test_names_are_sorted_and_unique() -> None:
    assert galaxtool.__all__ == sorted(set(galaxtool.__all__))
    assert set(galaxtool.__all__) <= set(dir(galaxtool))


@pytest.mark.parametrize("name", galaxtool.__all__)
def test_every_name_is_there_and_documented(name: str) -> None:
    value = getattr(galaxtool, name)
    assert value is getattr(galaxtool, name)
    if inspect.isclass(value) or inspect.isfunction(value):
        assert inspect.getdoc(value)
        assert value.__name__ == name


def test_an_unknown_name() -> None:
    with pytest.raises(AttributeError, match="module 'galaxtool' has no attribute 'clasify'"):
        galaxtool.clasify  # noqa: B018


def test_no_name_is_also_a_file() -> None:
    # importing galaxtool.models would put the package in the place of a function of that name
    files = {path.stem for path in PACKAGE.iterdir()}
    assert files.isdisjoint(galaxtool.__all__)


def test_every_error_and_spec_is_public() -> None:
    errors = importlib.import_module("galaxtool.errors")
    kinds = {n for n, c in vars(errors).items() if inspect.isclass(c) and issubclass(c, GalaxtoolError)}
    handed_over = {
        n for n, c in vars(specs).items() if inspect.isclass(c) and issubclass(c, specs.Spec) and c is not specs.Spec
    }
    assert kinds | handed_over <= set(galaxtool.__all__)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_a_function(command: str) -> None:
    function = public(command)
    assert inspect.isfunction(function) and function.__name__ == command
    kinds = [p.kind for p in inspect.signature(function).parameters.values()]
    in_order = 2 if command == "plot" else 1  # the kind of figure, and what to draw
    assert all(kind is inspect.Parameter.KEYWORD_ONLY for kind in kinds[in_order:])
