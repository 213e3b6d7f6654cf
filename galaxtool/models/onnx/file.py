"""Write a model to an ONNX file, and compare the file with the model."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

from galaxtool.errors import ModelError
from galaxtool.models.network import GalaxyModel
from galaxtool.models.onnx.metadata import CLASS_EMBEDDINGS_KEY, METADATA_KEY
from galaxtool.models.record import ModelRecord
from galaxtool.models.unlike_training import UnlikeDetector, make_metadata
from galaxtool.utils.privacy import forbid_onnx_reports

OPSET = 18


@dataclass(frozen=True)
class Comparison:
    """How close an ONNX file is to its model.

    Parameters
    ----------
    least_cosine : float
        Least cosine between embeddings.
    largest_difference : float
        Largest difference of probabilities.
    agreement : float
        Share of images with the same most probable class, among those where it leads by more than 1e-3.
    images : int
        Number of images that were compared.
    classes : int
        Number of classes that are the most probable one of some image.
    checked_on : str
        What the images were.
    """

    least_cosine: float
    largest_difference: float
    agreement: float
    images: int = 0
    classes: int = 0
    checked_on: str = ""


def write_onnx(path: Path, model: GalaxyModel, record: ModelRecord, detector: UnlikeDetector | None = None) -> None:
    """Write a model in float32 to one file, in which only the batch size N is dynamic.

    Parameters
    ----------
    path : Path
        File to write.
    model : GalaxyModel
        Model on the CPU, in evaluation mode.
    record : ModelRecord
        Record of the model, which is stored in the metadata together with the class embeddings.
    detector : UnlikeDetector, optional
        What recognizes images unlike those of the training, which is stored there too.

    Raises
    ------
    ModelError
        If PyTorch cannot export the backbone.
    """
    preprocess = record.make_preprocess()
    # an example of one image would fix N at 1
    example = torch.zeros(2, len(preprocess.channels), preprocess.size, preprocess.size)
    is_fast = torch.backends.mha.get_fastpath_enabled()
    # the fused attention has no ONNX form
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with _quiet_exporter():
            program = torch.onnx.export(
                model, (example,), dynamo=True, opset_version=OPSET, external_data=False, verbose=False,
                input_names=["image"], output_names=["embedding", "logits", "probabilities"],
                dynamic_shapes=({0: torch.export.Dim("N", min=1)},),
            )  # fmt: skip
    except Exception as error:  # a backbone may raise anything
        raise ModelError(
            f"PyTorch cannot export the backbone '{record.backbone}' to ONNX: {' '.join(str(error).split())[:160]}.",
            hint="GALAXTOOL_DEBUG=1 shows the traceback.",
        ) from error
    finally:
        torch.backends.mha.set_fastpath_enabled(is_fast)
    assert program is not None  # only dynamo=False returns nothing
    proto = program.model_proto
    embeddings = {
        kind: [[round(x, 7) for x in row] for row in stored.tolist()]
        for kind, stored in model.class_embeddings().items()
    }
    metadata = {
        METADATA_KEY: json.dumps(record.as_dict()),
        CLASS_EMBEDDINGS_KEY: json.dumps(embeddings),
        **make_metadata(detector),
    }
    onnx.helper.set_model_props(proto, metadata)
    _remove_exporter_notes(proto.graph)
    onnx.save(proto, path)


def _remove_exporter_notes(graph: onnx.GraphProto) -> None:
    """Remove the notes of PyTorch on each node, which contain paths of this machine."""
    for part in (*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer, graph):
        del part.metadata_props[:]
        part.doc_string = ""


def compare_with_model(
    path: Path, model: GalaxyModel, images: np.ndarray, batches: Sequence[int], *, checked_on: str = ""
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

    Returns
    -------
    Comparison
        The worst values of all batches.
    """
    forbid_onnx_reports(onnxruntime)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    n, ends = len(images), list(np.cumsum(batches))
    ends += range(ends[-1] + batches[-1], max(n, ends[-1]) + batches[-1], batches[-1])
    cosine, theirs, ours = 1.0, [], []
    for numbers in np.split(np.arange(max(n, sum(batches))), ends):
        if not len(numbers):
            continue
        image = images[numbers % n]
        embedding, _, probabilities = session.run(["embedding", "logits", "probabilities"], {"image": image})
        with torch.inference_mode():
            exact, _, wanted = (x.numpy() for x in model(torch.from_numpy(image)))
        cosine = min(cosine, float((embedding * exact).sum(axis=1).min()))
        theirs.append(probabilities)
        ours.append(wanted)
    found, wanted = np.concatenate(theirs), np.concatenate(ours)
    ranked = np.sort(wanted[:n], axis=1)
    leads = ranked[:, -1] - ranked[:, -2] > 1e-3 if wanted.shape[1] > 1 else np.ones(n, dtype=bool)
    labels = wanted[:n].argmax(axis=1)
    same = (found[:n].argmax(axis=1) == labels)[leads]
    return Comparison(
        least_cosine=cosine,
        largest_difference=float(np.abs(found - wanted).max()),
        agreement=float(same.mean()) if len(same) else 1.0,
        images=n,
        classes=len(np.unique(labels)),
        checked_on=checked_on,
    )


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Suppress the progress and deprecation messages of the exporter."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "torch.export")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
