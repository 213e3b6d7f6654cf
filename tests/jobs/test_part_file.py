"""Parts of a job: their images, counts and statistics, and those of an earlier version."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table

from galaxtool.jobs.job import part_path
from galaxtool.jobs.part_counts import MOST_ERRORS, PartCounts
from galaxtool.jobs.part_file import IMAGE_COLUMN, count_parts, load_images, merge_stats, read_parts, write_part
from galaxtool.jobs.record import EmbeddingsRecord, PredictionsRecord
from galaxtool.tables.read import read_table
from galaxtool.tables.write import write_stream, write_table
from galaxtool.types import ImageRef

NO_UTF8 = os.fsdecode(b"in/\xff.png") if sys.platform == "linux" else "in/x.png"
IMAGES = [
    ImageRef(Path("a.fits")),
    ImageRef(Path("a.tar"), "tar", "b[1].fits"),
    ImageRef(Path("g.fits"), bands=(("g", Path("g.fits")), ("r", Path("r.fits")))),
    ImageRef(Path(NO_UTF8)),
]


def make_table(first: int) -> Table:
    """Make four rows of predictions, one of them with an error."""
    return Table(
        {
            "id": [str(first + k) for k in range(4)],
            "path": [str(image) for image in IMAGES],
            "label": MaskedColumn(["disc", "ring", "disc", ""], mask=[False, False, False, True]),
            "probability": MaskedColumn([0.5, 0.75, 1.0, 0.0], mask=[False, False, False, True]),
            "flags": ["BLANK", "", "BLANK UPSAMPLED", ""],
            "error": ["", "", "", f"The image {first} is damaged."],
        }
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(3):
        write_part(part_path(tmp_path, number), make_table(4 * number), IMAGES, Path("p.csv"))
    return tmp_path


def test_images_come_back_as_they_were(folder: Path) -> None:
    images, errors = load_images(part_path(folder, 1))
    assert images == IMAGES and errors == ["", "", "", "The image 4 is damaged."]


def test_counts_of_parts_add_up(folder: Path) -> None:
    counts = count_parts([part_path(folder, number) for number in range(3)])
    assert (counts.rows, counts.errors, dict(counts.labels)) == (12, 3, {"disc": 6, "ring": 3})
    assert counts.first_errors == [f"The image {n} is damaged." for n in (0, 4, 8)]
    assert counts.order_flags(["UPSAMPLED", "BLANK", "NAN_PIXELS"]) == {"UPSAMPLED": 3, "BLANK": 6}


def test_few_errors_are_kept() -> None:
    counts = PartCounts.of(["broken"] * 7)
    counts.add(PartCounts.of(["broken", None, ""] * 7, ["disc", None, ""] * 7))
    assert (counts.rows, counts.errors, len(counts.first_errors)) == (28, 14, MOST_ERRORS)
    assert PartCounts.from_dict(counts.to_dict()) == counts


@pytest.mark.parametrize("name", ["p.csv", "p.fits", "p.parquet"])
def test_statistics_of_the_parts_change_nothing(name: str, tmp_path: Path) -> None:
    for number in range(3):
        write_part(part_path(tmp_path, number), make_table(4 * number), IMAGES, Path(name))
    stats = merge_stats([part_path(tmp_path, number) for number in range(3)])
    assert stats is not None and stats.rows == 12
    write_stream(lambda: read_parts(tmp_path, 3), tmp_path / f"once-{name}", stats=stats)
    write_stream(lambda: read_parts(tmp_path, 3), tmp_path / f"twice-{name}")
    assert (tmp_path / f"once-{name}").read_bytes() == (tmp_path / f"twice-{name}").read_bytes()
    assert IMAGE_COLUMN not in read_table(tmp_path / f"once-{name}").colnames


def test_a_part_of_an_earlier_version(tmp_path: Path) -> None:
    path = part_path(tmp_path, 0)
    write_table(make_table(0)[:2], path)
    images, _ = load_images(path)
    assert [str(image) for image in images] == ["a.fits", "a.tar[b[1].fits]"]
    counts = count_parts([path])
    assert (counts.rows, counts.errors, dict(counts.labels)) == (2, 0, {"disc": 1, "ring": 1})
    assert merge_stats([path]) is None
    assert len(next(read_parts(tmp_path, 1))) == 2


COMMON = {
    "parts": 2, "shards": 1, "model": "m", "engine": "onnx", "precision": "fp32", "batch_size": 4,
    "reading_options": {"bands": []}, "preprocessing": "p", "inputs": "i", "rows_per_part": 8,
}  # fmt: skip


def test_a_record_is_stored_under_the_keys_of_old() -> None:
    record = PredictionsRecord(**COMMON, top_k=1, meta={}, classes={"a": "A"}, calibration="", preprocess={})  # type: ignore[arg-type]
    assert list(record.to_json()) == [
        "model", "engine", "precision", "batch size", "reading options", "preprocessing", "inputs", "kind", "top k",
        "prior", "terms", "rows a part", "meta", "classes", "calibration", "preprocess", "notes", "parts", "shards",
    ]  # fmt: skip
    assert PredictionsRecord.from_json(record.to_json()) == record
    old = {key: value for key, value in record.to_json().items() if key not in ("terms", "notes")}
    assert PredictionsRecord.from_json(old) == record
    assert record.find_differences(old) == []
    embeddings = EmbeddingsRecord(**COMMON, count=np.int64(9).item(), meta={})  # type: ignore[arg-type]
    assert list(embeddings.to_json())[-7:] == ["kind", "layer", "rows a part", "count", "meta", "parts", "shards"]


def test_differences_without_what_follows_from_them() -> None:
    record = EmbeddingsRecord(**COMMON, count=9, meta={})  # type: ignore[arg-type]
    stored = record.to_json()
    assert record.find_differences({**stored, "meta": {"another": 1}}) == []
    assert record.find_differences({**stored, "batch size": 5, "rows a part": 10, "parts": 1}) == ["batch size"]
    assert record.find_differences({**stored, "rows a part": 10, "parts": 1}) == ["rows a part", "parts"]
