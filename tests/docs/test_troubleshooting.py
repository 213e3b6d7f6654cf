"""Each message that docs/troubleshooting.md explains is one that galaxtool can print."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

import galaxtool

PACKAGE = Path(galaxtool.__file__).parent
PAGE = PACKAGE.parent / "docs" / "troubleshooting.md"
ANY = "…"
"""Stands for what differs, in the page and in the messages found here."""


def read_messages() -> list[str]:
    """Return the messages that are headings of the page."""
    return re.findall(r"^### `(.+)`$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


@cache
def read_sources() -> dict[Path, str]:
    return {path: path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def find_texts(path: Path) -> list[str]:
    """Return the texts in a file, with each computed part as `ANY`."""
    nodes = ast.walk(ast.parse(read_sources()[path]))
    return [make_text(node) for node in nodes if isinstance(node, (ast.JoinedStr, ast.Constant, ast.BinOp))]


def make_text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(make_text(part) if isinstance(part, ast.Constant) else ANY for part in node.values)
    if isinstance(node, ast.BinOp):
        return (make_text(node.left) or ANY) + (make_text(node.right) or ANY)
    return ANY


def is_printed(message: str) -> bool:
    """Tell whether a text of the source has all that the message says, whatever its computed parts are."""
    pieces = [piece for piece in message.split(ANY) if piece.strip(" '.():")]
    words = re.findall(r"[A-Za-z]{3,}", message)
    # few files have all the words, so that few are parsed
    files = [path for path, source in read_sources().items() if all(word in source for word in words)]
    return any(all(piece in text for piece in pieces) for path in files for text in find_texts(path))


@pytest.mark.parametrize("message", read_messages())
def test_the_message_is_one_of_galaxtool(message: str) -> None:
    assert is_printed(message)


def test_enough_messages_are_explained_and_others_are_not_found() -> None:
    assert len(read_messages()) > 30 and len(set(read_messages())) == len(read_messages())
    assert not is_printed("The moon stands before '…'.")
