"""Run an ONNX file and the model it was exported from on the same images or texts, and compare the results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from galaxtool.errors import ModelError
from galaxtool.models.network import GalaxyModel
from galaxtool.models.onnx.file import OUTPUTS
from galaxtool.utils.error_text import describe_error
from galaxtool.utils.privacy import forbid_onnx_reports

_REPORT = "Nothing was written. Please report this with the versions that `galaxtool doctor` prints."
_LEADS_BY = 1e-3  # labels of images whose two best classes differ by less are not compared


@dataclass(frozen=True)
class Comparison:
    """How close an ONNX file is to its model.

    Parameters
    ----------
    least_cosine : float
        Least cosine between embeddings.
    largest_difference : float
        Largest difference of probabilities; of the numbers of a model of numbers, in units of the spread of the
        training values.
    agreement : float
        Share of images with the same most probable class, among those where it leads by more than 1e-3.
    images : int
        Number of images that were compared, or of texts.
    classes : int
        Number of classes that are the most probable one of some image; 0 for a model of numbers.
    checked_on : str
        What the images were.
    changed : float
        Share of images whose most probable class is another one.
    labeled : int
        Number of images whose class is known.
    accuracy, model_accuracy : float or None
        Share of these that the file and the model put into their class; None if there are none.
    calibrated_on : str
        Number and kind of the images on which the ranges of an int8 file were measured.
    largest_level : int or None
        Largest difference of a preprocessed pixel from galaxtool's own preprocessing, in levels of 255; None for a file
        without preprocessing.
    differing_pixels : float or None
        Share of these pixels that differ by more than two levels.
    """

    least_cosine: float
    largest_difference: float
    agreement: float
    images: int = 0
    classes: int = 0
    checked_on: str = ""
    changed: float = 0.0
    labeled: int = 0
    accuracy: float | None = None
    model_accuracy: float | None = None
    calibrated_on: str = ""
    largest_level: int | None = None
    differing_pixels: float | None = None

    @property
    def drop(self) -> float:
        """Drop of the accuracy in percentage points; the most that it can be where few classes are known."""
        if not self.knows_classes or self.accuracy is None or self.model_accuracy is None:
            return 100 * self.changed
        return 100 * (self.model_accuracy - self.accuracy)

    @property
    def knows_classes(self) -> bool:
        """Whether the class of at least half of the images is known, so that their accuracy counts."""
        return 0 < self.images <= 2 * self.labeled

    def with_calibration(self, images: int, kind: str) -> Comparison:
        """Return the comparison of a file whose ranges were measured on a number of images of a kind."""
        return replace(self, calibrated_on=f"{images} {kind}")


def open_session(file: Path | bytes) -> onnxruntime.InferenceSession:
    """Open an ONNX file that was just written, or the content of one, on the CPU.

    Raises
    ------
    ModelError
        If ONNX Runtime refuses it.
    """
    forbid_onnx_reports(onnxruntime)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    given = file if isinstance(file, bytes) else str(file)
    try:
        return onnxruntime.InferenceSession(given, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime has a private exception class for each cause
        raise ModelError(
            f"ONNX Runtime does not open the file that was written: {describe_error(error, 160)}.", hint=_REPORT
        ) from error


def compare_with_model(
    path: Path,
    model: GalaxyModel,
    images: np.ndarray,
    batches: Sequence[int],
    *,
    checked_on: str = "",
    targets: np.ndarray | None = None,
    spread: np.ndarray | None = None,
    feed: Callable[[np.ndarray], dict[str, np.ndarray]] | None = None,
) -> Comparison:
    """Run a file and its model on the same images.

    Parameters
    ----------
    path : Path
        ONNX file.
    model : GalaxyModel
        Model that the file was exported from.
    images : ndarray of float32, shape (N, C, size, size)
        Images, as the network takes them.
    batches : sequence of int
        Batch sizes to run, with images repeated if there are too few; what is left is run in batches of the last size.
    checked_on : str
        What the images are.
    targets : ndarray of int, shape (N,), optional
        Class of each image, -1 where it is not known.
    spread : ndarray, shape (K,), optional
        Spread of the training values of each output, for a model of numbers, whose outputs are no classes.
    feed : callable, optional
        Returns the inputs of the file for the numbers of some images; by default ``image``, the images themselves.

    Returns
    -------
    Comparison
        The worst values of all batches.
    """
    session, n = open_session(path), len(images)
    cosine, theirs, ours = 1.0, [], []
    for rows in divide_rows(n, batches):
        given = {"image": images[rows]} if feed is None else feed(rows)
        embedding, _, probabilities = _run(session, OUTPUTS, given)
        with torch.inference_mode():
            exact, _, wanted = (x.numpy() for x in model(torch.from_numpy(images[rows])))
        cosine = lower(cosine, embedding, exact)
        theirs.append(probabilities)
        ours.append(wanted)
    found, wanted = np.concatenate(theirs), np.concatenate(ours)
    difference = float((np.abs(found - wanted) / (1 if spread is None else spread)).max())
    if spread is not None:
        return Comparison(cosine, difference, 1.0, images=n, checked_on=checked_on)
    found, wanted = found[:n], wanted[:n]
    ranked = np.sort(wanted, axis=1)
    leads = ranked[:, -1] - ranked[:, -2] > _LEADS_BY if wanted.shape[1] > 1 else np.ones(n, dtype=bool)
    labels = wanted.argmax(axis=1)
    same = found.argmax(axis=1) == labels
    known = np.zeros(n, dtype=bool) if targets is None else targets >= 0
    right = [
        None if targets is None or not known.any() else float((scores.argmax(axis=1) == targets)[known].mean())
        for scores in (found, wanted)
    ]
    return Comparison(
        least_cosine=cosine,
        largest_difference=difference,
        agreement=float(same[leads].mean()) if leads.any() else 1.0,
        images=n,
        classes=len(np.unique(labels)),
        checked_on=checked_on,
        changed=float((~same).mean()),
        labeled=int(known.sum()),
        accuracy=right[0],
        model_accuracy=right[1],
    )


def compare_texts(
    path: Path, model: GalaxyModel, tokens: np.ndarray, texts: Sequence[str], batches: Sequence[int]
) -> Comparison:
    """Run the file of a text encoder on tokens, and its model on the texts themselves, with its own tokenizer.

    Parameters
    ----------
    path : Path
        ONNX file.
    model : GalaxyModel
        Model that the file was exported from.
    tokens : ndarray of int64, shape (N, context)
        Tokens of the texts.
    texts : sequence of str
        The texts.
    batches : sequence of int
        Batch sizes to run.
    """
    session, cosine = open_session(path), 1.0
    for rows in divide_rows(len(texts), batches):
        (embedding,) = _run(session, ["embedding"], {"tokens": tokens[rows]})
        with torch.inference_mode():
            exact = model.embed_text([texts[row] for row in rows]).numpy()
        cosine = lower(cosine, embedding, exact)
    return Comparison(cosine, 0.0, 1.0, images=len(texts), checked_on="texts")


def lower(cosine: float, found: np.ndarray, wanted: np.ndarray) -> float:
    """Return the least of a cosine and those of the rows of unit embeddings (N, dim); NaN if one is NaN."""
    return float(np.minimum(cosine, (found * wanted).sum(axis=1).min()))


def _run(
    session: onnxruntime.InferenceSession, outputs: Sequence[str], given: dict[str, np.ndarray]
) -> Sequence[np.ndarray]:
    try:
        found: Sequence[np.ndarray] = session.run(list(outputs), given)
    except Exception as error:  # ONNX Runtime has a private exception class for each cause
        n = len(next(iter(given.values())))
        raise ModelError(
            f"The file does not run with a batch of {n}: {describe_error(error, 160)}.",
            hint=_REPORT,
        ) from error
    return found


def divide_rows(n: int, batches: Sequence[int]) -> Iterator[np.ndarray]:
    """Yield the numbers of rows in batches of the given sizes, then of the last size until all n have been used."""
    ends = list(np.cumsum(batches))
    ends += range(ends[-1] + batches[-1], max(n, ends[-1]) + batches[-1], batches[-1])
    for numbers in np.split(np.arange(max(n, sum(batches))), ends):
        if len(numbers):
            yield numbers % n
