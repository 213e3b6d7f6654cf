"""The command ``similar``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from galaxtool.commands.former_names import accept_former_names
from galaxtool.commands.path_arguments import accept_paths
from galaxtool.commands.shared_options import describe_shared_options
from galaxtool.inference.compute_options import ComputeOptions
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.search.options import QueryArgs, ResultOptions, SourceArgs
from galaxtool.search.results import SimilarResult
from galaxtool.types import Progress, Silent


@accept_former_names
@accept_paths
@describe_shared_options
def similar(
    query: str | Path | None = None,
    *,
    text: str | None = None,
    symbol: str | None = None,
    id: str | None = None,
    ra: float | str | None = None,
    dec: float | str | None = None,
    radius: float = 5.0,
    index: Path | None = None,
    among: Sequence[str | Path] = (),
    model: str | Path | None = None,
    top_k: int = 10,
    output: Path = Path("similar.csv"),
    sheet: Path | None = None,
    sheet_style: str = "dark",
    exclude_query: bool = False,
    filter: Sequence[str] = (),
    hdu: str | None = None,
    each_hdu: bool = False,
    bands: Sequence[str] = (),
    pattern: str | None = None,
    mask_hdu: str | None = None,
    weight_hdu: str | None = None,
    pixel_scale: float | None = None,
    pixels: str = "auto",
    size_arcsec: float | None = None,
    stretch: str | None = None,
    image_column: str | None = None,
    id_column: str | None = None,
    ra_column: str | None = None,
    dec_column: str | None = None,
    table: str | None = None,
    engine: str = "auto",
    device: str = "auto",
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> SimilarResult:
    """Find images similar to an image, a text, a symbol, an indexed object or a position.

    Give exactly one of QUERY, --text, --symbol, --id, or --ra with --dec. The results are written as a table and a
    contact sheet. An index remembers how its images were read (--hdu, --bands, --stretch and the like), and QUERY is
    read in the same way; an option that is given here replaces that of the index.

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
    ra, dec : float or str, optional
        Position of an indexed object, ICRS: in degrees, or sexagesimal with right ascension in hours, such as --ra
        12:30:49.4 --dec +12:23:28 or 12h30m49.4s.
    radius : float
        Maximum distance of the object from the position, in arcsec.
    index : Path, optional
        Index directory; by default the one in GALAXTOOL_INDEX, otherwise galaxtool_index/.
    among : sequence of str or Path, optional
        Folders, files or catalogues to search instead of an index; their index is kept in the cache.
    model : str, optional
        Model to use with --among; by default mini. With an index, only checked against the model of the index.
    top_k : int
        Number of results.
    output : Path
        Table to write. The suffix selects the format: .csv, .ecsv, .fits, .vot or .parquet.
    sheet : Path, optional
        Contact sheet to write, .png, .jpg or .pdf; by default a PNG file beside the table, under the same name.
    sheet_style : str
        Colours of the contact sheet: dark or light.
    exclude_query : bool
        Leave the query itself out of the results.
    filter : sequence of str, optional
        Filter that results must pass, as NAME:ARGUMENT; can be repeated. cone:RA,DEC,RADIUS takes degrees (or 12:30:49,
        +12:23:28) and arcsec, "where:dec > 30" takes a condition on id, path, ra and dec, and plugins add others.
    {hdu}
    {each_hdu}
    {bands}
    {pattern}
    {mask_hdu}
    {weight_hdu}
    {pixel_scale}
    {pixels}
    {size_arcsec}
    {stretch}
    {image_column}
    {id_column}
    {ra_column}
    {dec_column}
    {table}
    {engine}
    {device}
    resume : bool
        Resume indexing the images of --among where it was interrupted; this is also the default.
    overwrite : bool
        Index the images of --among again, even if their index is in the cache. The table and the contact sheet are
        always replaced.
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
        If the index does not exist, a file cannot be read, no object is at the position, or none passes the filters.
    IndexMismatch
        If the index was built with another model.
    """
    from galaxtool.search.find import find_similar

    reading = ReadingOptions(
        hdu=hdu, each_hdu=each_hdu, bands=bands, pattern=pattern, mask_hdu=mask_hdu, weight_hdu=weight_hdu,
        pixel_scale=pixel_scale, pixels=pixels, size_arcsec=size_arcsec, stretch=stretch, image_column=image_column,
        id_column=id_column, ra_column=ra_column, dec_column=dec_column, table=table,
    )  # fmt: skip
    return find_similar(
        QueryArgs(image=query, text=text, symbol=symbol, id=id, ra=ra, dec=dec, radius=radius, reading=reading),
        SourceArgs(
            index=index, among=among, model=None if model is None else str(model), reading=reading,
            overwrite=overwrite, compute=ComputeOptions(engine=engine, device=device),
        ),
        ResultOptions(
            output=Path(output),
            sheet=None if sheet is None else Path(sheet),
            sheet_style=sheet_style,
            k=top_k,
            filters=(filter,) if isinstance(filter, str) else tuple(filter),
            exclude_query=exclude_query,
        ),
        progress or Silent(),
    )  # fmt: skip
