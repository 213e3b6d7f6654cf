"""The scores of the bundled models are the same on all pages as on their cards."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


def read_rows(page: str) -> list[list[str]]:
    """Return the cells of all rows of the tables of a page."""
    lines = (DOCS / page).read_text(encoding="utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]


def read_score(page: str, name: str) -> list[str]:
    """Return the cells after the name of a score, in the first row that begins with it."""
    return next(row[1:] for row in read_rows(page) if row[0] == name)


def read_results(model: str) -> list[tuple[str, str]]:
    """Return the accuracy and macro F1 of each row of the table of bundled models."""
    return [(row[3], row[4]) for row in read_rows("results.md") if row[0] == f"`{model}`"]


def test_the_scores_of_mini_radio_are_those_of_its_card() -> None:
    accuracy, f1 = ("{} ({})".format(*read_score("models/mini-radio.md", name)) for name in ("accuracy", "macro F1"))
    assert re.fullmatch(r"0\.\d{3} \(0\.\d{3} to 0\.\d{3}\)", accuracy)
    assert (accuracy, f1) in read_results("mini-radio")
    for page in ("choosing.md", "cases/radio-galaxies.md"):
        assert accuracy in (DOCS / page).read_text(encoding="utf-8")


def test_the_f1_of_each_class_of_radio_galaxies_is_that_of_the_card() -> None:
    page = " ".join((DOCS / "cases/radio-galaxies.md").read_text(encoding="utf-8").split())
    found = re.findall(r"(0\.\d\d) for (FR I|FR II|compact|bent)\b", page)
    found += re.findall(r"(0\.\d\d) for (compact) and 0", page) + re.findall(r"and (0\.\d\d) for (bent)", page)
    assert {name for _, name in found} == {"FR I", "FR II", "compact", "bent"}
    for value, name in found:
        assert value == f"{float(read_score('models/mini-radio.md', f'F1 of {name}')[0]):.2f}"


@pytest.mark.parametrize("column", range(3))
def test_the_scores_of_mini_are_those_of_its_card(column: int) -> None:
    accuracy, f1 = (read_score("models/mini.md", name)[column] for name in ("accuracy", "macro F1"))
    assert (accuracy, f1) in read_results("mini")
