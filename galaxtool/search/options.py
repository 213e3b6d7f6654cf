"""The options of `index` and `similar`, checked as they are made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from galaxtool.errors import ConfigError
from galaxtool.inference.compute_options import ComputeOptions
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.utils.config import check_choice
from galaxtool.utils.optional_imports import import_attribute

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
    reading : ReadingOptions
        How the images are read.
    compute : ComputeOptions
        Where they are embedded.
    resume, overwrite : bool
        Whether an interrupted job is resumed; whether it is discarded, and an existing index replaced.
    notes : sequence of str
        Warnings about the images, which are recorded.
    self_contained : bool
        Whether the model is stored with the index.
    source_digest : str
        Digest of the files, recorded so that a cached index can be checked against them.
    """

    folder: Path
    kind: str = "auto"
    reading: ReadingOptions = field(default_factory=ReadingOptions)
    compute: ComputeOptions = field(default_factory=ComputeOptions)
    resume: bool = False
    overwrite: bool = False
    notes: Sequence[str] = ()
    self_contained: bool = True
    source_digest: str = ""


@dataclass(frozen=True, kw_only=True)
class QueryArgs:
    """A query as the user gave it: exactly one of an image, a text, a symbol, an identifier and a position.

    Parameters
    ----------
    image : str or Path, optional
        Image file.
    text : str, optional
        Description of the images to find.
    symbol : str, optional
        Class of the model, or an image file with a drawing.
    id : str, optional
        Identifier of an object of the index.
    ra, dec : float or str, optional
        Position of an object of the index, ICRS: degrees, or a sexagesimal text, which becomes degrees.
    radius : float
        Maximum distance of the object from the position, in arcsec.
    reading : ReadingOptions
        How the image is read where it differs from the index.

    Raises
    ------
    ConfigError
        If not exactly one kind of query is given, or a position is not valid.
    """

    image: str | Path | None = None
    text: str | None = None
    symbol: str | None = None
    id: str | None = None
    ra: float | str | None = None
    dec: float | str | None = None
    radius: float = 5.0
    reading: ReadingOptions = field(default_factory=ReadingOptions)

    def __post_init__(self) -> None:
        self._check_position()
        kinds = {
            "QUERY": self.image,
            "--text": self.text,
            "--symbol": self.symbol,
            "--id": self.id,
            "--ra with --dec": self.ra,
        }
        given = [name for name, value in kinds.items() if value is not None]
        if len(given) != 1:
            what = "No query was given." if not given else f"Several queries were given: {' and '.join(given)}."
            raise ConfigError(what, hint="Give one of an image, --text, --symbol, --id, or --ra with --dec.")
        if self.text is not None and not self.text.strip():
            raise ConfigError("The text is empty.", hint='Describe what to find: --text "a barred spiral galaxy"')

    def _check_position(self) -> None:
        if (self.ra is None) != (self.dec is None):
            missing = "--dec" if self.dec is None else "--ra"
            raise ConfigError(
                f"A position needs both --ra and --dec; {missing} is missing.",
                hint="Give both in degrees, such as --ra 150.1 --dec 2.2",
            )
        if self.ra is None or self.dec is None:
            return
        for name in ("ra", "dec"):
            parse = import_attribute(f"galaxtool.tables.angles:parse_{name}")
            object.__setattr__(self, name, parse(getattr(self, name)))
        if not self.radius > 0:
            raise ConfigError(
                f"--radius is {self.radius}; it must be above 0.", hint="Give it in arcsec, or leave it out for 5."
            )


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
class ResultOptions:
    """Which results to keep, and where to write them.

    Parameters
    ----------
    output : Path
        Table to write.
    sheet : Path, optional
        Contact sheet to write; by default beside the table, under the same name.
    sheet_style : {"dark", "light"}
        Colours of the contact sheet.
    k : int
        Number of results.
    filters : sequence of str
        Search filters, see `galaxtool.search.filters.search_index`.
    exclude_query : bool
        Whether to leave out the query itself.

    Raises
    ------
    ConfigError
        If the contact sheet has an unknown suffix or style, the table has the suffix of a contact sheet, or `k` is
        below 1.
    """

    output: Path
    sheet: Path | None = None
    sheet_style: str = "dark"
    k: int = 10
    filters: Sequence[str] = ()
    exclude_query: bool = False

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
        if self.k < 1:
            raise ConfigError(f"--top-k is {self.k}; it must be at least 1.", hint="Leave it out for 10.")

    @property
    def sheet_path(self) -> Path:
        """Path of the contact sheet."""
        return self.output.with_suffix(".png") if self.sheet is None else self.sheet
