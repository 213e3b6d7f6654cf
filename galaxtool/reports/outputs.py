"""Write the table of a finished classification, and its page, sorted images and SAMP message."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from astropy.table import Table

from galaxtool.errors import ConfigError, GalaxtoolError
from galaxtool.evaluation.limits import MIN_CALIBRATED
from galaxtool.jobs.job import list_part_paths
from galaxtool.jobs.part_file import merge_stats, read_parts
from galaxtool.jobs.record import PredictionsRecord
from galaxtool.models.record import ModelRecord
from galaxtool.reports.output_options import OutputOptions
from galaxtool.tables.write import write_stream
from galaxtool.types import Progress
from galaxtool.utils.optional_imports import import_attribute


def write_outputs(
    outputs: OutputOptions, folder: Path, record: PredictionsRecord, progress: Progress
) -> dict[str, int]:
    """Write the table from the parts of a job, then the page and the sorted images.

    Parameters
    ----------
    outputs : OutputOptions
        What to write.
    folder : Path
        Folder of the job.
    record : PredictionsRecord
        Record of the job.
    progress : Progress
        Receiver of progress messages.

    Returns
    -------
    dict of int
        Number of files sorted into each folder.
    """

    def chunks() -> Iterator[Table]:
        return read_parts(folder, record.parts)

    if not record.classes and (outputs.html is not None or outputs.sort_into is not None):
        raise ConfigError(
            "The model of these predictions has no classes, which --html and --sort-into show.", hint="Leave them out."
        )
    progress.start("Writing")
    stats = merge_stats(list_part_paths(folder, record.parts))
    write_stream(chunks, outputs.table, meta=record.meta, stats=stats)
    sorted_into: dict[str, int] = {}
    try:
        if outputs.html is not None:
            thumbnails = import_attribute("galaxtool.reports.thumbnails:make_thumbnails")(folder, record)
            import_attribute("galaxtool.reports.html.predictions:write_predictions_page")(
                outputs.html, chunks, slugs=list(record.classes), names=list(record.classes.values()),
                thumbnails=thumbnails, about={**record.meta, "CALIBRAT": record.calibration}, notes=record.notes,
            )  # fmt: skip
        if outputs.sort_into is not None:
            sort = import_attribute("galaxtool.reports.sorting:sort_into")
            sorted_into = sort(outputs.sort_into, chunks(), how=outputs.sort_by)
    except GalaxtoolError:
        progress.say(f"The table '{outputs.table}' was written all the same.")
        raise
    return sorted_into


def send_outputs(outputs: OutputOptions, progress: Progress) -> None:
    """Send the table by SAMP if requested, and report how many programs received it."""
    if not outputs.samp:
        return
    listeners = import_attribute("galaxtool.reports.samp:send_table")(outputs.table, outputs.table.stem, progress)
    progress.say(f"Sent to {listeners} program{'' if listeners == 1 else 's'} by SAMP.")


def describe_calibration(record: ModelRecord) -> str:
    """Describe how a model's probabilities were calibrated, and how well; completes the sentence "They were ..."."""
    if record.regression is not None:
        return ""
    is_fitted = record.temperature != 1.0
    n, error, test = record.metrics.get("n"), record.metrics.get("ece"), record.metrics.get("test")
    images = f"{n:,} validation images" if isinstance(n, int) else "the validation images"
    text = f"calibrated on {images} (temperature {record.temperature:.3g})" if is_fitted else "not calibrated"
    where = f"on {'these' if is_fitted else images}"
    if isinstance(test, dict) and isinstance(test.get("n"), int) and "ece" in test:
        n, error, where = test["n"], test["ece"], f"on {test['n']:,} test images"
    if isinstance(n, int) and n < MIN_CALIBRATED:
        return f"{text}; {n:,} images are too few to measure the calibration error"
    if isinstance(error, dict) and all(isinstance(error.get(key), float) for key in ("value", "low", "high")):
        value = "{value:.3f} (95 % interval {low:.3f} to {high:.3f})".format(**error)
        text += f"; expected calibration error {where}: {value}"
    return text
