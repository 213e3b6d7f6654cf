"""From maps to a catalogue, with regions, figures and pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from galaxtool import JobOptions, Progress, check_table_path, warn, write_table
from galaxtool_detect.catalog.build import SourceCatalogue, build_catalogue
from galaxtool_detect.catalog.figure import draw_overlay
from galaxtool_detect.catalog.file_rows import to_file_rows
from galaxtool_detect.catalog.missing import describe_missing
from galaxtool_detect.catalog.noise_grid import measure_noise
from galaxtool_detect.catalog.page import write_page
from galaxtool_detect.catalog.regions import write_regions
from galaxtool_detect.catalog.stacking import stack_maps
from galaxtool_detect.catalog.write import CatalogueOutputs, write_catalogue
from galaxtool_detect.datasets.annotated import make_names
from galaxtool_detect.inference.run import DetectionRun, MapDetections, RunSettings, gather_maps


@dataclass(frozen=True)
class RunOutcome:
    """What was written.

    Parameters
    ----------
    maps : int
        Number of maps that were read.
    failed : list of Path
        Maps that could not be read.
    classes : dict
        Class -> number of sources.
    files : list of Path
        The files.
    """

    maps: int
    failed: list[Path]
    classes: dict[str, int]
    files: list[Path]


def detect_and_write(
    inputs: Sequence[Path],
    settings: RunSettings,
    outputs: CatalogueOutputs,
    progress: Progress,
    *,
    options: JobOptions,
    join: bool = True,
) -> RunOutcome:
    """Find the sources in maps, and write catalogue, regions, figures and pages.

    Several maps have one catalogue, with a column ``image``, and regions, a figure and a page for each map, whose names
    get that of the map.

    Raises
    ------
    OutputExists
        If there is unfinished work that is neither to be resumed nor overwritten.
    InputError
        If the unfinished work has other inputs or settings.
    ConfigError
        If the suffix of a file is unknown.
    """
    outputs.check()
    for table in (outputs.table, outputs.components):
        if table is not None:
            check_table_path(table)
    paths = gather_maps(inputs, outputs)
    names = dict(zip(paths, make_names(paths), strict=True))
    own = {path: outputs if len(paths) == 1 else outputs.name_for(names[path]) for path in paths}
    run = DetectionRun(paths, settings, progress)
    counts: Counter[str] = Counter()
    catalogues = []
    with run.start(outputs.table, options) as job:
        for one in run.maps(job):
            noise = measure_noise(one.map)
            made = build_catalogue(
                one.map, one.found, run.classes, name=names[one.path], join=join, noise=noise, progress=progress
            )
            counts.update(map(str, made.sources["label"]))
            count = "1 source" if len(made.sources) == 1 else f"{len(made.sources)} sources"
            progress.say(f"{one.path.name}: {count}; enlarged by {one.upscale:g} for the network.")
            for note in describe_missing(one.map, noise):
                warn(progress, f"{one.path.name}: {note}")
            described = _describe_settings(settings, run.threshold, one.upscale)
            if len(paths) == 1:
                write_catalogue(one.map, made, own[one.path], title=one.path.name, settings=described)
            else:
                _write_pictures(one, made, own[one.path], described)
                sources, components = (to_file_rows(one.map, table) for table in (made.sources, made.components))
                catalogues.append((one.path, SourceCatalogue(sources=sources, components=components)))
        if len(paths) > 1:
            _write_tables(catalogues, outputs, settings, progress)
        job.finished = True
    read = [path for path in paths if path not in run.failed]
    files = list(dict.fromkeys(file for path in read for file in own[path].list_files()))
    return RunOutcome(len(read), run.failed, dict(counts.most_common()), files)


def _describe_settings(settings: RunSettings, threshold: float, upscale: float) -> dict[str, str]:
    return {"detector": settings.model, "score from": f"{threshold:g}", "enlarged by": f"{upscale:g}"}


def _write_pictures(
    one: MapDetections, made: SourceCatalogue, outputs: CatalogueOutputs, settings: dict[str, str]
) -> None:
    for path in outputs.regions:
        write_regions(one.map, made.sources, path)
    if outputs.overlay is not None:
        draw_overlay(one.map, made.sources, outputs.overlay, title=one.path.name)
    if outputs.html is not None:
        write_page(one.map, made.sources, outputs.html, title=one.path.name, settings=settings)


def _write_tables(
    catalogues: Sequence[tuple[Path, SourceCatalogue]],
    outputs: CatalogueOutputs,
    settings: RunSettings,
    progress: Progress,
) -> None:
    meta = {"detector": settings.model}
    sources, mixed = stack_maps([(path, made.sources) for path, made in catalogues])
    if mixed:
        warn(
            progress,
            f"The maps have units that cannot be converted into each other, so {', '.join(mixed)} state no unit: each "
            "row is in the unit of its own map.",
        )
    write_table(sources, outputs.table, meta=meta)
    if outputs.components is not None:
        components, _ = stack_maps([(path, made.components) for path, made in catalogues])
        write_table(components, outputs.components, meta=meta)
