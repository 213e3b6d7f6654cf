"""Standard streams that are closed, full, or that nobody reads end no command with a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="redirections of a POSIX shell")

FULL = "Error: Cannot write to standard output: No space left on device.\nFiles that the command wrote are complete.\n"


def run(redirection: str, *, arguments: str = "--version", unbuffered: bool = False) -> tuple[int, str, str]:
    """Run galaxtool in a shell; return the status, and what came to its own stdout and stderr."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    environment |= {"PYTHONUNBUFFERED": "1"} if unbuffered else {}
    line = f"'{sys.executable}' -m galaxtool {arguments} {redirection}"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, env=environment, timeout=120)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("redirection", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_like_the_null_device(redirection: str) -> None:
    status, out, err = run(redirection)
    assert (status, err) == (0, "")
    assert out.startswith("galaxtool ") == (">&-" not in redirection.replace("2>&-", ""))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("unbuffered", [False, True])
def test_a_result_that_cannot_be_printed_is_told(unbuffered: bool) -> None:
    assert run(">/dev/full", unbuffered=unbuffered) == (1, "", FULL)
    assert run(">/dev/full", arguments="models --json", unbuffered=unbuffered) == (1, "", FULL)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_messages_that_cannot_be_printed_change_nothing() -> None:
    assert run("2>/dev/full", arguments="clasify") == (2, "", "")


def test_a_reader_that_leaves_is_no_error_worth_telling() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "galaxtool", "--help"], stdout=writing, stderr=subprocess.PIPE, timeout=120, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")
