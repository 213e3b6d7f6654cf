"""Names that look like markup are printed as they are, by every command, in a pipe and in a terminal."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from support.helpers import make_model, write_png

from galaxtool.cli import errors, progress, render
from galaxtool.cli.main import application
from galaxtool.errors import GalaxtoolError

ODD = ("field[/a]7", "[bold]x[/bold]", "[red]", "star :smile: :star:", "%s %(name)d", "{} {0} {x}", "a\\[b]", "$_1^{2$")
"""Names that Rich, Python's formats or TeX would change, or fail on."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run a command in an empty folder: exit status, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "250")

    def call(*args: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            application()([str(arg) for arg in args])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.slow
def test_identifiers_and_queries(run: Callable[..., Any], model: Path) -> None:
    for i, name in enumerate(ODD):
        write_png(Path(f"{name.replace('/', '')}.png"), i)
    with Path("c.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["id", "path"], *((name, f"{name.replace('/', '')}.png") for name in ODD)])
    assert run("index", "c.csv", "--model", model, "-o", "idx")[0] == 0
    for name in ODD:
        code, out, _ = run("similar", "--id", name, "--index", "idx")
        assert code == 0 and f"Similar to {name}\n" in out
        assert [other for other in ODD if f"  {other}" not in out] == []
    code, out, _ = run("similar", "--id", ODD[0], "--index", "idx", "--json")
    assert {one["id"] for one in json.loads(out)["neighbours"]} == set(ODD)
    code, _, err = run("similar", "--id", "field[/a]8", "--index", "idx")
    assert code == 1 and "'field[/a]8'. Did you mean 'field[/a]7'?" in err
    code, _, err = run("similar", "[/nowhere].png", "--index", "idx")
    assert code == 1 and "'[/nowhere].png'" in err


@pytest.mark.parametrize("name", ODD)
def test_errors_of_the_command_line(run: Callable[..., Any], name: str) -> None:
    for arguments in ([name], ["index", "--kind", name, "."], ["index", ".", f"--{name}"]):
        code, out, err = run(*arguments)
        assert code in (1, 2) and name in " ".join((out + err).split())


@pytest.mark.parametrize("name", ODD)
def test_bars_notes_errors_and_tables(name: str, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "250")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress.make_progress(quiet=False) as bar:
        bar.start(f"Reading {name}", 3)
        bar.advance(2, note=f"loss {name}")
        bar.say(f"Skipped {name}!")
    errors.print_error(GalaxtoolError(f"No '{name}'.", hint=f"Try {name}?"))
    shown = terminal.getvalue()
    for text in (f"Reading {name}", f"loss {name}", f"Skipped {name}!", f"No '{name}'.", f"Try {name}?"):
        assert text in shown
    render.print_table([{name: name, "b": [name, name]}], (name, "b"), title=name)
    out = capsys.readouterr().out
    assert out.count(name.replace("_", " ")) + out.count(name) >= 5


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_what_a_terminal_cannot_show_is_escaped(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    render.print_table([{"id": "caf\udce9 \u2606"}], ("id",), title="\udce9")
    render.echo("caf\udce9 \u2606")
    render.print_json({"id": "caf\udce9 \u2606"})
    sys.stdout.flush()
    text = raw.getvalue().decode(encoding)
    star = "\u2606" if encoding == "utf-8" else "\\u2606"
    assert text.partition("{")[0].count(f"caf\\udce9 {star}") == 2
    assert json.loads(text[text.index("{") :]) == {"id": "caf\udce9 \u2606"}


def test_control_characters_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    name = "a\x1b[31mb\rc\x07\x9b"
    shown = "a\\x1b[31mb\\x0dc\\x07\\x9b"
    render.print_table([{"id": name}], ("id",), title=name)
    render.echo(f"{name}\tand\nmore")
    with progress.make_progress(quiet=False) as lines:
        lines.start(name)
        lines.say(name)
    out, err = capsys.readouterr()
    assert out.count(shown) == 3 and err.count(shown) == 2
    assert f"{shown}\tand\nmore" in out
    assert not set(out + err) & {"\x1b", "\r", "\x07", "\x9b"}


def test_markup_of_docstrings_is_escaped() -> None:
    console = Console(file=io.StringIO(), width=100)
    console.print(render.escape_markup("In ``[M_sun]`` or [/a]; \\[b]"))
    assert console.file.getvalue() == "In [M_sun] or [/a]; [b]\n"  # type: ignore[attr-defined]
