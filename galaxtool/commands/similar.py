"""The command ``similar``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from galaxtool.commands.former_names import accept_former_names
from galaxtool.commands.shared_options import describe_shared_options
from galaxtool.inference.compute_options import ComputeOptions
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.search.options import ResultOptions, SearchOptions, SourceArgs, name_filters
from galaxtool.search.queries.examples import Request, read_id_list
from galaxtool.search.results import SimilarResult
from galaxtool.types import Progress, Silent
from galaxtool.utils.path_arguments import accept_paths


@accept_former_names
@accept_paths
@describe_shared_options
def similar(
    query: Sequence[str | Path] = (),
    *,
    text: Sequence[str] = (),
    symbol: Sequence[str] = (),
    id: Sequence[str] = (),
    ra: float | str | None = None,
    dec: float | str | None = None,
    radius: float = 5.0,
    unlike: Sequence[str] = (),
    unlike_text: Sequence[str] = (),
    weight: Sequence[float] = (),
    each: bool = False,
    queries: Path | None = None,
    index: Path | None = None,
    among: Sequence[str | Path] = (),
    model: str | Path | None = None,
    top_k: int = 10,
    cone: str | None = None,
    where: str | None = None,
    filter: Sequence[str] = (),
    exclude_query: bool = False,
    exclude_duplicates: bool = False,
    output: Path = Path("similar.csv"),
    sheet: Path | None = None,
    sheet_style: str = "dark",
    html: Path | None = None,
    label_column: str | None = None,
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
    provider: str = "auto",
    device: str = "auto",
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> SimilarResult:
    """Find images similar to images, texts, symbols, indexed objects or a position.

    Several examples, also of different kinds, form one query: results resemble all of them, and not what --not names.
    With --each, every example is a separate query; a folder, an archive, a catalogue or @list.txt is then a query for
    each of its images. The column query of the table says which query a row answers. An index remembers how its images
    were read (--hdu, --bands, --stretch and the like), and QUERY is read in the same way; an option given here replaces
    that of the index.

    Parameters
    ----------
    query : sequence of str or Path
        Image files to find similar images for.
    text : sequence of str
        Description of the images to find; can be repeated. Needs a model with a text encoder.
    symbol : sequence of str
        Class of the model (its slug or name), or an image file with a schematic symbol; can be repeated.
    id : sequence of str
        Identifier of an indexed object, or @list.txt with one on each line; can be repeated.
    ra, dec : float or str, optional
        Position of an indexed object, ICRS: in degrees, or sexagesimal with right ascension in hours, such as --ra
        12:30:49.4 --dec +12:23:28 or 12h30m49.4s.
    radius : float
        Maximum distance of the object from the position, in arcsec.
    unlike : sequence of str
        Image file, or identifier of an indexed object, that results should not resemble; can be repeated.
    unlike_text : sequence of str
        Description of what results should not resemble; can be repeated.
    weight : sequence of float
        Weight of an example, repeated for each in the order QUERY, --text, --symbol, --id, position, --not, --not-text;
        or only for those after the images, which then have the weight 1. By default 1, and 0.5 for --not and
        --not-text.
    each : bool
        Make every example a separate query; --not and --not-text then apply to all of them.
    queries : Path, optional
        Table with one query in each row, in any of the columns image, text, symbol, id, ra and dec, and not. The filled
        cells of a row form its query, and the column query names it.
    index : Path, optional
        Index directory; by default the one in GALAXTOOL_INDEX, otherwise galaxtool_index/.
    among : sequence of str or Path, optional
        Folders, files or catalogues to search instead of an index; their index is kept in the cache.
    model : str, optional
        Model to use with --among; by default mini. For an index, only compared with the model that built it.
    top_k : int
        Number of results for each query.
    cone : str, optional
        Circle on the sky that results must lie in, RA,DEC,RADIUS: degrees (or 12:30:49,+12:23:28) and arcsec.
    where : str, optional
        Condition that results must meet, as in SQL, on the columns of the index: "z < 0.1 and g - r > 0.7".
    filter : sequence of str, optional
        Filter of a plugin that results must pass, as NAME:ARGUMENT; can be repeated. cone: and where: are filters too.
    exclude_query : bool
        Leave the query itself out of the results.
    exclude_duplicates : bool
        Drop duplicates of a better result: objects within 1 arcsec of it, or with a nearly identical image.
    output : Path
        Table to write. The suffix selects the format: .csv, .ecsv, .fits, .vot or .parquet.
    sheet : Path, optional
        Contact sheet to write, .png, .jpg or .pdf; by default a PNG file beside the table, under the same name.
    sheet_style : str
        Colours of the contact sheet: dark or light.
    html : Path, optional
        Also write an HTML page with the pictures of the queries and of their results.
    label_column : str, optional
        Column of the index whose values the sheet and the page show; by default label, class or the like, otherwise the
        class that the model predicts.
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
    {provider}
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
        If no query is given, or the value of an option cannot be used.
    InputError
        If the index does not exist, no query can be used, or no object passes the filters.
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
        Request(
            images=query, texts=text, symbols=symbol, ids=read_id_list(id), ra=ra, dec=dec, radius=radius,
            unlike=unlike, unlike_texts=unlike_text, weights=weight, each=each, table=queries, reading=reading,
        ),
        SourceArgs(
            index=index, among=among, model=None if model is None else str(model), reading=reading,
            overwrite=overwrite, compute=ComputeOptions(engine=engine, provider=provider, device=device),
        ),
        SearchOptions(
            k=top_k, filters=name_filters(cone, where, filter), exclude_query=exclude_query,
            exclude_duplicates=exclude_duplicates,
        ),
        ResultOptions(
            output=Path(output), sheet=None if sheet is None else Path(sheet), sheet_style=sheet_style,
            html=None if html is None else Path(html), label_column=label_column,
        ),
        progress or Silent(),
    )  # fmt: skip
