"""What becomes of a finished classification: the table, and what else was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from galaxtool.config import one_of
from galaxtool.errors import ConfigError, GalaxtoolError, OutputExists, UnreadableImage
from galaxtool.pipelines.job import Job, read_parts, read_record
from galaxtool.pipelines.shard import Shard
from galaxtool.types import Progress

if TYPE_CHECKING:
    import numpy as np
    from astropy.table import Table

    from galaxtool.io.inputs import Inputs
    from galaxtool.pipelines.stream import Stream


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

    def check(self, shard: Shard, *, overwrite: bool) -> None:
        """Raise where something cannot be written, before long work begins."""
        if shard.count > 1 and (self.html or self.sort_into or self.samp):
            raise ConfigError(
                "A shard writes no page, sorts no images and sends no table.", hint="Leave these to `galaxtool merge`."
            )
        if self.html is not None and self.html.suffix.lower() not in (".html", ".htm"):
            raise ConfigError(f"'{self.html}' is not the name of a page.", hint="End it with .html.")
        if self.sort_into is not None and not overwrite and _is_filled(self.sort_into):
            raise OutputExists(f"'{self.sort_into}' is there already.", hint="Name a new folder, or say --overwrite.")

    def write(self, job: Job, found: Inputs, stream: Stream, model: str, progress: Progress) -> dict[str, int]:
        """Write the table from the parts, then the rest; return what was sorted where."""
        from galaxtool.io.streamed import write_stream

        about = read_record(job.folder)

        def chunks() -> Iterator[Table]:
            return read_parts(job.folder, job.count)

        progress.start("Writing")
        write_stream(chunks, self.table, meta=about["meta"])
        sorted_into: dict[str, int] = {}
        try:
            if self.html is not None:
                self._page(self.html, chunks, found, stream, model, about["meta"])
            if self.sort_into is not None:
                from galaxtool.pipelines.sorting import sort_into

                sorted_into = sort_into(self.sort_into, chunks(), how=self.sort_by)
        except GalaxtoolError:
            progress.say(f"The table is in '{self.table}' all the same.")
            raise
        job.finished = True
        if self.samp:
            send(self.table, progress)
        return sorted_into

    def _page(
        self,
        page: Path,
        chunks: Callable[[], Iterable[Table]],
        found: Inputs,
        stream: Stream,
        model: str,
        meta: dict[str, str],
    ) -> None:
        from galaxtool.pages.predictions import write_predictions_page

        record = stream.engine.record
        taxonomy = record.make_taxonomy()

        def thumbnails(rows: Sequence[int]) -> list[np.ndarray | None]:
            return [_thumbnail(stream, found, row) for row in rows]

        write_predictions_page(
            page, chunks, slugs=record.slugs, names=[c.name for c in taxonomy.classes], about=meta,
            thumbnails=thumbnails,
        )  # fmt: skip


def _is_filled(folder: Path) -> bool:
    return folder.is_file() or (folder.is_dir() and any(folder.iterdir()))


def _thumbnail(stream: Stream, found: Inputs, row: int) -> np.ndarray | None:
    """Return what the model looked at, in colours."""
    from galaxtool.io.open_item import read_item

    try:
        options = stream.plan.preprocess.reading(stream.plan.reading, position=False)
        return stream.plan.preprocess.display(read_item(found.items[row], options))
    except UnreadableImage:
        return None


def send(table: Path, progress: Progress) -> None:
    """Send a table to the programs that listen to SAMP, and say to how many."""
    from galaxtool.pipelines.samp import send_table

    listeners = send_table(table, table.stem, progress)
    progress.say(f"Sent to {listeners} program{'' if listeners == 1 else 's'} by SAMP.")
