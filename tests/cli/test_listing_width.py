"""Test that the listings can be read in a terminal of 80 columns."""

from __future__ import annotations

import pytest
from support.training_helpers import run_command


@pytest.mark.parametrize("listing", ["backbones", "datasets", "heads", "methods", "models", "taxonomies"])
def test_words_are_whole_at_80_columns(monkeypatch: pytest.MonkeyPatch, listing: str) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    code, printed, said = run_command(listing)
    assert code == 0 and not said
    assert max(len(line) for line in printed.splitlines()) <= 80
    if listing == "methods":
        for whole in (
            "arXiv:2411.19475",
            "arXiv:2409.11175",
            "student_temperature",
            "--option NAME=VALUE",
            "Rank of the change of",
        ):
            assert whole in printed
