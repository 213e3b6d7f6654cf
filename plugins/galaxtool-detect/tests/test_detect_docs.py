"""What the pages about this plugin say: commands, options, columns, flags."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from galaxtool_detect import Detections, FieldMap, FieldOptions, build_catalogue, simulate_field
from galaxtool_detect.catalog.fluxes import MEANINGS
from galaxtool_detect.cli.group import group

from galaxtool import check_command

ROOT = Path(__file__).resolve().parents[3]
PAGES = (ROOT / "docs" / "detection.md", ROOT / "plugins" / "galaxtool-detect" / "README.md")


def commands(page: Path) -> list[list[str]]:
    lines = re.findall(r"^(?:\$ )?galaxtool detect (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return [shlex.split(line) for line in lines]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_can_be_typed(page: Path) -> None:
    assert len(commands(page)) >= 4
    for name, *words in commands(page):
        with group.commands[name].make_context(name, words) as context:
            assert context.params


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_options_exist(page: Path) -> None:
    every = {flag for one in group.commands.values() for p in one.params for flag in (*p.opts, *p.secondary_opts)}
    named = set(re.findall(r"`(--[a-z][a-z-]+)[ `=]", page.read_text(encoding="utf-8")))
    assert named - every == set()


def test_columns_and_flags_are_listed() -> None:
    field = simulate_field(0, 0, FieldOptions(size=64))
    found = Detections(boxes=np.array([[10, 10, 20, 20]], np.float32), scores=np.ones(1), labels=np.zeros(1, int))
    table = build_catalogue(FieldMap(field), found, ("compact",)).sources
    text = (ROOT / "docs" / "detection.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"`(\w+)`", text[text.index("## The catalogue") : text.index("Noise and background are")]))
    assert listed == {*table.colnames, *MEANINGS}


@pytest.mark.slow
def test_the_command_is_light() -> None:
    check_command("detect")
