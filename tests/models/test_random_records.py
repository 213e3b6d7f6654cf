"""Records with random odd values: each is taken, or refused with a sentence; nothing else ever comes of one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.odd_values import FIRST, make_odd_record

from galaxtool.errors import GalaxtoolError
from galaxtool.jobs.record import load_record
from galaxtool.models.onnx.metadata import CLASS_EMBEDDINGS_KEY, METADATA_KEY, read_class_embeddings, read_onnx_record
from galaxtool.models.record import ModelRecord
from galaxtool.search.index.record import IndexRecord

WRITTEN = Path(__file__).resolve().parents[1] / "data" / "version_0"


def read_model(record: Any, folder: Path) -> None:
    (folder / "model.json").write_text(json.dumps(record))
    use_model(ModelRecord.read(folder / "model.json"))


def use_model(record: ModelRecord) -> None:
    """Do what commands do with a record before they open its weights."""
    assert record.make_preprocess().size <= 4096
    assert all("/" not in slug and slug.isprintable() for slug in record.slugs)
    assert len(record.make_taxonomy().classes) == len(record.slugs)
    json.dumps(record.as_dict())


def read_index(record: Any, folder: Path) -> None:
    (folder / "index.json").write_text(json.dumps(record))
    json.dumps(IndexRecord.read(folder / "index.json").as_dict())


def read_job(record: Any, folder: Path) -> None:
    (folder / "job.json").write_text(json.dumps(record))
    json.dumps(load_record(folder).to_json())


def read_onnx(record: Any, folder: Path) -> None:
    use_model(read_onnx_record({METADATA_KEY: json.dumps(record)}, folder / "m.onnx"))


def read_embeddings(record: Any, folder: Path) -> None:
    arrays = read_class_embeddings({CLASS_EMBEDDINGS_KEY: json.dumps(record)})
    assert all(rows.ndim == 2 for rows in arrays.values())


KINDS: dict[str, tuple[Callable[[Any, Path], None], str]] = {
    "model": (read_model, "run/model/model.json"),
    "onnx": (read_onnx, "run/model/model.json"),
    "index": (read_index, "index/index.json"),
    "job": (read_job, "begun.csv.unfinished/job.json"),
    "embeddings": (read_embeddings, ""),
}


def try_records(kind: str, first: int, count: int, folder: Path) -> int:
    """Read records, and return how many of them were refused."""
    read, path = KINDS[kind]
    sound = json.loads((WRITTEN / path).read_text()) if path else {"symbol": [[0.5, 1.0]] * 3, "text": [[1.0]]}
    read(sound, folder)
    refused = 0
    for number in range(first, first + count):
        record = make_odd_record(number, sound)
        try:
            read(record, folder)
        except GalaxtoolError as error:
            refused += 1
            assert error.message, number
        except Exception as error:
            raise AssertionError(f"record {number} of {kind}: {record}") from error
    return refused


@pytest.mark.parametrize("kind", KINDS)
def test_a_few(kind: str, tmp_path: Path) -> None:
    count = 2000 if FIRST else 200
    assert 0.1 * count < try_records(kind, FIRST, count, tmp_path) < count


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_many(kind: str, tmp_path: Path) -> None:
    assert try_records(kind, FIRST + 10_000, 20_000, tmp_path)
