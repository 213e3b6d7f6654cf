"""What ``import galaxtool`` gives."""

from __future__ import annotations

import importlib
import inspect
import runpy
import subprocess
import sys
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


def test_type_checkers_see_every_name() -> None:
    names = runpy.run_path(str(PACKAGE.parent / "scripts" / "write_type_stubs.py"))
    for package in names["PACKAGES"]:
        written = (package / "__init__.pyi").read_text(encoding="utf-8")
        assert written == names["make_stub"](package), "run scripts/write_type_stubs.py"
        assert (package / "py.typed").is_file()
    listed = [line.strip(' ",') for line in names["make_stub"](PACKAGE).splitlines() if line.startswith('    "')]
    assert listed == galaxtool.__all__


@pytest.mark.slow
def test_types_are_those_of_the_package(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    script = tmp_path / "third_party.py"
    script.write_text(
        "import galaxtool\n"
        "from galaxtool import BackboneSpec, read_image\n"
        "BackboneSpec(name=1, summary='', factory='')\n"
        "reveal_type(read_image('m51.fits').pixel_scale)\n"
        "galaxtool.clasify\n",
        encoding="utf-8",
    )
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--ignore-missing-imports",
        "--follow-imports=silent",
        script.name,
    ]
    output = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True).stdout
    assert 'Argument "name" to "BackboneSpec" has incompatible type "int"; expected "str"' in output
    assert 'Revealed type is "float | None"' in output or 'Revealed type is "builtins.float | None"' in output
    assert 'Module has no attribute "clasify"' in output


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
