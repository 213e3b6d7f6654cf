"""Cutouts to a similarity index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxtool.inference.compute_options import ComputeOptions
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.search.defaults import DEFAULT_INDEX
from galaxtool.types import Progress, Silent

if TYPE_CHECKING:
    from galaxtool.search.index.record import IndexRecord


@dataclass(frozen=True)
class IndexResult:
    """What `index` built.

    Parameters
    ----------
    output : str
        The index directory.
    record : IndexRecord
        As in its ``index.json``.
    """

    output: str
    record: IndexRecord

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"output": self.output, **self.record.as_dict()}


def index(
    inputs: Sequence[str | Path],
    *,
    output: Path = DEFAULT_INDEX,
    kind: str = "auto",
    model: str = "mini",
    image_column: str | None = None,
    id_column: str | None = None,
    hdu: str | None = None,
    each_hdu: bool = False,
    bands: Sequence[str] = (),
    pattern: str | None = None,
    mask_hdu: str | None = None,
    weight_hdu: str | None = None,
    pixel_scale: float | None = None,
    size_arcsec: float | None = None,
    stretch: str | None = None,
    engine: str = "auto",
    device: str = "auto",
    precision: str = "auto",
    batch_size: int = 64,
    workers: int | None = None,
    executor: str = "auto",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> IndexResult:
    """Build a similarity index of cutouts.

    The index is a folder that can be moved and asked by itself: it holds the vectors, what they are of, and the
    model. Images that cannot be read are left out, counted and named.

    Parameters
    ----------
    inputs : sequence of str or Path
        Folders, files, globs, tar and zip archives, HDF5 and NumPy stacks, @list.txt with a path a line, and
        catalogues with a column of paths.
    output : Path
        Folder of the index.
    kind : str
        flat, sq8, ivf-flat, ivf-sq8, or a plugin's; auto is flat up to 100,000 images, else ivf-sq8.
    model : str
        A model's name, a model or run directory, or an .onnx file.
    image_column : str, optional
        Column of a catalogue that holds the images' paths.
    id_column : str, optional
        Column of a catalogue that identifies its rows.
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
    overwrite : bool
        Replace an index that is there already.
    progress : Progress, optional
        Told how far it is.

    Returns
    -------
    IndexResult

    Raises
    ------
    OutputExists
        If something stands at `output` that may not be replaced.
    InputError
        If an input does not exist, or no image can be read.
    UnknownName
        If there is no such model or kind of index.
    """
    from galaxtool.inference.reading import find_images
    from galaxtool.models.engines.open import open_engine
    from galaxtool.models.engines.selection import faster_precision_note
    from galaxtool.models.find import find_model
    from galaxtool.search.build import IndexOptions, build_index, find_kind
    from galaxtool.search.index.folder import check_target

    progress = progress or Silent()
    output = Path(output)
    if kind != "auto":
        find_kind(kind)
    check_target(output, overwrite=overwrite)
    options = ReadingOptions(
        hdu=hdu, each_hdu=each_hdu, bands=bands, pattern=pattern, mask_hdu=mask_hdu, weight_hdu=weight_hdu,
        pixel_scale=pixel_scale, size_arcsec=size_arcsec, stretch=stretch, image_column=image_column,
        id_column=id_column,
    )  # fmt: skip
    where = ComputeOptions(executor=executor, workers=workers, batch_size=batch_size)
    found = find_images(inputs, progress, options)
    files = find_model(model)
    opened = open_engine(files, engine, device, precision, lazy=executor != "threads")
    if note := faster_precision_note(opened, len(found.items), engine=engine, precision=precision):
        progress.say(note)
    wanted = IndexOptions(folder=output, kind=kind, options=options, where=where, skipped=dict(found.skipped))
    return IndexResult(str(output), build_index(found.items, opened, files, wanted, progress))
