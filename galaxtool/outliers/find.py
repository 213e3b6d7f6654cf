"""Find the odd ones out, and write the table and the page: the work of ``galaxtool anomalies``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from astropy.table import MaskedColumn, Table

from galaxtool import __version__
from galaxtool.errors import ConfigError, InputError
from galaxtool.outliers.options import AUTO, MOST_COMPARED, AnomalyOptions, choose_method
from galaxtool.outliers.results import AnomaliesResult, Anomaly
from galaxtool.outliers.scores import AnomalyScores, score_anomalies
from galaxtool.plugins.registry import get_registry
from galaxtool.reports.html.gallery import GalleryCard, GallerySection, write_gallery
from galaxtool.search.features import FeatureArgs, Features, open_features
from galaxtool.tables.formats.find import check_table_path
from galaxtool.tables.kept_inputs import refuse_inputs
from galaxtool.tables.write import write_stream
from galaxtool.types import Progress, warn
from galaxtool.utils.counts import format_count
from galaxtool.utils.files.atomic_write import check_writable

SHOWN = 100
"""Number of images on the page, and in the result."""

_CHUNK = 50_000
_FEW = 50  # images among which being odd means little


def find_anomalies(args: FeatureArgs, options: AnomalyOptions, progress: Progress) -> AnomaliesResult:
    """Find the odd ones out; see `galaxtool.commands.anomalies.anomalies`."""
    check_table_path(options.output)
    _check_outputs(args, options)
    features = open_features(args, progress)
    method = choose_method(options.method, len(features))
    notes = []
    if options.method == AUTO and len(features) > MOST_COMPARED:
        notes.append(
            f"{format_count(len(features), 'image')} are ranked by {method}, which is several times as fast as knn; "
            "--method knn compares neighbours instead."
        )
    spec = get_registry().anomaly_methods.find(method).spec
    if len(features) < 2:
        raise InputError(
            f"'{features.name}' has features of {format_count(len(features), 'image')}, which cannot be odd alone.",
            hint="Give at least two images; a few hundred or more are needed to learn what is ordinary.",
        )
    if len(features) < _FEW:
        notes.append(f"These are only {len(features)} images: which of them are odd means little.")
    neighbors = min(options.neighbors, len(features) - 1)
    if neighbors < options.neighbors and "neighbors" in spec.uses:
        notes.append(f"Each image has only {neighbors} others; --neighbors {options.neighbors} was lowered to that.")
    for note in notes:
        warn(progress, note)
    options = replace(options, method=method, neighbors=neighbors)  # those that are used and written
    scores = score_anomalies(features.vectors, method, progress, neighbors=neighbors, seed=options.seed)
    order, percentiles = scores.order(), scores.percentiles()
    rows = order[: options.top_k]
    progress.start("Writing")
    _write_table(options, features, scores, rows, percentiles)
    oddest = tuple(
        Anomaly(rank, *_name(features, row), float(scores.values[row]), float(percentiles[row]))
        for rank, row in enumerate(order[: min(SHOWN, len(rows))].tolist(), 1)
    )
    if options.html is not None:
        _write_page(options.html, options, features, oddest, order, notes)
    return AnomaliesResult(
        output=str(options.output),
        html="" if options.html is None else str(options.html),
        source=features.name,
        model=features.model,
        method=options.method,
        count=len(features),
        rows=len(rows),
        unreadable=features.unreadable,
        recall=scores.recall,
        oddest=oddest,
        notes=tuple(notes),
    )


def _check_outputs(args: FeatureArgs, options: AnomalyOptions) -> None:
    """Raise an error if an output has the name of the other one or of an input."""
    targets = {"--output": options.output, "--html": options.html}
    places = {flag: os.path.realpath(path) for flag, path in targets.items() if path is not None}
    if len(set(places.values())) < len(places):
        raise ConfigError(f"--output and --html are both '{options.output}'.", hint="Give them different names.")
    for path in filter(None, targets.values()):
        check_writable(path)
    refuse_inputs(targets, args.inputs)


def _name(features: Features, row: int) -> tuple[str, str]:
    """Return the identifier and the path of an image."""
    return features.items["id"][row].as_py(), features.items["path"][row].as_py() or ""


def _write_table(
    options: AnomalyOptions, features: Features, scores: AnomalyScores, rows: np.ndarray, percentiles: np.ndarray
) -> None:
    """Write the rows, the oddest first."""

    def chunks() -> Iterator[Table]:
        for start in range(0, len(rows), _CHUNK):
            part = rows[start : start + _CHUNK]
            yield _make_chunk(features, part, start, scores.values[part], percentiles[part])

    meta = {
        "METHOD": options.method,
        "MODEL": features.model,
        "MODELSHA": features.digest,
        "GALAXTOO": __version__,
    }
    uses = get_registry().anomaly_methods.find(options.method).spec.uses
    meta |= {"SEED": str(options.seed)} if "seed" in uses else {}
    meta |= {"NEIGHBOR": str(options.neighbors)} if "neighbors" in uses else {}
    write_stream(chunks, options.output, meta={name: value for name, value in meta.items() if value})


def _make_chunk(features: Features, rows: np.ndarray, start: int, scores: np.ndarray, percentiles: np.ndarray) -> Table:
    items = features.items.take(rows)
    table = Table()
    for name in ("id", "path"):
        values = items[name].to_pylist()
        table[name] = MaskedColumn([value or "" for value in values], mask=[not value for value in values], dtype=str)
    for name in ("ra", "dec"):
        values = items[name].to_numpy()
        is_missing = ~np.isfinite(values)
        table[name] = MaskedColumn(np.where(is_missing, 0.0, values), mask=is_missing, unit="deg")
    table["score"] = scores
    table["rank"] = np.arange(start + 1, start + 1 + len(rows))
    table["percentile"] = percentiles
    return table


def _write_page(
    path: Path,
    options: AnomalyOptions,
    features: Features,
    oddest: tuple[Anomaly, ...],
    order: np.ndarray,
    notes: list[str],
) -> None:
    """Write the page of the oddest images."""
    cards = [
        GalleryCard(
            row=row, id=one.id, lines=(f"{one.rank}: score {one.score:.4f}", f"percentile {one.percentile:.2f}")
        )
        for row, one in zip(order.tolist(), oddest, strict=False)
    ]
    meaning = get_registry().anomaly_methods.find(options.method).spec.meaning.replace("{k}", str(options.neighbors))
    settings = {
        "Features": features.name,
        "Model": features.model or "unknown",
        "Method": options.method,
        "Table": str(options.output),
        "galaxtool": __version__,
    }
    write_gallery(
        path,
        title=path.stem,
        summary=f"The odd ones out of {format_count(len(features), 'image')}"
        + (f" · model {features.model}" if features.model else ""),
        sections=[
            GallerySection(title="The oddest, first", remark=f"Score: {meaning}" if meaning else "", groups=[cards])
        ],
        make_picture=features.make_picture,
        notes=notes,
        settings=settings,
    )
