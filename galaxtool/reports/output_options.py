"""The options for what a classification writes beside its table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from galaxtool.errors import ConfigError, OutputExists
from galaxtool.jobs.shard import Shard
from galaxtool.utils.config import check_choice
from galaxtool.utils.files.atomic_write import check_writable


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """The outputs of a finished classification.

    Parameters
    ----------
    table : Path
        Table to write.
    html : Path, optional
        HTML page to write.
    sort_into : Path, optional
        Folder in which images are sorted by class.
    sort_by : {"link", "copy"}
        How images are put into that folder.
    samp : bool
        Whether to send the table to other programs by SAMP.

    Raises
    ------
    ConfigError
        If `sort_by` is unknown.
    """

    table: Path
    html: Path | None = None
    sort_into: Path | None = None
    sort_by: str = "link"
    samp: bool = False

    def __post_init__(self) -> None:
        check_choice("sort-by", self.sort_by, ("link", "copy"))

    @property
    def has_extras(self) -> bool:
        """Whether anything is written or sent in addition to the table."""
        return self.samp or self.html is not None or self.sort_into is not None

    def check(self, shard: Shard, *, overwrite: bool) -> None:
        """Check before any long work that everything can be written.

        Raises
        ------
        ConfigError
            If a shard would write more than its parts, or the page has another suffix than ``.html``.
        OutputExists
            If the folder to sort into contains files and `overwrite` is false.
        GalaxtoolError
            If a file or folder cannot be written.
        """
        if shard.count > 1 and self.has_extras:
            raise ConfigError(
                "A shard cannot write a page, sort images or send the table.",
                hint="Give --html, --sort-into and --samp to `galaxtool merge`.",
            )
        if self.html is not None and self.html.suffix.lower() not in (".html", ".htm"):
            raise ConfigError(f"'{self.html}' is not the name of an HTML page.", hint="Use a name that ends in .html.")
        if self.sort_into is not None and not overwrite and _is_filled(self.sort_into):
            raise OutputExists(f"'{self.sort_into}' already exists.", hint="Name a new folder, or add --overwrite.")
        for path in (self.table, self.html, self.sort_into):
            if path is not None:
                check_writable(path)


def _is_filled(folder: Path) -> bool:
    return folder.is_file() or (folder.is_dir() and any(folder.iterdir()))
