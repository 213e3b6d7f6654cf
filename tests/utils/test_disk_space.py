"""Whether a disk has room for an output is told before the work for it begins."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from galaxtool import embed, index, simulate
from galaxtool.errors import GalaxtoolError
from galaxtool.inference import runner
from galaxtool.utils.files.disk_space import check_room, measure_files


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture
def set_free(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let each disk have a number of free bytes."""
    return lambda free: monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9 - free, free))


def test_what_does_not_fit_is_told_with_both_sizes(set_free: Callable[[int], None], tmp_path: Path) -> None:
    set_free(5_000_000)
    check_room(tmp_path / "no" / "such" / "a.npy", 5_000_000, "the numbers")
    with pytest.raises(GalaxtoolError, match=r"has 5\.0 MB of free space, and the numbers take 12,000\.0 MB"):
        check_room(tmp_path / "no" / "such" / "a.npy", 12_000_000_000, "the numbers")


def test_a_disk_that_does_not_say_has_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(_: Any) -> None:
        raise OSError

    monkeypatch.setattr(shutil, "disk_usage", fail)
    check_room(tmp_path / "a.npy", 10**18, "the numbers")


def test_sizes_of_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(10))
    (tmp_path / "b").write_bytes(bytes(5))
    assert measure_files(tmp_path) == 15 and measure_files(tmp_path / "none") == 0


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    simulate(output=folder, n=4)
    return folder


@pytest.mark.parametrize(("command", "output"), [(embed, "e.npy"), (embed, "e.parquet"), (index, "built")])
def test_no_image_is_read_for_an_output_that_does_not_fit(
    command: Callable[..., Any], output: str, images: Path, set_free: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    set_free(4 * 256 * 4)  # the embeddings alone would fit
    monkeypatch.setattr(runner.BatchRunner, "run_parts", lambda *_: pytest.fail("images are read"))
    with pytest.raises(GalaxtoolError, match="of free space, and the embeddings, with the parts"):
        command([images], output=tmp_path / output)
    assert not list(tmp_path.glob(f"{output}*"))
