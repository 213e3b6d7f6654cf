"""What the operating system refuses is one sentence with the next step, whichever command meets it."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from support.training_helpers import run_failing

from galaxtool.cli.errors import explain_system_error, print_error
from galaxtool.cli.main import COMMANDS, LazyGroup
from galaxtool.utils.printable import escape_controls

with contextlib.suppress(ImportError):  # absent on Windows
    import resource


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EMFILE, errno.EIO, errno.ENOMEM])
def test_each_has_a_sentence_and_a_hint(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    error = OSError(number, os.strerror(number), "a/p.csv")
    print_error(explain_system_error(error, resume="galaxtool classify a --resume"))
    first, second = capsys.readouterr().err.splitlines()
    assert first == f"Error: 'a/p.csv' cannot be read or written: {os.strerror(number)}."
    assert "GALAXTOOL_DEBUG" not in second and second.endswith("Then resume with: galaxtool classify a --resume")


def test_the_notes_of_a_job_are_kept(capsys: pytest.CaptureFixture[str]) -> None:
    error = MemoryError()
    error.add_note("1 of 2 parts are done.")
    print_error(explain_system_error(error, resume="not said twice"))
    assert capsys.readouterr().err.splitlines() == [
        "Error: There is not enough memory.",
        "Use fewer --workers, a smaller --batch-size, or a machine with more memory. 1 of 2 parts are done.",
    ]


def test_a_library_that_gives_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    print_error(explain_system_error(OSError("Not enough space:\nrequested 9")))
    assert capsys.readouterr().err.startswith("Error: A file cannot be read or written: Not enough space: requested 9.")


def run_command(meet: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> int:
    """Run a function as a command of galaxtool, and return its exit status."""
    app = typer.Typer(cls=LazyGroup, pretty_exceptions_enable=False)
    app.callback()(lambda: None)
    command = typer.Typer()
    command.command("meet")(meet)
    monkeypatch.setattr("galaxtool.cli.main._load", lambda name: typer.main.get_command(command))
    monkeypatch.setitem(COMMANDS, "meet", ("", "Read a file."))
    with pytest.raises(SystemExit) as end:
        app(["meet", "no/such"])
    return int(end.value.code or 0)


def read(path: str) -> None:
    Path(path).read_text()


def break_down(path: str) -> None:
    escape_controls(None)  # type: ignore[arg-type]  a fault of a caller


def test_a_command_that_meets_one_ends_with_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(read, monkeypatch) == 1
    assert capsys.readouterr().err.startswith("Error: 'no/such' cannot be read or written: No such file or directory.")


def test_a_fault_of_galaxtool_is_a_sentence_that_says_where_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GALAXTOOL_DEBUG", raising=False)
    assert run_command(break_down, monkeypatch) == 1
    said = capsys.readouterr().err
    assert "Traceback" not in said and len(said.splitlines()) == 2
    assert said.startswith("Error: galaxtool failed in printable.py, line ") and "AttributeError" in said
    assert "GALAXTOOL_DEBUG=1 shows the traceback" in said


def test_a_fault_is_a_traceback_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALAXTOOL_DEBUG", "1")
    with pytest.raises(AttributeError):
        run_command(break_down, monkeypatch)


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of resources")
def test_simulate_on_a_disk_that_is_full(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (9000, hard))
    try:
        said = run_failing("simulate", "-o", tmp_path / "sim", "-n", 10)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert said.startswith("Error: Cannot write to the folder") and "File too large" in said
    assert list((tmp_path / "sim" / "images").iterdir()) == []
