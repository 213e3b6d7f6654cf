"""Parts that a disk damaged or somebody renamed are done again by ``--resume``, and never joined by ``merge``."""

from __future__ import annotations

import json
import logging
import os
import shutil
from pathlib import Path

import pytest
from support.helpers import make_model, write_png
from support.training_helpers import run_command, run_failing

from galaxtool.errors import InputError
from galaxtool.jobs.part_check import describe_damage
from galaxtool.jobs.record import load_record
from galaxtool.utils.files.locks import lock_file, lock_owner


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with two finished shards of a job of four parts, and the table of all of them."""
    here = tmp_path_factory.mktemp("damaged")
    make_model(here / "tiny")
    for seed in range(4):
        write_png(here / "in" / f"{seed}.png", seed)
    for shard in ("1/2", "2/2"):
        assert run_command(*classify(here, "--shard", shard))[0] == 0
    assert run_command("merge", here / "p.csv", "--output", here / "whole.csv", "--keep")[0] == 0
    return here


def classify(here: Path, *more: str) -> list[object]:
    model, options = here / "tiny", ("--batch-size", "1", "--executor", "threads", "--quiet")
    return ["classify", here / "in", "--model", model, "-o", here / "p.csv", *options, *more]


@pytest.fixture
def folder(shards: Path) -> Path:
    """Return the folder of parts, restored to what it was."""
    parts, kept = shards / "p.csv.unfinished", shards / "kept"
    if not kept.exists():
        shutil.copytree(parts, kept)
    shutil.rmtree(parts, ignore_errors=True)
    shutil.copytree(kept, parts)
    return parts


def damage(folder: Path, how: str) -> None:
    part = folder / "part-000001.parquet"
    content = part.read_bytes()
    if how == "renamed":
        shutil.copy(folder / "part-000003.parquet", part)
    elif how == "zeros in the middle":
        part.write_bytes(content[:100] + bytes(len(content) - 200) + content[-100:])
    else:
        part.write_bytes({"cut": content[:-9], "empty": b"", "other": b"no part"}[how])


@pytest.mark.parametrize("how", ["renamed", "cut", "empty", "other", "zeros in the middle"])
def test_a_damaged_part_is_done_again(how: str, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    here = folder.parent
    damage(folder, how)
    said = run_failing("merge", here / "p.csv", "--output", here / "m.csv")
    assert "part-000001.parquet'" in said and "--shard 2/2" in said and not (here / "m.csv").exists()
    with caplog.at_level(logging.WARNING, "galaxtool"):
        assert run_command(*classify(here, "--shard", "2/2", "--resume"))[0] == 0
    assert "1 finished part cannot be used and will be done again: 'part-000001.parquet' is" in caplog.text
    assert run_command("merge", here / "p.csv", "--output", here / "m.csv")[0] == 0
    assert (here / "m.csv").read_bytes() == (here / "whole.csv").read_bytes()
    (here / "m.csv").unlink()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_sound_parts_have_no_damage(folder: Path, tmp_path: Path) -> None:
    assert [describe_damage(path) for path in sorted(folder.glob("part-*"))] == [""] * 4
    os.mkfifo(tmp_path / "part-000000.parquet")
    assert describe_damage(tmp_path / "part-000000.parquet") == "is damaged"


@pytest.mark.parametrize(
    ("key", "value"),
    [("parts", "4"), ("parts", -1), ("parts", True), ("shards", None), ("meta", []), ("classes", "a"), ("notes", 1)],
)
def test_a_record_with_values_of_other_types_is_damaged(key: str, value: object, folder: Path) -> None:
    record = folder / "job.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {key: value}))
    with pytest.raises(InputError, match=r"job\.json' is damaged"):
        load_record(folder)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no links without rights")
def test_a_lock_that_is_a_link_is_refused(folder: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    (folder / ".lock").unlink()
    (folder / ".lock").symlink_to(mine)
    said = run_failing("merge", folder.parent / "p.csv")
    assert "its lock '.lock' is a link" in said and "Traceback" not in said
    said = run_failing(*classify(folder.parent, "--resume", "--shard", "1/2"))
    assert "its lock '.lock' is a link" in said
    assert mine.read_text() == "mine"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_lock_under_two_names_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    os.link(tmp_path / "mine.txt", tmp_path / ".lock")
    lock = lock_file(tmp_path / ".lock")
    assert lock is not None and lock_file(tmp_path / ".lock") is None
    lock.close()
    assert lock_owner(tmp_path / ".lock") == "mine"
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="is not a regular file"):
        lock_file(tmp_path / "pipe")
    assert lock_owner(tmp_path / "pipe") == ""
