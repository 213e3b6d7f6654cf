"""What becomes of a finished classification: the table, and what else was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxtool.errors import ConfigError, GalaxtoolError, OutputExists
from galaxtool.jobs.job import read_parts
from galaxtool.jobs.shard import Shard
from galaxtool.types import Progress
from galaxtool.utils.config import one_of

if TYPE_CHECKING:
    from astropy.table import Table

    from galaxtool.models.record import ModelRecord
    from galaxtool.vision.preprocess import Preprocess


class Outputs:
    """The options of those names.

    Parameters
    ----------
    table : Path
    html, sort_into : Path, optional
    sort_by : {"link", "copy"}
    samp : bool
    """

    def __init__(self, table: Path, *, html: Path | None, sort_into: Path | None, sort_by: str, samp: bool) -> None:
        self.table, self.samp = table, samp
        self.html = None if html is None else Path(html)
        self.sort_into = None if sort_into is None else Path(sort_into)
        self.sort_by = one_of("sort-by", sort_by, ("link", "copy"))

    @property
    def more(self) -> bool:
        """Whether more than the table is wanted."""
        return self.samp or self.html is not None or self.sort_into is not None

    def check(self, shard: Shard, *, overwrite: bool) -> None:
        """Raise where something cannot be written, before long work begins."""
        if shard.count > 1 and self.more:
            raise ConfigError(
                "A shard writes no page, sorts no images and sends no table.", hint="Leave these to `galaxtool merge`."
            )
        if self.html is not None and self.html.suffix.lower() not in (".html", ".htm"):
            raise ConfigError(f"'{self.html}' is not the name of a page.", hint="End it with .html.")
        if self.sort_into is not None and not overwrite and _is_filled(self.sort_into):
            raise OutputExists(f"'{self.sort_into}' is there already.", hint="Name a new folder, or say --overwrite.")

    def write(self, folder: Path, about: Mapping[str, Any], progress: Progress) -> dict[str, int]:
        """Write the table from the parts of a job, then the rest; return what was sorted where.

        Parameters
        ----------
        folder : Path
            Of the job.
        about : mapping
            Its record.
        progress : Progress
        """
        from galaxtool.tables.streaming import write_stream

        def chunks() -> Iterator[Table]:
            return read_parts(folder, about["parts"])

        progress.start("Writing")
        try:
            write_stream(chunks, self.table, meta=about["meta"])
        except GalaxtoolError:
            progress.say(f"What was computed is kept in '{folder}'.")
            raise
        sorted_into: dict[str, int] = {}
        try:
            if self.html is not None:
                from galaxtool.reports.html.predictions import write_predictions_page
                from galaxtool.reports.thumbnails import thumbnails_of

                classes = about["classes"]
                write_predictions_page(
                    self.html, chunks, slugs=list(classes), names=list(classes.values()),
                    thumbnails=thumbnails_of(folder, about),
                    about={**about["meta"], "CALIBRAT": about["calibration"]},
                )  # fmt: skip
            if self.sort_into is not None:
                from galaxtool.reports.sorting import sort_into

                sorted_into = sort_into(self.sort_into, chunks(), how=self.sort_by)
        except GalaxtoolError:
            progress.say(f"The table is in '{self.table}' all the same.")
            raise
        return sorted_into

    def send(self, progress: Progress) -> None:
        """Send the table to the programs that listen to SAMP, where that was asked for, and say to how many."""
        if not self.samp:
            return
        from galaxtool.reports.samp import send_table

        listeners = send_table(self.table, self.table.stem, progress)
        progress.say(f"Sent to {listeners} program{'' if listeners == 1 else 's'} by SAMP.")


def describe_outputs(record: ModelRecord, preprocess: Preprocess) -> dict[str, Any]:
    """Return what pages need to know, for the record of a job."""
    names = [one.name for one in record.make_taxonomy().classes]
    return {
        "classes": dict(zip(record.slugs, names, strict=True)),
        "calibration": calibration_of(record),
        "preprocess": preprocess.as_dict(),
    }


def calibration_of(record: ModelRecord) -> str:
    """Say how a model's probabilities were calibrated, and how true they proved: what completes "They were ..."."""
    fitted = record.temperature != 1.0
    n, error = record.metrics.get("n"), record.metrics.get("ece")
    images = f"{n:,} validation images" if isinstance(n, int) else "the validation images"
    said = f"calibrated on {images} (temperature {record.temperature:.3g})" if fitted else "not calibrated"
    if isinstance(error, dict) and {"value", "low", "high"} <= set(error):
        told = "{value:.3f} (95 % interval {low:.3f} to {high:.3f})".format(**error)
        said += f"; expected calibration error on {'these' if fitted else images}: {told}"
    return said


def _is_filled(folder: Path) -> bool:
    return folder.is_file() or (folder.is_dir() and any(folder.iterdir()))
