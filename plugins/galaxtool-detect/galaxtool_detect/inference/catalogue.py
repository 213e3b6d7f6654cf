"""From maps to a catalogue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from galaxtool import OutputExists, Progress, write_table
from galaxtool_detect.inference.run import DetectionRun, MapDetections, RunSettings, gather_maps
from galaxtool_detect.inference.table import join_tables, make_table


def write_catalogue(
    inputs: Sequence[Path], settings: RunSettings, output: Path, progress: Progress, *, overwrite: bool
) -> tuple[int, dict[str, int]]:
    """Write a catalogue of the sources in maps; return the number of maps, and that of the sources of each class."""
    if output.exists() and not overwrite:
        raise OutputExists(f"'{output}' exists.", hint="Choose another --output, or --overwrite.")
    paths = gather_maps(inputs)
    run = DetectionRun(paths, settings, output.with_name(f"{output.name}.parts"), progress, overwrite=overwrite)
    tables = []
    counts: Counter[str] = Counter()
    for one in _explain_interruption(run.maps()):
        table = make_table(one, run.classes)
        counts.update(table["class"].tolist())
        progress.say(f"{one.path.name}: {len(table)} sources, enlarged by {one.upscale:g}.")
        tables.append(table)
    write_table(join_tables(tables), output, meta={"detector": settings.model})
    run.finish()
    return len(paths), dict(counts.most_common())


def _explain_interruption(maps: Iterator[MapDetections]) -> Iterator[MapDetections]:
    """Yield what is in each map, and add to an interruption how to resume."""
    try:
        yield from maps
    except KeyboardInterrupt as error:
        error.add_note("What was found so far is kept. Run the same command again to resume.")
        raise
