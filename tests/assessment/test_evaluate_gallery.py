"""``galaxtool evaluate --gallery``: queries are looked up in a data set or an index, by metrics of plugins too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from support import evaluated
from support.helpers import SLUGS

import galaxtool
from galaxtool.assessment.gallery import open_gallery
from galaxtool.assessment.options import EvaluateOptions
from galaxtool.errors import GalaxtoolError
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.models.find import find_model
from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import MetricSpec
from galaxtool.search.index.store import Index
from galaxtool.search.source import read_record

model, images = evaluated.model, evaluated.images


def test_a_gallery_is_a_data_set_or_an_index(model: Path, images: Path, tmp_path: Path) -> None:
    rows = [f"{seed}.fits,{SLUGS[seed % 3]}" for seed in range(12)]
    for name, own in (("queries", rows[:7]), ("gallery", rows[4:])):
        lines = [f"{images}/{line}" for line in own]
        (tmp_path / f"{name}.csv").write_text("\n".join(["path,label", *lines]) + "\n")
    galaxtool.index([tmp_path / "gallery.csv"], model=model, output=tmp_path / "index")
    options = {"model": model, "figures": False, "overwrite": True}
    found = [
        galaxtool.evaluate(tmp_path / "queries.csv", output=tmp_path / "out", gallery=gallery, **options).metrics
        for gallery in (tmp_path / "gallery.csv", tmp_path / "index")
    ]
    index, stored = Index.open(tmp_path / "index"), pq.read_table(tmp_path / "out" / "embeddings.parquet").to_pylist()
    vectors = {int(Path(row["id"]).name): np.array(row["embedding"]) for row in stored}
    vectors |= {int(Path(index[row].id).name): vector for row, vector in enumerate(index.all_vectors())}
    right = []
    for query in range(7):  # the three that are in the gallery do not find themselves
        others = [row for row in range(4, 12) if row != query]
        nearest = max(others, key=lambda row: vectors[row] @ vectors[query])
        right.append(nearest % 3 == query % 3)
    for metrics, words in zip(found, ("gallery.csv'", "the index"), strict=True):
        retrieval = metrics["retrieval"]
        assert retrieval["cosine"]["precision_at_1"]["value"] == pytest.approx(np.mean(right), abs=1e-6)
        assert retrieval["gallery_source"]["images"] == 8 and retrieval["gallery_source"]["queries_among_them"] == 3
        assert words in retrieval["gallery"] and 0 < retrieval["cosine"]["precision_at_1"]["chance"] < 1
    (tmp_path / "gallery.csv").write_text(f"path,label\n{images}/0.fits,{SLUGS[0]}\n{images}/1.fits,cheese\n")
    with pytest.raises(GalaxtoolError, match=r"In the gallery .*: 1 label is not a class"):
        galaxtool.evaluate(
            tmp_path / "queries.csv", output=tmp_path / "o", gallery=tmp_path / "gallery.csv", model=model
        )


class _RetrievalMetrics:
    """A plugin with a metric that takes a gallery, and the same one without."""

    @hookimpl
    def register_metrics(self) -> list[MetricSpec]:
        factory = f"{__name__}:find_nearest_class"
        return [
            MetricSpec(name="nearest", summary="s", factory=factory, inputs="embeddings", takes_gallery=True),
            MetricSpec(name="nearest_alone", summary="s", factory=factory, inputs="embeddings"),
        ]


def find_nearest_class(
    embeddings: np.ndarray,
    targets: np.ndarray,
    gallery: np.ndarray | None = None,
    gallery_targets: np.ndarray | None = None,
    own_rows: np.ndarray | None = None,
) -> np.ndarray:
    """Return whether the nearest item has the same class."""
    if gallery is None or gallery_targets is None or own_rows is None:
        gallery, gallery_targets, own_rows = embeddings, targets, np.arange(len(targets))
    similarity = embeddings @ gallery.T
    known = own_rows >= 0
    similarity[known, own_rows[known]] = -np.inf
    return (gallery_targets[similarity.argmax(axis=1)] == targets).astype(float)


def test_a_metric_of_a_plugin_gets_the_gallery(model: Path, images: Path, tmp_path: Path) -> None:
    rows = [f"{images}/{seed}.fits,{SLUGS[seed % 3]}" for seed in range(12)]
    for name, own in (("queries", rows[:7]), ("gallery", rows[4:])):
        (tmp_path / f"{name}.csv").write_text("\n".join(["path,label", *own]) + "\n")
    plugins = get_registry().plugins
    plugins.register(_RetrievalMetrics(), "mine")
    try:
        for name in ("nearest", "nearest_alone"):
            galaxtool.check_metric(name)
        alone, found = (
            galaxtool.evaluate(
                tmp_path / "queries.csv", model=model, output=tmp_path / f"o{number}", figures=False, gallery=gallery
            ).metrics
            for number, gallery in enumerate((None, tmp_path / "gallery.csv"))
        )
    finally:
        plugins.unregister("mine")
    cosine = found["retrieval"]["cosine"]["precision_at_1"]
    for key in ("value", "low", "high"):
        assert found["nearest"][key] == cosine[key], "it is the precision at 1, in the same gallery"
        assert alone["nearest"][key] == alone["retrieval"]["cosine"]["precision_at_1"][key]
        assert found["nearest_alone"][key] == alone["nearest_alone"][key] == alone["nearest"][key]
    assert found["retrieval"]["without_gallery"] == ["nearest_alone"]
    assert "without_gallery" not in alone["retrieval"]
    told = "nearest_alone compares the images with each other, not with the gallery."
    assert told in (tmp_path / "o1" / "report.html").read_text()


def test_an_index_of_other_views_is_noticed_and_one_without_the_column_refused(
    model: Path, images: Path, tmp_path: Path
) -> None:
    rows = [f"{images}/{seed}.fits,{SLUGS[seed]}" for seed in range(2)]
    (tmp_path / "gallery.csv").write_text("\n".join(["path,label", *rows]) + "\n")
    galaxtool.index([tmp_path / "gallery.csv"], model=model, output=tmp_path / "index", tta=2)
    options = EvaluateOptions(dataset="d", model="m", output=tmp_path / "o", gallery=str(tmp_path / "index"))
    files = find_model(str(model))
    record = read_record(files)

    def list_notes(size: int, tta: int) -> tuple[str, ...]:
        preprocess = replace(record.make_preprocess(), size=size)
        return open_gallery(options, ReadingOptions(), files, record, preprocess, tta=tta).notes

    own = record.make_preprocess().size
    assert list_notes(own, 2) == ()
    (views,) = list_notes(own, 1)
    assert "of 2 views" in views and "--tta 2" in views
    (preprocessed,) = list_notes(own + 1, 2)
    assert "other options" in preprocessed and list_notes(own + 1, 4)[1:] == (preprocessed,)

    options = replace(options, label_column="morphology")
    with pytest.raises(GalaxtoolError, match="no column 'morphology'"):
        open_gallery(options, ReadingOptions(), files, record, record.make_preprocess(), tta=2)


@pytest.mark.slow
def test_an_index_of_another_model_is_refused(model: Path, images: Path, tmp_path: Path) -> None:
    galaxtool.index([images / "labels.csv"], model=model, output=tmp_path / "index")
    with pytest.raises(GalaxtoolError, match="built with the model"):
        galaxtool.evaluate(
            images, output=tmp_path / "o", gallery=tmp_path / "index", coarse="gz2-5", where="label != 'merging'"
        )
