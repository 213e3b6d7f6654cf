"""A model that sees a square of a fixed size on the sky, and images that do not state their pixel scale."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from PIL import Image
from support.helpers import SLUGS, make_model

import galaxtool
from galaxtool.assessment.options import EvaluateOptions
from galaxtool.assessment.subject import open_subject
from galaxtool.inference.compute_options import ComputeOptions
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.search.index.record import IndexRecord
from galaxtool.types import Silent

SIZE = 12.0


class Listener(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)

    def warn(self, message: str) -> None:
        self.said.append(message)

    @property
    def about_scale(self) -> list[str]:
        return [message for message in self.said if "pixel scale" in message]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("scale") / "model")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    y, x = np.mgrid[:80, :80] - 39.5
    for i in range(2):
        disk = 255 * np.exp(-np.hypot(x, y * (1 + i)) / 6) + np.where(np.maximum(abs(x), abs(y)) > 30, 200, 0)
        Image.fromarray(np.clip(disk, 0, 255).astype(np.uint8)).convert("RGB").save(tmp_path / "in" / f"{i}.png")
    return tmp_path / "in"


def set_training(model: Path, scale: float | None) -> None:
    values = json.loads((model / "model.json").read_text())
    values["preprocess"] |= {"size_arcsec": SIZE}
    values["data"] = {"domain": {"pixel_scale": scale}} if scale else {}
    (model / "model.json").write_text(json.dumps(values))


def embed(model: Path, pictures: Path, **options: Any) -> tuple[np.ndarray, list[str]]:
    listener = Listener()
    output = pictures.parent / "e.parquet"
    galaxtool.embed([pictures], output=output, model=model, overwrite=True, progress=listener, **options)
    return np.stack(pq.read_table(output)["embedding"].to_numpy()), listener.about_scale


def test_the_scale_of_the_training_is_assumed_and_said_once(model: Path, pictures: Path) -> None:
    set_training(model, 0.3)
    assumed, said = embed(model, pictures)
    given, nothing = embed(model, pictures, pixel_scale=0.3)
    assert nothing == [] and said == [
        "All 2 images do not state their pixel scale: 0.3 arcsec per pixel is assumed, as in the model's training, to "
        "cut them to 12 arcsec; --pixel-scale gives another."
    ]
    np.testing.assert_array_equal(assumed, given)
    other, _ = embed(model, pictures, pixel_scale=0.15)
    assert np.abs(other - given).max() > 1e-3

    listener = Listener()
    output = pictures.parent / "c.csv"
    galaxtool.classify([pictures], output=output, model=model, progress=listener)
    assert listener.about_scale == said and "NO_SCALE" not in " ".join(map(str, Table.read(output)["flags"]))
    listener = Listener()
    galaxtool.index([pictures], output=pictures.parent / "idx", model=model, progress=listener)
    assert listener.about_scale == said
    assert IndexRecord.read(pictures.parent / "idx" / "index.json").shown["pixel_scale"] == 0.3
    found = galaxtool.similar(pictures / "1.png", index=pictures.parent / "idx", output=pictures.parent / "s.csv")
    nearest = Table.read(found.output)[0]
    assert str(nearest["id"]) == "1" and nearest["similarity"] == pytest.approx(1, abs=1e-5)


def test_an_unknown_scale_is_said(model: Path, pictures: Path) -> None:
    set_training(model, None)
    whole, said = embed(model, pictures)
    assert said == [
        "All 2 images do not state their pixel scale, so the model sees them whole and not cut to 12 arcsec; "
        "--pixel-scale gives it."
    ]
    given, _ = embed(model, pictures, pixel_scale=0.15)  # exactly the whole picture
    np.testing.assert_array_equal(whole, given)


def test_a_gallery_is_read_at_the_same_scale_as_the_queries(model: Path, pictures: Path) -> None:
    set_training(model, 0.3)
    table = pictures.parent / "labels.csv"
    table.write_text(f"path,label\n{pictures}/0.png,{SLUGS[0]}\n{pictures}/1.png,{SLUGS[1]}\n")
    options = EvaluateOptions(dataset=str(table), model=str(model), output=pictures.parent / "out", gallery=str(table))
    subject, reading = open_subject(options, ReadingOptions(), ComputeOptions(), Silent())
    assert subject.gallery is not None and subject.gallery.dataset is not None and reading.pixel_scale == 0.3
    assert [subject.dataset.cutout(row).pixel_scale for row in (0, 1)] == [0.3, 0.3]
    assert [subject.gallery.dataset.cutout(row).pixel_scale for row in (0, 1)] == [0.3, 0.3]
