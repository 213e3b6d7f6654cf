"""Average precision, completeness, reliability, flux bias: against loops, libraries and known answers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from galaxtool_detect import (
    Detections,
    FieldImage,
    FieldMap,
    FieldOptions,
    make_simulated_set,
    simulate,
    simulate_field,
)
from galaxtool_detect.catalog.build import build_catalogue
from galaxtool_detect.commands.evaluate import evaluate
from galaxtool_detect.measures.average_precision import compute_average_precision
from galaxtool_detect.measures.evaluation import Evaluation
from galaxtool_detect.measures.finders import Found, SepFinder
from galaxtool_detect.measures.flux_bias import compute_flux_bias
from galaxtool_detect.measures.matching import match_positions
from galaxtool_detect.measures.rates import compute_rates, find_flux_edges, find_interval
from galaxtool_detect.measures.table_finder import TableFinder
from galaxtool_detect.simulation.inject import count_room, inject_points
from galaxtool_detect.simulation.run import write_field
from galaxtool_detect.simulation.sources import CLASSES

from galaxtool import ConfigError, InputError, OutputExists, write_table


def draw_boxes(n: int, rng: np.random.Generator) -> np.ndarray:
    corner = rng.uniform(0, 80, (n, 2))
    return np.concatenate([corner, corner + rng.uniform(6, 20, (n, 2))], axis=1).astype(np.float32)


def draw_case(seed: int) -> tuple[list[FieldImage], list[Detections]]:
    """Return images with true and found boxes, some of them alike, in two classes."""
    rng = np.random.default_rng(seed)
    truth, found = [], []
    for i in range(6):
        boxes = draw_boxes(int(rng.integers(0, 9)), rng)
        labels = rng.integers(0, 2, len(boxes))
        kept = rng.random(len(boxes)) < 0.8
        moved = boxes[kept] + rng.normal(0, 1.2, (int(kept.sum()), 4)).astype(np.float32)
        extra = draw_boxes(int(rng.integers(0, 5)), rng)
        every = np.concatenate([moved, extra])
        classes = np.concatenate([labels[kept], rng.integers(0, 2, len(extra))])
        truth.append(FieldImage(name=str(i), pixels=np.zeros((1, 100, 100), np.float32), boxes=boxes, labels=labels))
        found.append(Detections(boxes=every, scores=rng.random(len(every)).astype(np.float32), labels=classes))
    return truth, found


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    both = max(width, 0) * max(height, 0)
    return both / ((one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1]) - both)


def average_precision(truth: list[FieldImage], found: list[Detections], label: int, level: float) -> float:
    """Compute the average precision with loops."""
    total = sum(int((one.labels == label).sum()) for one in truth)
    rows = [(float(d.scores[k]), i, k) for i, d in enumerate(found) for k in range(len(d)) if d.labels[k] == label]
    taken: set[tuple[int, int]] = set()
    hits = []
    for _, i, k in sorted(rows, key=lambda row: -row[0]):
        best, best_overlap = None, level
        for t in np.flatnonzero(truth[i].labels == label):
            value = overlap(found[i].boxes[k].astype(float), truth[i].boxes[t].astype(float))
            if (i, int(t)) not in taken and value >= best_overlap:
                best, best_overlap = (i, int(t)), value
        hits.append(best is not None)
        if best is not None:
            taken.add(best)
    cumulative = np.cumsum(hits)
    precision = cumulative / np.arange(1, len(hits) + 1)
    recall = cumulative / total
    points = [max(precision[recall >= r - 1e-12], default=0.0) for r in np.linspace(0, 1, 101)]
    return float(np.mean(points))


@pytest.mark.parametrize("seed", range(3))
def test_average_precision_is_that_of_a_loop(seed: int) -> None:
    truth, found = draw_case(seed)
    scores = compute_average_precision(truth, found, ("a", "b"))
    levels = np.linspace(0.5, 0.95, 10)
    wanted = np.array([[average_precision(truth, found, k, level) for level in levels] for k in (0, 1)])
    assert scores.map50 == pytest.approx(wanted[:, 0].mean(), abs=1e-6)
    assert scores.map50_95 == pytest.approx(wanted.mean(), abs=1e-6)
    assert scores.classes["a"][0] == pytest.approx(wanted[0, 0], abs=1e-6)
    alike = [Detections(boxes=d.boxes, scores=d.scores, labels=np.zeros(len(d), int)) for d in found]
    plain = [FieldImage(name=t.name, pixels=t.pixels, boxes=t.boxes, labels=np.zeros(len(t.boxes), int)) for t in truth]
    assert scores.any50 == pytest.approx(average_precision(plain, alike, 0, 0.5), abs=1e-6)


def test_ignored_boxes_count_neither_way() -> None:
    truth, found = draw_case(0)
    before = compute_average_precision(truth, found, ("a", "b"))
    ignored = np.array([[300, 300, 310, 310]], np.float32)
    truth = [FieldImage(name=t.name, pixels=t.pixels, boxes=t.boxes, labels=t.labels, ignored=ignored) for t in truth]
    more = [
        Detections(
            boxes=np.concatenate([d.boxes, ignored]), scores=np.append(d.scores, 1).astype(np.float32),
            labels=np.append(d.labels, 0),
        )
        for d in found
    ]  # fmt: skip
    after = compute_average_precision(truth, more, ("a", "b"))
    assert after.map50 == pytest.approx(before.map50) and after.any50 == pytest.approx(before.any50)


def test_many_sources_in_one_image() -> None:
    """COCO stops at 100 detections of an image; maps have more."""
    corner = np.stack(np.meshgrid(np.arange(20) * 10.0, np.arange(20) * 10.0), axis=-1).reshape(-1, 2)
    boxes = np.concatenate([corner, corner + 5], axis=1).astype(np.float32)
    truth = [FieldImage(name="", pixels=np.zeros((1, 200, 200), np.float32), boxes=boxes, labels=np.zeros(400, int))]
    found = [Detections(boxes=boxes, scores=np.linspace(1, 0.5, 400).astype(np.float32), labels=np.zeros(400, int))]
    assert compute_average_precision(truth, found, ("a",)).map50_95 == 1


def test_nothing_found_and_nothing_there() -> None:
    truth, found = draw_case(1)
    nothing = [Detections.empty() for _ in found]
    assert compute_average_precision(truth, nothing, ("a", "b", "c")).map50 == 0
    bare = [FieldImage(name="", pixels=one.pixels) for one in truth]
    assert np.isnan(compute_average_precision(bare, found, ("a", "b")).map50)


def test_a_source_is_found_once_and_labelled_ones_first() -> None:
    field = FieldImage(
        name="", pixels=np.zeros((1, 60, 60), np.float32), labels=np.zeros(2, int),
        boxes=np.array([[10, 10, 20, 20], [30, 10, 50, 30]], np.float32),
        ignored=np.array([[12, 10, 22, 20]], np.float32),
    )  # fmt: skip
    boxes = np.array([[10, 10, 20, 20], [11, 10, 21, 20], [33, 14, 47, 28], [0, 40, 10, 50]], np.float32)
    found = Detections(boxes=boxes, scores=np.array([0.5, 0.9, 0.8, 0.7]), labels=np.zeros(4, int))
    match = match_positions(field, found, beam_width=4)
    # the best one takes the labelled source although the ignored one is as near; the other gets what is left
    assert match.source.tolist() == [2, 0, 1, -1]
    assert match.found.tolist() == [True, True, True]


class FindsAll:
    """A finder that finds each labelled source."""

    name, classes, knows_no_other, threshold = "all", (), False, 0.0

    def find(self, field: FieldImage) -> Found:
        n = len(field.boxes)
        return Found(detections=Detections(boxes=field.boxes, scores=np.ones(n, np.float32), labels=np.zeros(n, int)))


def test_fluxes_of_images_in_different_units() -> None:
    """Bins of flux hold what is comparable, in the unit of the first image."""
    first = next(iter(make_simulated_set(1, 3, options=FieldOptions(size=128, density=40))))
    assert first.unit == "Jy/beam"
    truth = {key: 1e3 * values if key in ("flux", "peak") else values for key, values in first.truth.items()}
    milli = replace(first, name="milli", pixels=1e3 * first.pixels, unit="mJy/beam", truth=truth)
    kelvin = replace(first, name="kelvin", unit="K")
    evaluation = Evaluation(FindsAll(), ("source",), one_class=True)
    for field in (first, milli, kelvin):
        evaluation.add(field)
    scores = evaluation.finish()
    assert scores.unit == "Jy/beam" and scores.as_dict()["unit"] == "Jy/beam"
    for table, names in ((scores.sources, ("flux", "peak", "measured_flux")), (scores.detections, ("flux", "peak"))):
        parts = [table[table["image"] == name] for name in (first.name, "milli", "kelvin")]
        assert len({len(part) for part in parts}) == 1 and len(parts[0])
        for name in names:
            np.testing.assert_allclose(parts[1][name], parts[0][name], rtol=1e-4)
            assert np.isnan(parts[2][name]).all()
    assert scores.tables["completeness_flux"]["n"].sum() == 2 * len(scores.sources) / 3


def test_intervals_are_those_of_astropy() -> None:
    from astropy.stats import binom_conf_interval

    for hits, n in ((3, 10), (1, 4), (50, 60)):
        wanted = binom_conf_interval(hits, n, confidence_level=0.95, interval="jeffreys")
        np.testing.assert_allclose(find_interval(hits, n), wanted)
    assert find_interval(0, 5)[0] == 0 and find_interval(5, 5)[1] == 1


def test_rates_and_ratios_in_bins() -> None:
    values = np.array([1.0, 2, 2.5, 7, np.nan])
    table = compute_rates(values, np.array([True, False, True, True, True]), (0, 2, 5, 6, 10))
    assert table["n"].tolist() == [1, 2, 1] and table["rate"].tolist() == [1, 0.5, 1]
    bias = compute_flux_bias(np.full(101, 5.0), np.linspace(1, 3, 101), np.full(101, 2.0), (4, 6))
    assert bias["ratio"][0] == 1 and bias["ratio_84"][0] == pytest.approx(1.34)
    assert len(compute_rates(np.zeros(0), np.zeros(0, bool), (0, 1))) == 0


@pytest.mark.parametrize("fluxes", [[0.01] * 20, [3.0], [1.0, 1.0, 2.0]])
def test_equal_fluxes_are_in_a_bin(fluxes: list[float]) -> None:
    values = np.array(fluxes)
    table = compute_rates(values, np.ones(len(values), bool), find_flux_edges(values))
    assert table["n"].sum() == len(values)


def perfect_catalogue(path: Path, fields: object, *, keep: float = 2.0) -> None:
    rows: dict[str, list[object]] = {key: [] for key in ("image", "x0", "y0", "x1", "y1", "label", "score")}
    for field in fields:
        for box, label in zip(field.boxes, field.labels, strict=True):
            if (box[0] * 7) % 2 < keep:
                for key, value in zip(
                    rows, (f"maps/{field.name}.fits", *map(float, box), CLASSES[label], 0.9), strict=True
                ):
                    rows[key].append(value)
    write_table(Table(rows), path)


def test_a_perfect_catalogue(tmp_path: Path) -> None:
    simulate(output=tmp_path / "fields", n=6, size=128, density=40, seed=3)
    perfect_catalogue(tmp_path / "found.csv", make_simulated_set(6, 3, options=FieldOptions(size=128, density=40)))
    result = evaluate(
        str(tmp_path / "fields"), detections=[tmp_path / "found.csv"], output=tmp_path / "out", split="all"
    )
    scores = result.finders["found"]
    assert scores["average_precision"]["map50_95"] > 0.99
    assert scores["completeness"]["value"] == 1 and scores["reliability"]["value"] == 1
    bright = [one for one in scores["flux_bias"] if one["low"] >= 20]
    assert bright and all(abs(one["ratio"] - 1) < 0.12 for one in bright)
    stored = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert stored["finders"]["found"]["completeness"]["n"] == scores["n_sources"]
    table = Table.read(tmp_path / "out" / "found-sources.csv")
    assert len(table) == scores["n_sources"] + sum(table["ignored"] == "True")
    assert (tmp_path / "out" / "scores.png").stat().st_size > 10_000
    with pytest.raises(OutputExists):
        evaluate(str(tmp_path / "fields"), detections=[tmp_path / "found.csv"], output=tmp_path / "out")
    with pytest.raises(ConfigError, match="no split 'test'"):
        evaluate(str(tmp_path / "fields"), detections=[tmp_path / "found.csv"], output=tmp_path / "o", split="test")


def test_half_a_catalogue(tmp_path: Path) -> None:
    fields = make_simulated_set(6, 3, options=FieldOptions(size=128, density=40))
    perfect_catalogue(tmp_path / "found.csv", fields, keep=1.0)
    evaluation = Evaluation(TableFinder(tmp_path / "found.csv"), CLASSES)
    for field in fields:
        evaluation.add(field)
    scores = evaluation.finish()
    n = len(Table.read(tmp_path / "found.csv"))
    assert scores.completeness.hits == n and scores.reliability.value == 1
    assert scores.completeness.n == sum(len(field.boxes) for field in fields)
    table = scores.tables["completeness_snr"]
    assert table["n"].sum() == len(scores.sources) and table["hits"].sum() == n


def test_a_catalogue_of_positions(tmp_path: Path) -> None:
    """Rows without an image belong where their positions lie; sizes are the beam's."""
    field = simulate_field(1, 0, FieldOptions(size=128, density=60, artefacts=False))
    ra, dec = FieldMap(field).to_sky(field.truth["x"], field.truth["y"])
    size = np.full(len(ra), field.beam.major)
    columns = {"ra": ra, "dec": dec, "a": size, "b": size, "pa": size * 0, "peak_flux": field.truth["peak"],
               "int_flux": field.truth["flux"], "local_rms": field.truth["rms"]}  # fmt: skip
    write_table(Table(columns), tmp_path / "aegean.fits")
    evaluation = Evaluation(TableFinder(tmp_path / "aegean.fits"), CLASSES)
    evaluation.add(field)
    scores = evaluation.finish()
    assert scores.completeness.value > 0.85
    np.testing.assert_allclose(scores.tables["flux_bias"]["ratio"], 1)  # its own fluxes
    bare = FieldImage(name="bare", pixels=field.pixels, boxes=field.boxes, labels=field.labels)
    with pytest.raises(InputError, match="no WCS"):
        evaluation.add(bare)


def test_other_classes_in_a_catalogue(tmp_path: Path) -> None:
    fields = make_simulated_set(3, 3, options=FieldOptions(size=96, density=60))
    perfect_catalogue(tmp_path / "found.csv", fields)
    finder = TableFinder(tmp_path / "found.csv")
    for classes, wanted in ((("compact", "relic"), ("compact", "relic")), (("relic", "halo"), ("source",))):
        assert Evaluation(finder, classes).classes == wanted
    assert Evaluation(finder, ("compact", "relic"), one_class=True).classes == ("source",)
    evaluation = Evaluation(finder, CLASSES[:2])
    for field in fields:
        known = field.labels < 2
        rest = np.concatenate([field.boxes[~known], field.ignored])
        evaluation.add(replace(field, boxes=field.boxes[known], labels=field.labels[known], ignored=rest, truth={}))
    assert evaluation.finish().precision.map50 > 0.99


def test_detections_without_a_class_count_for_none(tmp_path: Path) -> None:
    (field,) = make_simulated_set(1, 3, options=FieldOptions(size=96, density=60))
    perfect_catalogue(tmp_path / "found.csv", [field])
    table = Table.read(tmp_path / "found.csv")
    table["label"] = [CLASSES[0], *[""] * (len(table) - 1)]
    table.write(tmp_path / "found.csv", overwrite=True)
    finder = TableFinder(tmp_path / "found.csv")
    assert finder.classes == CLASSES[:1]
    evaluation = Evaluation(finder, CLASSES[:2])
    evaluation.add(replace(field, labels=np.zeros(len(field.labels), np.int64), truth={}))
    scores = evaluation.finish()
    assert scores.completeness.value == 1 and len(field.labels) > 3
    assert 0 < scores.precision.map50 < 0.5


@pytest.mark.slow
def test_a_detector_and_what_it_does_not_know(tmp_path: Path) -> None:
    import torch
    from galaxtool_detect.detectors.files import save_detector
    from galaxtool_detect.detectors.record import DetectorRecord
    from galaxtool_detect.networks.detector import create_detector

    torch.manual_seed(0)
    simulate(output=tmp_path / "fields", n=2, size=64, density=80, seed=1)
    for name, classes in (("all", CLASSES), ("few", CLASSES[:1])):
        detector = create_detector("small-resnet@none", list(classes), 64, head="small")
        save_detector(tmp_path / name, detector, DetectorRecord(network=detector.config, threshold=0.2))
    result = evaluate(
        str(tmp_path / "fields"), model=str(tmp_path / "all"), output=tmp_path / "out", split="all", threshold=0.0
    )
    scores = result.finders["all"]
    assert 0 <= scores["average_precision"]["map50"] < 0.3 and scores["n_detections"] > 0
    with pytest.raises(ConfigError, match="which 'few' does not know; it knows compact") as caught:
        evaluate(str(tmp_path / "fields"), model=str(tmp_path / "few"), output=tmp_path / "few-out", split="all")
    assert "--one-class" in caught.value.hint
    evaluate(
        str(tmp_path / "fields"), model=str(tmp_path / "few"), output=tmp_path / "few-out", split="all", one_class=True
    )


def test_injected_sources() -> None:
    field = simulate_field(2, 1, FieldOptions(size=160, artefacts=False))
    injected = inject_points(field, count_room(field), seed=0, snr=(10, 40))
    n = len(injected.boxes)
    assert 3 <= n <= count_room(field) and len(injected.ignored) == len(field.boxes) + len(field.ignored)
    added = injected.pixels - field.pixels
    for box, peak in zip(injected.boxes, injected.truth["peak"], strict=False):
        x0, y0, x1, y1 = np.rint(box).astype(int)
        assert added[0, y0 : y1 + 1, x0 : x1 + 1].max() == pytest.approx(peak, rel=0.1)
    found = Detections(boxes=injected.boxes, scores=np.ones(n), labels=np.zeros(n, int))
    table = build_catalogue(FieldMap(injected), found, ("a",), join=False).sources
    assert np.median(table["flux"] / injected.truth["flux"][:n]) == pytest.approx(1, abs=0.05)
    with pytest.raises(InputError, match="has no beam"):
        inject_points(FieldImage(name="bare", pixels=field.pixels), 3, seed=0)
    with pytest.raises(InputError, match="has no room"):
        inject_points(replace(field, pixels=field.pixels[:, :8, :8]), 3, seed=0)


def test_sources_are_injected_where_there_is_noise() -> None:
    field = simulate_field(4, 0, FieldOptions(size=240, density=5, artefacts=False))
    pixels = field.pixels.copy()
    pixels[:, :, :120] = 0
    injected = inject_points(replace(field, pixels=pixels), 20, seed=0)
    assert len(injected.boxes) > 2 and np.isfinite(injected.boxes).all() and (injected.truth["rms"][:3] > 0).all()
    with pytest.raises(InputError, match="has no noise"):
        inject_points(replace(field, pixels=np.zeros_like(pixels)), 3, seed=0)


def test_sep_beside_a_catalogue(tmp_path: Path) -> None:
    pytest.importorskip("sep")
    field = simulate_field(4, 0, FieldOptions(size=200, density=30, artefacts=False))
    write_field(field, tmp_path / "map.fits")
    found = SepFinder().find(field)
    peak = field.truth["snr"][: len(field.boxes)]
    match = match_positions(field, found.detections, 5)
    assert match.found[: len(peak)][peak > 10].mean() > 0.8
    result = evaluate(str(tmp_path / "map.fits"), model="sep", output=tmp_path / "out", inject=30)
    scores = result.finders["sep"]
    assert scores["n_sources"] >= 20
    assert scores["completeness_snr"][-1]["rate"] > 0.8
    with pytest.raises(InputError, match="is an image without boxes"):
        evaluate(str(tmp_path / "map.fits"), model="sep", output=tmp_path / "other")


def test_data_without_sources(tmp_path: Path) -> None:
    pytest.importorskip("sep")
    simulate(output=tmp_path / "fields", n=2, size=64, density=0)
    with pytest.raises(InputError, match="has no sources"):
        evaluate(str(tmp_path / "fields"), model="sep", output=tmp_path / "out", split="all")
