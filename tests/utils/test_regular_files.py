"""Pipes, devices and links: nothing of them is read, written or replaced."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest
from astropy.table import Table

import galaxtool
from galaxtool.errors import GalaxtoolError
from galaxtool.tables.write import write_table
from galaxtool.types import Silent
from galaxtool.utils.files.atomic_write import atomic_write, check_writable
from galaxtool.utils.files.regular_files import is_below, open_to_append
from galaxtool.utils.logged_progress import LoggedProgress

PACKAGE = Path(galaxtool.__file__).parent
OWN = {
    # what comes with galaxtool, or with the system
    "cli/commands/reproduce.py", "reports/html/gallery.py", "reports/html/predictions.py", "reports/html/training.py",
    "utils/memory.py", "utils/processor.py",
}  # fmt: skip


def test_texts_of_others_are_read_by_the_one_function_that_looks_what_they_are() -> None:
    found = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr == "read_text":
                found.add(file.relative_to(PACKAGE).as_posix())
    assert found == OWN


@pytest.mark.parametrize("kind", ["a pipe", "a link to a device"])
def test_an_output_that_nobody_could_use_any_more_is_not_replaced(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    if kind == "a pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/null")
    with pytest.raises(GalaxtoolError, match="a pipe, a socket or a device"):
        check_writable(path)
    with pytest.raises(GalaxtoolError, match="a pipe, a socket or a device"), atomic_write(path):
        pass
    with pytest.raises(GalaxtoolError, match="a pipe, a socket or a device"):
        write_table(Table({"a": [1]}), path)
    assert path.is_symlink() or path.is_fifo()
    assert not Path("/dev/null").is_file()
    assert [entry.name for entry in tmp_path.iterdir()] == ["o.csv"]


def test_a_log_that_is_a_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "log.txt").symlink_to(tmp_path / "mine")
    with pytest.raises(OSError, match="a link"):
        LoggedProgress(Silent(), tmp_path / "log.txt").say("hello")
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_file_is_appended_to_through_a_link_only_on_request(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    with pytest.raises(OSError, match="a link"):
        open_to_append(tmp_path / "link")
    with open_to_append(tmp_path / "link", follow=True) as stream:
        stream.write(b", and more")
    assert (tmp_path / "mine").read_text() == "mine, and more"
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match=r"pipe|No such device"):
        open_to_append(tmp_path / "pipe")


def test_what_a_link_leads_to_is_below_a_folder_or_not(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "out").symlink_to(tmp_path)
    (tmp_path / "x").touch()
    assert is_below(tmp_path / "a" / "y", tmp_path / "a")
    assert not is_below(tmp_path / "a" / "out" / "x", tmp_path / "a")
    assert not is_below(tmp_path / "a" / ".." / "x", tmp_path / "a")
