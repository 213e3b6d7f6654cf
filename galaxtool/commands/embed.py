"""Cutouts to a file of embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from galaxtool.inference.compute_options import ComputeOptions
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.inference.results import EmbedResult
from galaxtool.jobs.options import JobOptions
from galaxtool.jobs.shard import Shard
from galaxtool.types import Progress, Silent


def embed(
    inputs: Sequence[str | Path],
    *,
    output: Path,
    model: str = "mini",
    hdu: str | None = None,
    each_hdu: bool = False,
    bands: Sequence[str] = (),
    pattern: str | None = None,
    mask_hdu: str | None = None,
    weight_hdu: str | None = None,
    pixel_scale: float | None = None,
    size_arcsec: float | None = None,
    stretch: str | None = None,
    image_column: str | None = None,
    id_column: str | None = None,
    engine: str = "auto",
    device: str = "auto",
    precision: str = "auto",
    batch_size: int = 64,
    workers: int | None = None,
    executor: str = "auto",
    shard: str | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> EmbedResult:
    """Turn cutouts into embeddings.

    One row per input, in input order. An input that cannot be read is a row of NaN with `error` filled.

    Parameters
    ----------
    inputs : sequence of str or Path
        Folders, files, globs, tar and zip archives, HDF5 and NumPy stacks, @list.txt with a path a line, and
        catalogues with a column of paths.
    output : Path
        Where to write: .parquet (id, path, ra, dec, embedding, error), or .npy with the rows' identifiers beside it
        in .ids.csv and what made them in .meta.json.
    model : str
        A model's name, a model or run directory, or an .onnx file.
    hdu : str, optional
        Number or EXTNAME of the HDU to take from FITS files.
    each_hdu : bool
        Take every image HDU of a FITS file as an object of its own.
    bands : sequence of str
        Bands to take, in this order: g,r,z.
    pattern : str, optional
        Where each band has its own file, how they are called below a folder: "{id}_{band}.fits".
    mask_hdu : str, optional
        HDU of FITS files in which pixels that must not be used are not zero.
    weight_hdu : str, optional
        HDU of FITS files with weights: pixels whose weight is not above zero are not used.
    pixel_scale : float, optional
        arcsec per pixel of images that do not say it themselves.
    size_arcsec : float, optional
        Side of the square about the centre that is looked at, cut by the image's pixel scale; by default the model's
        own, if it was trained with one.
    stretch : str, optional
        How brightness is shown in place of the model's own stretch: asinh, or with options asinh:softening=3.
    image_column : str, optional
        Column of a catalogue that holds the images' paths.
    id_column : str, optional
        Column of a catalogue that identifies its rows.
    engine : {"auto", "onnx", "openvino", "torch"}
        What runs the model; auto takes ONNX Runtime where the model has an ONNX file. openvino and torch compute in
        bf16 where the processor has AMX, unless --precision says otherwise.
    device : str
        auto, cpu, cuda, cuda:1, mps.
    precision : str
        auto, fp32, bf16 or fp16.
    batch_size : int
        Images at a time.
    workers : int, optional
        How many work at the same time; one for each processor where it is not said.
    executor : str
        Where: threads, processes, ray, or ray://HEAD:PORT; auto takes processes for many images.
    shard : str, optional
        Do one part of several, e.g. 2/8, in a job array; `galaxtool merge` then writes the file.
    resume : bool
        Go on with an interrupted job on the same output.
    overwrite : bool
        Throw away an interrupted job on the same output.
    progress : Progress, optional
        Told how far it is.

    Returns
    -------
    EmbedResult

    Raises
    ------
    InputError
        If an input does not exist, or no image can be read; the file is then written all the same.
    """
    from galaxtool.inference.embed import embed_inputs

    return embed_inputs(
        inputs,
        model,
        Path(output),
        reading=ReadingOptions(
            hdu=hdu, each_hdu=each_hdu, bands=bands, pattern=pattern, mask_hdu=mask_hdu, weight_hdu=weight_hdu,
            pixel_scale=pixel_scale, size_arcsec=size_arcsec, stretch=stretch, image_column=image_column,
            id_column=id_column,
        ),
        compute=ComputeOptions(
            executor=executor, workers=workers, batch_size=batch_size, engine=engine, device=device,
            precision=precision,
        ),
        job_options=JobOptions(shard=Shard.parse(shard), resume=resume, overwrite=overwrite),
        progress=progress or Silent(),
    )  # fmt: skip
