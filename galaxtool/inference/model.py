"""A trained model in memory, for notebooks and scripts: classify and embed images without writing files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path

import numpy as np
from astropy.table import Table

from galaxtool.containers.find import locate_image
from galaxtool.containers.stack import Stack
from galaxtool.errors import InputError
from galaxtool.evaluation.prior import TRAINING
from galaxtool.images.fits.axes import MAX_BANDS
from galaxtool.images.read_options import ReadOptions
from galaxtool.inference.class_prior import choose_prior
from galaxtool.inference.classify import check_classes
from galaxtool.inference.compute_options import BATCH_SIZE, check_views
from galaxtool.inference.pixel_scale import assume_pixel_scale
from galaxtool.inference.predictions.parts import make_part_table
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.inference.worker import PictureReader, ScoredBatch, Scorer, WorkerSetup
from galaxtool.inputs.gather import gather
from galaxtool.inputs.items import InputItem
from galaxtool.models.engines.open import open_engine
from galaxtool.models.engines.protocol import Engine
from galaxtool.models.find import find_model
from galaxtool.models.record import ModelRecord
from galaxtool.types import Cutout, ImageRef
from galaxtool.vision.preprocess import GRAY, RGB, Preprocess

Image = str | os.PathLike[str] | ImageRef | Cutout | np.ndarray
"""Anything that `Model` takes as an image."""

ONE_IMAGE = (str, os.PathLike, ImageRef, Cutout, np.ndarray)


def load_model(
    name_or_path: str | os.PathLike[str], *, engine: str = "auto", device: str = "auto", precision: str = "auto"
) -> Model:
    """Load a trained model.

    Parameters
    ----------
    name_or_path : str or path
        A registered name such as ``"mini"``, a model or run directory, or an ``.onnx`` file.
    engine : {"auto", "onnx", "openvino", "torch"}
        What runs the model; ``auto`` is ONNX Runtime if the model has an ONNX file, else PyTorch.
    device : str
        ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
    precision : {"auto", "fp32", "bf16", "fp16"}
        ``auto`` is fp32, so that results never depend on the machine.

    Returns
    -------
    Model

    Raises
    ------
    UnknownName
        If the model does not exist.
    ModelError, ConfigError
        If the model cannot be used, or not in that way.

    Examples
    --------
    >>> import numpy as np
    >>> from galaxtool import load_model
    >>> model = load_model("mini")
    >>> len(model.classes), model.classes[0]
    (10, 'disturbed')
    >>> y, x = np.mgrid[-64:64, -64:64]
    >>> noise = np.random.default_rng(0).normal(0, 0.01, x.shape)
    >>> galaxy = np.exp(-np.hypot(x, y) / 12) + noise
    >>> table = model.classify(galaxy)
    >>> table.colnames[:6]
    ['id', 'path', 'ra', 'dec', 'label', 'probability']
    >>> print(table["label"][0])
    round_smooth
    >>> model.embed([galaxy, galaxy[::-1]]).shape
    (2, 256)
    """
    return Model(open_engine(find_model(os.fspath(name_or_path)), engine, device, precision), os.fspath(name_or_path))


class Model:
    """A trained model, ready to classify and to embed images; `load_model` makes one.

    An image is one of these, and every method takes one image or a sequence of them:

    * a path, or the text of one; a folder, an archive, a stack or a catalogue stands for all its images, as on the
      command line, and ``"cutouts.zip[m51.fits]"`` for one of them;
    * an `ImageRef`;
    * a `Cutout`, as `galaxtool.read_image` returns it;
    * an array (ny, nx), (3, ny, nx) or (ny, nx, bands), or with an axis in front for N images: (N, ny, nx),
      (N, bands, ny, nx), (N, ny, nx, bands). Arrays of uint8 are display values whose row 0 is the top row; any
      others are measured values whose row 0 is the bottom row, as in FITS. For a model of single bands, the planes
      are these bands in order, and (bands, ny, nx) is one image too.

    Parameters
    ----------
    engine : Engine
        The open model.
    name : str
        Name or path, for messages.
    batch_size : int
        Images scored at once.
    """

    def __init__(self, engine: Engine, name: str, *, batch_size: int = BATCH_SIZE) -> None:
        self.engine = engine
        self.name = name
        self.batch_size = batch_size

    @property
    def record(self) -> ModelRecord:
        """The content of ``model.json``: what the model is, and what to cite."""
        return self.engine.record

    @property
    def classes(self) -> list[str]:
        """Slugs of the classes, in the order of the probabilities."""
        return self.record.slugs

    @property
    def preprocess(self) -> Preprocess:
        """How an image becomes the input of the network: central square, stretch, size, normalization."""
        return self.record.make_preprocess()

    def classify(
        self, images: Image | Sequence[Image], *, prior: str | os.PathLike[str] = TRAINING, tta: int | None = None
    ) -> Table:
        """Classify images.

        Parameters
        ----------
        images : image or sequence of images
            See `Model`.
        prior : str or path
            Class frequencies that the probabilities assume: ``training``, ``uniform``, or a file with the fraction of
            each class, as for ``galaxtool classify``.
        tta : {1, 2, 4, 8}, optional
            Number of views of each image, turned and mirrored, whose results are averaged; by default that of the
            model, usually 1.

        Returns
        -------
        Table
            One row per image, in order, with the columns of ``galaxtool classify``: id, path, ra, dec, label,
            probability, p_<class> for each class, flags, error. An image that cannot be read is a row with an error.
            Images from memory have the id and path ``image-0``, ``image-1``, ... by their row; a `Cutout` with a
            source has that.

        Raises
        ------
        InputError
            If a path does not exist, an array does not hold images, or the fractions of `prior` do not fit the model.
        ModelError
            If the model was trained without labels and has no classes.
        """
        check_classes(self.record, self.name)
        factors = choose_prior(self.record, os.fspath(prior)).factors
        items, scored = self._score(images, embeds=False, tta=tta, factors=factors)
        return make_part_table(items, None, scored, self.record, top_k=1)

    def embed(self, images: Image | Sequence[Image], *, tta: int | None = None) -> np.ndarray:
        """Embed images.

        Parameters
        ----------
        images : image or sequence of images
            See `Model`.
        tta : {1, 2, 4, 8}, optional
            Same as in `classify`.

        Returns
        -------
        ndarray of float32, shape (N, dim)
            Embeddings of unit length, one row per image, in order; a row of NaN for an image that cannot be read.

        Raises
        ------
        InputError
            If a path does not exist, or an array does not hold images.
        """
        _, scored = self._score(images, embeds=True, tta=tta)
        return np.concatenate([batch.values for batch in scored if batch.values is not None])

    def _score(
        self,
        images: Image | Sequence[Image],
        *,
        embeds: bool,
        tta: int | None,
        factors: tuple[float, ...] = (),
    ) -> tuple[list[InputItem], list[ScoredBatch]]:
        """Read and score images in batches."""
        check_views(tta)
        preprocess = self.preprocess
        sequence: Sequence[Image] = [images] if isinstance(images, ONE_IMAGE) else images
        items = make_items(sequence, preprocess.channels)
        setup = WorkerSetup(
            model=self.name,
            digest=self.record.digest,
            engine=self.engine.name,
            device=self.engine.device,
            precision=self.engine.precision,
            preprocess=preprocess,
            reading=assume_pixel_scale(self.record, ReadingOptions()).read_options,
            embeds=embeds,
            tta=self.record.tta if tta is None else tta,
            factors=factors,
        )
        read, scorer = _MemoryReader(setup), Scorer(setup, self.engine)
        starts = range(0, max(len(items), 1), self.batch_size)
        batches = [items[start : start + self.batch_size] for start in starts]
        return items, [scorer.score(read(batch), batch) for batch in batches]


@dataclass(frozen=True, slots=True)
class MemoryItem(InputItem):
    """An image in memory; `load` raises `UnreadableImage` where it has no pixel with a value."""

    load: Callable[[], Cutout] | None = None


class _MemoryReader(PictureReader):
    """Reads batches of images that are in files or in memory."""

    def _read(self, item: InputItem, options: ReadOptions) -> tuple[np.ndarray, tuple[float | None, float | None], str]:
        if not isinstance(item, MemoryItem) or item.load is None:
            return super()._read(item, options)
        preprocess, cutout = self.setup.preprocess, item.load()
        if cutout.pixel_scale is None and options.pixel_scale is not None:
            cutout = replace(cutout, pixel_scale=options.pixel_scale)
        return preprocess.picture(cutout), (cutout.ra, cutout.dec), " ".join(preprocess.flags(cutout))


def make_items(images: Sequence[Image], channels: tuple[str, ...]) -> list[InputItem]:
    """Return the items of images for a model with these channels; consecutive paths are gathered together.

    Raises
    ------
    InputError
        If a path does not exist, or an object is not an image.
    """
    items: list[InputItem] = []
    for is_path, group in groupby(images, key=lambda image: isinstance(image, (str, os.PathLike))):
        if is_path:
            items += _gather_paths([os.fspath(path) for path in group])  # type: ignore[arg-type]
            continue
        for image in group:
            if isinstance(image, ImageRef):
                items.append(InputItem(str(image), image))
            elif isinstance(image, Cutout):
                items.append(_make_memory_item(image.source or f"image-{len(items)}", partial(replace, image)))
            elif isinstance(image, np.ndarray):
                items += _split_array(image, channels, len(items))
            else:
                raise InputError(
                    f"An object of type {type(image).__name__} is not an image.",
                    hint="Give paths, arrays, or what galaxtool.read_image returns.",
                )
    return items


def _gather_paths(paths: Sequence[str]) -> Iterator[InputItem]:
    """Yield the items of paths, as on the command line; a member in brackets is one item."""
    for is_member, group in groupby(paths, key=lambda path: path.endswith("]") and bool(locate_image(path).member)):
        if is_member:
            yield from (InputItem(path, locate_image(path)) for path in group)
        else:
            yield from gather(list(group)).items


def _split_array(array: np.ndarray, channels: tuple[str, ...], first: int) -> Iterator[InputItem]:
    """Yield the items of an array for a model with these channels, named from number `first` on."""
    bands = () if channels in (RGB, GRAY) else channels
    if array.ndim == 3 and len(array) == (len(bands) or 3) and array.shape[-1] > MAX_BANDS:
        array = array[None]  # one image of several bands; in a file it would be several images
    stack = Stack.of("", array, {"bands": bands} if bands else {}, {})
    pixels = [array] if stack.axes.single else list(array)
    for row, image in enumerate(pixels):
        name = f"image-{first + row}"
        yield _make_memory_item(name, partial(stack.cutout, image, row, name))


def _make_memory_item(name: str, load: Callable[[], Cutout]) -> InputItem:
    return MemoryItem(name, ImageRef(Path(name)), load=load)
