"""The command ``similar``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxtool.commands.shared_options import describe_shared_options
from galaxtool.errors import ConfigError, OutputExists
from galaxtool.search.neighbor import Neighbour
from galaxtool.types import Progress, Silent

if TYPE_CHECKING:
    from galaxtool.search.index.store import Index
    from galaxtool.search.query import Query

COLUMNS = ("query", "rank", "id", "path", "similarity", "ra", "dec")
_SHEETS = (".png", ".jpg", ".jpeg")
_ALIKE = 0.999  # two readings of one file are at least so similar


@dataclass(frozen=True)
class SimilarResult:
    """The result of `similar`.

    Parameters
    ----------
    query : str
        Description of the query.
    index : str
        Index, or folders and files, that were searched.
    output, sheet : str
        Paths of the table and of the contact sheet.
    neighbours : list of Neighbour
        Results, the most similar first.
    """

    query: str
    index: str
    output: str
    sheet: str
    neighbours: list[Neighbour]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


@describe_shared_options
def similar(
    query: str | Path | None = None,
    *,
    text: str | None = None,
    symbol: str | None = None,
    id: str | None = None,
    ra: float | None = None,
    dec: float | None = None,
    radius: float = 5.0,
    index: Path | None = None,
    among: Sequence[str | Path] = (),
    model: str | None = None,
    k: int = 10,
    output: Path = Path("similar.csv"),
    sheet: Path | None = None,
    exclude_query: bool = False,
    hdu: str | None = None,
    engine: str = "auto",
    device: str = "auto",
    progress: Progress | None = None,
) -> SimilarResult:
    """Find images similar to an image, a text, a symbol or an indexed object.

    Give exactly one of QUERY, --text, --symbol, --id, or --ra with --dec. The results are written as a table and a
    contact sheet.

    Parameters
    ----------
    query : str or Path, optional
        Image file to find similar images for.
    text : str, optional
        Description of the images to find; needs a model with a text encoder.
    symbol : str, optional
        Class of the model (its slug or name), or an image file with a schematic symbol.
    id : str, optional
        Identifier of an indexed object.
    ra, dec : float, optional
        Position of an indexed object, in degrees, ICRS.
    radius : float
        Maximum distance of the object from the position, in arcsec.
    index : Path, optional
        Index directory; by default the one in GALAXTOOL_INDEX, otherwise galaxtool_index/.
    among : sequence of str or Path, optional
        Folders, files or catalogues to search instead of an index; their index is kept in the cache.
    model : str, optional
        Model to use with --among; by default mini. With an index, only checked against the model of the index.
    k : int
        Number of results.
    output : Path
        Table to write. The suffix selects the format: .csv, .ecsv, .fits, .vot or .parquet.
    sheet : Path, optional
        Contact sheet to write, .png or .jpg; by default beside the table, under the same name.
    exclude_query : bool
        Leave the query itself out of the results.
    {hdu}
    {engine}
    {device}
    {progress}

    Returns
    -------
    SimilarResult
        The similar images, and the paths of the table and the contact sheet.

    Raises
    ------
    ConfigError
        If not exactly one kind of query is given, or the value of an option cannot be used.
    InputError
        If there is no index, a file cannot be read, or no object is at the position.
    IndexMismatch
        If the index was built with another model.
    """
    from galaxtool.search.query import QueryArgs, resolve
    from galaxtool.search.source import open_source
    from galaxtool.tables.formats.find import check_table_path

    progress = progress or Silent()
    output = Path(output)
    sheet = Path(sheet) if sheet is not None else output.with_suffix(".png")
    asked = QueryArgs(query=query, text=text, symbol=symbol, id=id, ra=ra, dec=dec, radius=radius, hdu=hdu)
    asked.check()
    check_table_path(output)
    if sheet.suffix.lower() not in _SHEETS:
        raise ConfigError(f"A contact sheet cannot be written as '{sheet}'.", hint=f"End it with {', '.join(_SHEETS)}.")
    if k < 1:
        raise ConfigError(f"k is {k}, and must be at least 1.")
    source = open_source(
        index=index, among=among, model=model, hdu=hdu, engine=engine, device=device, progress=progress
    )
    found = resolve(asked, source, progress)
    neighbours = _neighbours(found, source.index, k, exclude_query)
    _spare_images((output, sheet), found, neighbours)
    return _written(found, neighbours, source, output, sheet)


def _neighbours(query: Query, index: Index, k: int, exclude: bool) -> list[Neighbour]:
    """Search, and leave the query out where that is wanted."""
    wanted, kept = k, []
    while True:
        rows, similarities = index.search(query.vector, wanted)
        hits = [(int(row), float(similarity)) for row, similarity in zip(rows, similarities, strict=True)]
        kept = [hit for hit in hits if not (exclude and _is_query(query, index, *hit))][:k]
        if len(kept) == k or len(hits) < wanted or wanted >= len(index):
            break
        wanted = wanted + 2 * (k - len(kept))
    found = [(index[row], similarity) for row, similarity in kept]
    return [
        Neighbour(query.text, rank, item.id, item.path, similarity, item.ra, item.dec)
        for rank, (item, similarity) in enumerate(found, 1)
    ]


def _is_query(query: Query, index: Index, row: int, similarity: float) -> bool:
    """Tell whether a hit is the query itself: the same row or file, or the same file before it moved."""
    if query.row is not None:
        return row == query.row
    if query.path is None:
        return False
    path = Path(index[row].path)
    if path.exists():
        return path.samefile(query.path)
    return path.name == query.path.name and similarity >= _ALIKE


def _spare_images(targets: Sequence[Path], query: Query, neighbours: Sequence[Neighbour]) -> None:
    """Raise rather than write over an image that is asked about or found."""
    images = {os.path.realpath(n.path) for n in neighbours}
    if query.path is not None:
        images.add(os.path.realpath(query.path))
    for target in targets:
        if os.path.realpath(target) in images:
            raise OutputExists(
                f"'{target}' is one of the images, and would be overwritten.",
                hint="Choose other names with --output and --sheet.",
            )


def _written(query: Query, neighbours: list[Neighbour], source: Any, output: Path, sheet: Path) -> SimilarResult:
    """Write the table and the sheet."""
    from astropy.table import MaskedColumn, Table

    from galaxtool.search.results_sheet import draw_sheet
    from galaxtool.tables.write import write_table
    from galaxtool.utils.atomic_write import atomic_write

    table = Table()
    for name in COLUMNS:
        values = [getattr(neighbour, name) for neighbour in neighbours]
        if name in ("ra", "dec"):
            table[name] = MaskedColumn(
                [value or 0.0 for value in values], mask=[value is None for value in values], unit="deg", dtype=float
            )
        else:
            kind = {"rank": int, "similarity": float}.get(name, str)
            table[name] = MaskedColumn(values, dtype=kind if values or kind is not str else "U1")
    record = source.index.record
    write_table(table, output, meta={"model": record.model, "model_digest": record.model_digest, "metric": "cosine"})
    drawn = draw_sheet(query, neighbours, source)
    with atomic_write(sheet) as temporary:
        drawn.save(temporary)
    return SimilarResult(query.text, str(source.name), str(output), str(sheet), neighbours)
