"""The command ``index``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from galaxtool.commands.shared_options import describe_shared_options
from galaxtool.inference.compute_options import ComputeOptions
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.search.defaults import DEFAULT_INDEX
from galaxtool.search.options import IndexOptions
from galaxtool.search.results import IndexResult
from galaxtool.types import Progress, Silent
from galaxtool.utils.path_arguments import accept_paths


@accept_paths
@describe_shared_options
def index(
    inputs: Sequence[str | Path],
    *,
    output: Path = DEFAULT_INDEX,
    kind: str = "auto",
    target_recall: float = 0.99,
    add: bool = False,
    merge: bool = False,
    model: str | Path | None = None,
    image_column: str | None = None,
    id_column: str | None = None,
    ra_column: str | None = None,
    dec_column: str | None = None,
    table: str | None = None,
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
    engine: str = "auto",
    provider: str = "auto",
    device: str = "auto",
    precision: str = "auto",
    tta: int | None = None,
    layer: str = "joint",
    batch_size: int = 64,
    workers: int | None = None,
    executor: str = "auto",
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> IndexResult:
    """Build a similarity index of cutouts.

    The index is a folder that can be moved and searched by itself: it holds the vectors, the identity of each image,
    and the model. Images that cannot be read are left out and reported.

    Parameters
    ----------
    {inputs}
    output : Path
        Folder of the index.
    kind : str
        Kind of index: auto, flat, sq8, ivf-flat, ivf-sq8, ivf-pq, opq-ivf-pq, hnsw, or one from a plugin. auto is flat
        for up to 100,000 images, and for more ivf-sq8 or, if memory is short, opq-ivf-pq.
    target_recall : float
        Fraction of the ten nearest neighbours that a search should find. Searches are tuned until they reach it; a
        higher value makes them slower.
    add : bool
        Add the images to the existing index --output, without building it again. They are read with the options of the
        index and embedded by its model; images already in it are skipped.
    merge : bool
        Merge the inputs, which are indexes built separately with the same model and options, into one index.
    model : str or Path, optional
        Model: a registered name, a model or run directory, or an ``.onnx`` file. By default mini, and with --add or
        --merge the model of the index.
    {image_column}
    {id_column}
    {ra_column}
    {dec_column}
    {table}
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
    {engine}
    {provider}
    {device}
    {precision}
    {tta}
    {layer}
    {batch_size}
    {workers}
    {executor}
    {resume}
    overwrite : bool
        Replace an existing index, and discard an interrupted job with the same output.
    {progress}

    Returns
    -------
    IndexResult
        Path and record of the index.

    Raises
    ------
    OutputExists
        If `output` exists and may not be replaced.
    InputError
        If an input does not exist, or no image can be read.
    UnknownName
        If the model or the kind of index does not exist.
    IndexMismatch
        If the vectors of indexes to merge, or a model to add images with, are of another kind than those of the index.
    """
    from galaxtool.search.make_index import make_index

    options = IndexOptions(
        folder=Path(output),
        kind=kind,
        target_recall=target_recall,
        add=add,
        merge=merge,
        resume=resume,
        overwrite=overwrite,
        reading=ReadingOptions(
            hdu=hdu, each_hdu=each_hdu, bands=bands, pattern=pattern, mask_hdu=mask_hdu, weight_hdu=weight_hdu,
            pixel_scale=pixel_scale, pixels=pixels, size_arcsec=size_arcsec, stretch=stretch,
            image_column=image_column, id_column=id_column, ra_column=ra_column, dec_column=dec_column, table=table,
        ),
        compute=ComputeOptions(
            executor=executor, workers=workers, batch_size=batch_size, engine=engine, provider=provider, device=device,
            precision=precision, tta=tta, layer=layer,
        ),
    )  # fmt: skip
    return make_index(inputs, None if model is None else str(model), options, progress or Silent())
