"""Batches of an unfinished part: a job that was stopped reads no image twice."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.helpers import make_model, write_png

from galaxtool.commands.classify import classify
from galaxtool.commands.embed import embed
from galaxtool.inference.batch_content import decode_batch, encode_batch
from galaxtool.inference.worker import ScoredBatch
from galaxtool.jobs.journal import BatchJournal
from galaxtool.types import Silent

COUNT, STOPPED = 40, 27  # parts of 10 batches: the third is not finished


class Stopping(Silent):
    """A progress that ends the command once so many images are done."""

    def __init__(self) -> None:
        self.left = STOPPED

    def advance(self, n: int = 1, note: str = "") -> None:
        self.left -= n
        if self.left < 0:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.mark.parametrize("command", [classify, embed])
def test_no_finished_batch_is_computed_again(command: Callable[..., object], model: Path, tmp_path: Path) -> None:
    for number in range(COUNT):
        write_png(tmp_path / "in" / f"{number:02d}.png", number)
    outputs = [tmp_path / f"{name}.{'csv' if command is classify else 'npy'}" for name in ("whole", "again")]
    options = {"model": str(model), "batch_size": 1, "workers": 1, "executor": "threads"}
    command([tmp_path / "in"], output=outputs[0], **options)
    with pytest.raises(KeyboardInterrupt) as stop:
        command([tmp_path / "in"], output=outputs[1], progress=Stopping(), **options)
    assert "2 of 4 parts are done" in stop.value.__notes__[0]
    for number in range(STOPPED):
        (tmp_path / "in" / f"{number:02d}.png").write_bytes(b"not an image any more")
    command([tmp_path / "in"], output=outputs[1], resume=True, **options)
    assert outputs[1].read_bytes() == outputs[0].read_bytes()
    assert not list(tmp_path.glob("*.unfinished"))


@pytest.mark.slow
def test_without_resume_all_is_computed_again(model: Path, tmp_path: Path) -> None:
    for number in range(COUNT):
        write_png(tmp_path / "in" / f"{number:02d}.png", number)
    options = {"model": str(model), "batch_size": 1, "workers": 1, "executor": "threads"}
    with pytest.raises(KeyboardInterrupt):
        classify([tmp_path / "in"], output=tmp_path / "p.csv", progress=Stopping(), **options)
    write_png(tmp_path / "in" / "00.png", 77)
    write_png(tmp_path / "in" / f"{STOPPED - 2}.png", 78)
    for name, overwrite in (("p.csv", True), ("other.csv", False)):
        classify([tmp_path / "in"], output=tmp_path / name, overwrite=overwrite, **options)
    assert (tmp_path / "p.csv").read_bytes() == (tmp_path / "other.csv").read_bytes()


def fill(path: Path) -> BatchJournal:
    journal = BatchJournal(path)
    for start, content in ((0, b"first"), (64, b""), (128, b"third" * 100)):
        journal.add(start, content)
    journal.close()
    return journal


@pytest.mark.parametrize("cut", [1, 16, 515, 536, 537, 572, 573])
def test_a_torn_end_costs_the_last_batch(cut: int, tmp_path: Path) -> None:
    journal = fill(tmp_path / "batches.log")
    size = (tmp_path / "batches.log").stat().st_size
    os.truncate(tmp_path / "batches.log", size - cut)
    found = journal.load()
    last = 36 + len(b"third" * 100)
    expected = {0: b"first", 64: b""} if cut <= last else {0: b"first"} if cut <= last + 36 else {}
    assert found == expected
    journal.add(256, b"after a resume")
    journal.close()
    assert journal.load() == {**expected, 256: b"after a resume"}


def test_changed_bytes_are_noticed(tmp_path: Path) -> None:
    """Zeros where a power cut left them, and flipped bits, anywhere."""
    journal = fill(tmp_path / "batches.log")
    content = (tmp_path / "batches.log").read_bytes()
    whole = journal.load()
    assert len(whole) == 3
    for place in range(len(content)):
        (tmp_path / "batches.log").write_bytes(content[:place] + bytes([content[place] ^ 64]) + content[place + 1 :])
        found = journal.load()
        assert len(found) < 3 and all(whole[start] == value for start, value in found.items())
    (tmp_path / "batches.log").write_bytes(content[:60] + bytes(len(content) - 60))
    assert journal.load() == {0: b"first"}
    journal.clear()
    assert journal.load() == {} and not journal.has_batches


def test_a_batch_comes_back_to_the_last_bit() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(3, 5)).astype(np.float32)
    values[1] = np.nan
    batch = ScoredBatch(
        np.array([1 / 3, np.nan, 359.9]), np.array([-1e-300, np.nan, 90]), ["", "NAN_PIXELS BLANK", "x"],
        ["", "no such \udcff file\n", "Größe"], values,
    )  # fmt: skip
    again = decode_batch(encode_batch(batch), 3)
    assert again is not None and again.flags == batch.flags and again.errors == batch.errors
    for name in ("ra", "dec", "values"):
        assert getattr(again, name).tobytes() == getattr(batch, name).tobytes()
        assert getattr(again, name).flags.writeable
    assert decode_batch(encode_batch(batch), 2) is None
