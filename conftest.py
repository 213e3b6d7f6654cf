"""Examples in docstrings run in a folder of their own, where they may write."""

from __future__ import annotations

from pathlib import Path

import pytest

collect_ignore = ["docs/conf.py", "docs/site", "docs/_build"]  # they need the extra `docs`


@pytest.fixture(autouse=True)
def _write_examples_elsewhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if isinstance(request.node, pytest.DoctestItem) and request.node.path.suffix == ".py":
        folder: Path = request.getfixturevalue("tmp_path")
        monkeypatch.chdir(folder)
