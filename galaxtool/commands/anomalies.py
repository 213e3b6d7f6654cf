"""The command ``anomalies``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from galaxtool.commands.shared_options import describe_shared_options
from galaxtool.inference.compute_options import ComputeOptions
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.outliers.options import AnomalyOptions
from galaxtool.outliers.results import AnomaliesResult
from galaxtool.types import Progress, Silent
from galaxtool.utils.path_arguments import accept_paths


@accept_paths
@describe_shared_options
def anomalies(
    inputs: Sequence[str | Path],
    *,
    output: Path = Path("anomalies.csv"),
    html: Path | None = None,
    method: str = "auto",
    neighbors: int = 50,
    top_k: int | None = None,
    seed: int = 0,
    model: str | Path | None = None,
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
    overwrite: bool = False,
    progress: Progress | None = None,
) -> AnomaliesResult:
    """Find the odd ones out among images, by their features.

    INPUTS are an index, a file that `galaxtool embed` wrote, or images, which are embedded first. The table has one row
    for each image, the oddest first: id, path, ra, dec, score, rank, percentile.

    Parameters
    ----------
    inputs : sequence of str or Path
        One index directory, one file of embeddings, or images: folders, files, globs, archives, stacks or catalogues.
    output : Path
        Table to write. The suffix selects the format: .csv, .ecsv, .fits, .vot or .parquet.
    html : Path, optional
        Also write an HTML page with the pictures of the 100 oddest images.
    method : str
        Measure of oddness: knn (distance to the k-th neighbour), isolation-forest (the fastest), lof (local outlier
        factor), or one of a plugin. auto is knn for up to 300,000 images, isolation-forest for more.
    neighbors : int
        Number k of neighbours for knn and lof. Rare objects that resemble each other are found only if they are fewer
        than this.
    top_k : int, optional
        Number of rows to write; by default all.
    seed : int
        Random seed of the isolation forest.
    model : str, optional
        Model to embed images with; by default mini. For an index or a file of embeddings, only compared with the model
        that made them.
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
    overwrite : bool
        Embed the images again, even if their embeddings are in the cache. The table and the page are always replaced.
    {progress}

    Returns
    -------
    AnomaliesResult
        The oddest images, and the paths of the table and the page.

    Raises
    ------
    ConfigError
        If the value of an option cannot be used, or an index is given together with other inputs.
    InputError
        If an input does not exist or cannot be read, or there are fewer than two images.
    IndexMismatch
        If the index or the file of embeddings was made with another model than the given one.
    """
    from galaxtool.outliers.find import find_anomalies
    from galaxtool.search.features import FeatureArgs

    reading = ReadingOptions(
        hdu=hdu, each_hdu=each_hdu, bands=bands, pattern=pattern, mask_hdu=mask_hdu, weight_hdu=weight_hdu,
        pixel_scale=pixel_scale, pixels=pixels, size_arcsec=size_arcsec, stretch=stretch, image_column=image_column,
        id_column=id_column, ra_column=ra_column, dec_column=dec_column, table=table,
    )  # fmt: skip
    return find_anomalies(
        FeatureArgs(
            inputs=inputs, model=None if model is None else str(model), reading=reading,
            compute=ComputeOptions(engine=engine, device=device), overwrite=overwrite,
        ),
        AnomalyOptions(
            output=Path(output), html=None if html is None else Path(html), method=method, neighbors=neighbors,
            top_k=top_k, seed=seed,
        ),
        progress or Silent(),
    )  # fmt: skip
