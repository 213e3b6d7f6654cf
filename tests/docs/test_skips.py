"""Every reason to skip a test is listed in docs/testing.md, with where the test does run."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLACES = ("Linux", "macOS and Windows", "weekly", "by hand", "nowhere")


def find_skips(source: str) -> set[str]:
    """Return the reasons to skip in a file of tests: texts, and the names of packages for `importorskip`.

    A reason that is computed is named by its constant parts, or by ``...`` if it has none.
    """
    found = set()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr in ("skip", "importorskip") and ast.unparse(node.func.value) == "pytest":
            found.add(_get_text(node.args[0]))
        if node.func.attr == "skipif":
            found.add(_get_text(next(word.value for word in node.keywords if word.arg == "reason")))
    return found


def _get_text(node: ast.expr) -> str:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "..." for part in parts).split(":")[0]


def list_skips() -> set[tuple[str, str]]:
    files = [path for path in sorted((ROOT / "tests").rglob("*.py")) if path != Path(__file__)]
    return {
        (path.relative_to(ROOT / "tests").as_posix(), reason)
        for path in files
        for reason in find_skips(path.read_text(encoding="utf-8"))
    }


def read_table() -> dict[tuple[str, str], str]:
    """Return the place of each skip that the page lists."""
    text = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[^|]+) \| ([^|]+) \| ([^|]+) \|", text, re.MULTILINE)
    return {(name, reason.strip()): place for names, reason, place in rows for name in re.findall(r"`([^`]+)`", names)}


def test_each_reason_is_listed_and_each_listed_reason_exists() -> None:
    assert set(read_table()) == list_skips()


def test_each_is_run_somewhere_or_said_to_be_run_nowhere() -> None:
    assert [place for place in read_table().values() if not place.startswith(PLACES)] == []


@pytest.mark.parametrize(
    ("source", "reasons"),
    [
        ("import pytest\npytest.skip('no moon')", {"no moon"}),
        ("pytest.importorskip('ray', reason='x')", {"ray"}),
        ("@pytest.mark.skipif(True, reason='it is late')\ndef test(): ...", {"it is late"}),
        ("pytest.skip(error.message)\npytest.skip(f'no {x}: y')", {"...", "no ..."}),
        ("stream.skip(4)", set()),
    ],
)
def test_reasons_are_found(source: str, reasons: set[str]) -> None:
    assert find_skips(source) == reasons
