"""Texts of others are shown with escapes; places that cannot be written are refused before the work."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from galaxtool.errors import GalaxtoolError
from galaxtool.jobs.shard import Shard
from galaxtool.reports.output_options import OutputOptions
from galaxtool.taxonomy.symbols import load_symbol
from galaxtool.types import Silent
from galaxtool.utils.files.atomic_write import check_writable
from galaxtool.utils.files.regular_files import open_regular, read_regular_text
from galaxtool.utils.logged_progress import LoggedProgress
from galaxtool.utils.printable import escape_controls

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n%%EndComments\nshowpage\n"


def test_controls_and_directions_are_escaped(tmp_path: Path) -> None:
    odd = "a\x1b]0;x\x07b\x9bc\u202ed\u2066e\u2028\tf"
    assert escape_controls(odd) == "a\\x1b]0;x\\x07b\\x9bc\\u202ed\\u2066e\\u2028\tf"
    LoggedProgress(Silent(), tmp_path / "log.txt").say(odd)
    assert "\x1b" not in (text := (tmp_path / "log.txt").read_text()) and "\u202e" not in text


@pytest.mark.parametrize("name", ["html", "sort_into", "table"])
def test_a_place_below_a_file_is_refused_first(name: str, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("x")
    paths = {"table": tmp_path / "new" / "t.csv", name: tmp_path / "plain" / "deep" / "p.html"}
    with pytest.raises(GalaxtoolError, match="plain' is not a folder"):
        OutputOptions(**paths).check(Shard(), overwrite=False)
    assert not (tmp_path / "new").exists()
    check_writable(tmp_path / "new" / "deeper" / "t.csv")


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(OSError):
            open_regular(path)
    (tmp_path / "large").write_text("x" * 100)
    with pytest.raises(OSError, match="more than"):
        read_regular_text(tmp_path / "large", 99)


def test_a_symbol_is_of_a_few_formats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gs").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\nexit 1\n")
    (tmp_path / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "a.png").write_bytes(EPS)
    with pytest.raises(GalaxtoolError, match="cannot be read as an image"):
        load_symbol(tmp_path / "a.png", 32)
    assert not (tmp_path / "ran").exists()
