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
from galaxtool.models.onnx.precision import make_example_images
from galaxtool.models.record import ModelRecord

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
    """

    least_cosine: float
    largest_difference: float
    agreement: float


def write_onnx(path: Path, model: GalaxyModel, record: ModelRecord) -> None:
    """Write a model in float32 to one file, in which only the batch size N is dynamic.

    Parameters
    ----------
    path : Path
        File to write.
    model : GalaxyModel
        Model on the CPU, in evaluation mode.
    record : ModelRecord
        Record of the model, which is stored in the metadata together with the class embeddings.

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
    }
    onnx.helper.set_model_props(proto, metadata)
    _remove_exporter_notes(proto.graph)
    onnx.save(proto, path)


def _remove_exporter_notes(graph: onnx.GraphProto) -> None:
    """Remove the notes of PyTorch on each node, which contain paths of this machine."""
    for part in (*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer, graph):
        del part.metadata_props[:]
        part.doc_string = ""


def compare_with_model(path: Path, model: GalaxyModel, record: ModelRecord, batches: Sequence[int]) -> Comparison:
    """Run a file and its model on the same simulated galaxies.

    Parameters
    ----------
    path : Path
        ONNX file.
    model : GalaxyModel
        Model that the file was exported from.
    record : ModelRecord
        Record of the model.
    batches : sequence of int
        Batch sizes to run.

    Returns
    -------
    Comparison
        The worst values of all batches.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    images = make_example_images(record.make_preprocess(), sum(batches), seed=0)
    cosine, difference, same, clear = 1.0, 0.0, 0, 0
    for n, image in zip(batches, np.split(images, np.cumsum(batches)[:-1]), strict=True):
        embedding, _, probabilities = session.run(["embedding", "logits", "probabilities"], {"image": image})
        with torch.inference_mode():
            ours, _, wanted = (x.numpy() for x in model(torch.from_numpy(image)))
        cosine = min(cosine, float((embedding * ours).sum(axis=1).min()))
        difference = max(difference, float(np.abs(probabilities - wanted).max()))
        ranked = np.sort(wanted, axis=1)
        leading = ranked[:, -1] - ranked[:, -2] > 1e-3 if wanted.shape[1] > 1 else np.ones(n, dtype=bool)
        clear += int(leading.sum())
        same += int((probabilities.argmax(1) == wanted.argmax(1))[leading].sum())
    return Comparison(cosine, difference, same / clear if clear else 1.0)


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
