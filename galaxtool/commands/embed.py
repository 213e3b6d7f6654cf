"""The command ``embed``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from galaxtool.commands.shared_options import describe_shared_options
from galaxtool.inference.compute_options import ComputeOptions
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.inference.results import EmbedResult
from galaxtool.jobs.options import JobOptions
from galaxtool.jobs.shard import Shard
from galaxtool.types import Progress, Silent
from galaxtool.utils.path_arguments import accept_paths


@accept_paths
@describe_shared_options
def embed(
    inputs: Sequence[str | Path],
    *,
    output: Path,
    model: str | Path = "mini",
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
    precision: str = "auto",
    tta: int | None = None,
    layer: str = "joint",
    batch_size: int = 64,
    workers: int | None = None,
    executor: str = "auto",
    shard: str | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> EmbedResult:
    """Compute embeddings of cutouts.

    The output has one row for each input, in input order. An input that cannot be read becomes a row of NaN with an
    error message.

    Parameters
    ----------
    {inputs}
    output : Path
        File to write: .parquet (id, path, ra, dec, embedding, error), or .npy, with the identifiers in .ids.csv and
        the provenance in .meta.json beside it.
    {model}
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
    {precision}
    {tta}
    {layer}
    {batch_size}
    {workers}
    {executor}
    {shard}
    {resume}
    {overwrite}
    {progress}

    Returns
    -------
    EmbedResult
        Counts of rows, and the digests of the model and its preprocessing.

    Raises
    ------
    InputError
        If an input does not exist, or no image can be read; in the latter case the file is written nevertheless.
    OutputExists
        If the file would replace an input.
    """
    from galaxtool.inference.embed import embed_inputs

    return embed_inputs(
        inputs,
        str(model),
        Path(output),
        reading=ReadingOptions(
            hdu=hdu, each_hdu=each_hdu, bands=bands, pattern=pattern, mask_hdu=mask_hdu, weight_hdu=weight_hdu,
            pixel_scale=pixel_scale, pixels=pixels, size_arcsec=size_arcsec, stretch=stretch,
            image_column=image_column, id_column=id_column, ra_column=ra_column, dec_column=dec_column, table=table,
        ),
        compute=ComputeOptions(
            executor=executor, workers=workers, batch_size=batch_size, engine=engine, provider=provider, device=device,
            precision=precision, tta=tta, layer=layer,
        ),
        job_options=JobOptions(shard=Shard.parse(shard), resume=resume, overwrite=overwrite),
        progress=progress or Silent(),
    )  # fmt: skip
