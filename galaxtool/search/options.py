"""The options of `index` and `similar`, checked as they are made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from galaxtool.errors import ConfigError
from galaxtool.inference.compute_options import ComputeOptions
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.utils.config import check_choice

CONE, WHERE = "cone", "where"
"""Names of the filters that have options of their own."""

TARGET_RECALL = 0.99
"""Recall that the effort of a search is raised to, unless the user gives another."""

_SHEET_SUFFIXES = (".png", ".jpg", ".jpeg", ".pdf")
_SHEET_STYLES = ("dark", "light")


@dataclass(frozen=True, kw_only=True)
class IndexOptions:
    """What index to build.

    Parameters
    ----------
    folder : Path
        Folder of the index.
    kind : str
        Registered name of the kind of index, or ``auto``.
    target_recall : float
        Recall that the effort of a search is raised to, if that is possible.
    reading : ReadingOptions
        How the images are read.
    compute : ComputeOptions
        Where they are embedded.
    add, merge : bool
        Whether the images are added to the index in the folder; whether the inputs are indexes, which become one.
    resume, overwrite : bool
        Whether an interrupted job is resumed; whether it is discarded, and an existing index replaced.
    notes : sequence of str
        Warnings about the images, which are recorded.
    self_contained : bool
        Whether the model is stored with the index.
    source_digest : str
        Digest of the files, recorded so that a cached index can be checked against them.

    Raises
    ------
    ConfigError
        If the recall is not above 0 and at most 1, or both `add` and `merge` are given.
    """

    folder: Path
    kind: str = "auto"
    target_recall: float = TARGET_RECALL
    reading: ReadingOptions = field(default_factory=ReadingOptions)
    compute: ComputeOptions = field(default_factory=ComputeOptions)
    add: bool = False
    merge: bool = False
    resume: bool = False
    overwrite: bool = False
    notes: Sequence[str] = ()
    self_contained: bool = True
    source_digest: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.target_recall <= 1:
            raise ConfigError(
                f"--target-recall is {self.target_recall}; it must be above 0 and at most 1.",
                hint=f"Leave it out for {TARGET_RECALL}.",
            )
        if self.add and self.merge:
            raise ConfigError("Both --add and --merge are given.", hint="Give one of them.")


@dataclass(frozen=True, kw_only=True)
class SourceArgs:
    """The place to search as the user gave it.

    Parameters
    ----------
    index : Path, optional
        Index directory; by default the one in ``GALAXTOOL_INDEX``, otherwise ``galaxtool_index``.
    among : sequence of str or Path
        Folders, files or catalogues to search instead of an index.
    model : str, optional
        Model for `among`, or the model that the index must have been built with.
    reading : ReadingOptions
        How the images among `among` are read.
    overwrite : bool
        Whether their index is built again, even if it is in the cache.
    compute : ComputeOptions
        Engine and device of the model.
    """

    index: Path | None = None
    among: Sequence[str | Path] = ()
    model: str | None = None
    reading: ReadingOptions = field(default_factory=ReadingOptions)
    overwrite: bool = False
    compute: ComputeOptions = field(default_factory=ComputeOptions)


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """Which objects to find.

    Parameters
    ----------
    k : int
        Number of results; all objects that may be results, if there are fewer.
    filters : tuple of str
        Names of registered filters, each with its argument: ``cone:150.1,2.2,60``.
    exclude_query : bool
        Whether to leave out the query itself.
    exclude_duplicates : bool
        Whether to drop duplicates of a better result: objects within 1 arcsec of it, or with a nearly identical image.

    Raises
    ------
    ConfigError
        If `k` is below 1.
    """

    k: int = 10
    filters: tuple[str, ...] = ()
    exclude_query: bool = False
    exclude_duplicates: bool = False

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ConfigError(f"--top-k is {self.k}; it must be at least 1.", hint="Leave it out for 10.")


@dataclass(frozen=True, kw_only=True)
class ResultOptions:
    """Where to write the results of a search.

    Parameters
    ----------
    output : Path
        Table to write.
    sheet : Path, optional
        Contact sheet to write; by default beside the table, under the same name.
    sheet_style : {"dark", "light"}
        Colours of the contact sheet.
    html : Path, optional
        Page to write.
    label_column : str, optional
        Column of the index with the labels that the sheet and the page show.

    Raises
    ------
    ConfigError
        If the contact sheet has an unknown suffix or style, or the table has the suffix of a contact sheet.
    """

    output: Path
    sheet: Path | None = None
    sheet_style: str = "dark"
    html: Path | None = None
    label_column: str | None = None

    def __post_init__(self) -> None:
        if self.output.suffix.lower() in _SHEET_SUFFIXES:
            raise ConfigError(
                f"'{self.output}' is not the name of a table.",
                hint=f"Write the contact sheet with --sheet {self.output}; --output is the table, such as similar.csv.",
            )
        check_choice("sheet-style", self.sheet_style, _SHEET_STYLES)
        if self.sheet_path.suffix.lower() not in _SHEET_SUFFIXES:
            raise ConfigError(
                f"A contact sheet cannot be written as '{self.sheet_path}'.",
                hint=f"The name must end in {', '.join(_SHEET_SUFFIXES)}.",
            )
        same = [path for path in (self.sheet_path, self.output) if path == self.html]
        if same:
            raise ConfigError(f"'{same[0]}' is the name of two outputs.", hint="Choose another name for --html.")

    @property
    def sheet_path(self) -> Path:
        """Path of the contact sheet."""
        return self.output.with_suffix(".png") if self.sheet is None else self.sheet


def name_filters(cone: str | None, where: str | None, others: Sequence[str]) -> tuple[str, ...]:
    """Return all filters of a search as ``NAME:ARGUMENT``."""
    given = ((CONE, cone), (WHERE, where))
    return (*(f"{name}:{argument}" for name, argument in given if argument is not None), *others)
