"""Writing a model to ONNX, and comparing the file with the model."""

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
from galaxtool.models.onnx.precision import example_images
from galaxtool.models.record import ModelRecord

OPSET = 18


@dataclass(frozen=True)
class Comparison:
    """How near an ONNX file is to its model.

    Parameters
    ----------
    least_cosine : float
        Between embeddings.
    largest_difference : float
        Between probabilities.
    agreement : float
        Share of the images whose most probable class is the same, of those where it leads by more than 1e-3.
    """

    least_cosine: float
    largest_difference: float
    agreement: float


def write_onnx(path: Path, model: GalaxyModel, record: ModelRecord) -> None:
    """Write a model in float32, only N dynamic, all in one file.

    Parameters
    ----------
    path : Path
    model : GalaxyModel
        On the CPU, in evaluation mode.
    record : ModelRecord
        Goes into the metadata, with the classes' embeddings.

    Raises
    ------
    ModelError
        If PyTorch cannot export the backbone.
    """
    preprocess = record.make_preprocess()
    # an example of one would fix N at 1
    example = torch.zeros(2, len(preprocess.channels), preprocess.size, preprocess.size)
    fast = torch.backends.mha.get_fastpath_enabled()
    # its fused attention has no ONNX form
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with _quiet():
            program = torch.onnx.export(
                model, (example,), dynamo=True, opset_version=OPSET, external_data=False, verbose=False,
                input_names=["image"], output_names=["embedding", "logits", "probabilities"],
                dynamic_shapes=({0: torch.export.Dim("N", min=1)},),
            )  # fmt: skip
    except Exception as error:  # the exporter wraps whatever a backbone raises
        raise ModelError(
            f"PyTorch cannot export the backbone '{record.backbone}' to ONNX: {' '.join(str(error).split())[:160]}.",
            hint="GALAXTOOL_DEBUG=1 shows the traceback.",
        ) from error
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    assert program is not None  # only dynamo=False returns nothing
    proto = program.model_proto
    metadata = {
        METADATA_KEY: json.dumps(record.as_dict()),
        CLASS_EMBEDDINGS_KEY: json.dumps(_class_embeddings(model)),
    }
    onnx.helper.set_model_props(proto, metadata)
    _forget_the_exporter(proto.graph)
    onnx.save(proto, path)


def _forget_the_exporter(graph: onnx.GraphProto) -> None:
    """Drop what PyTorch notes of each node: where in whose folders the code stood that made it."""
    for part in (*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer, graph):
        del part.metadata_props[:]
        part.doc_string = ""


def compare(path: Path, model: GalaxyModel, record: ModelRecord, batches: Sequence[int]) -> Comparison:
    """Run a file and its model on the same simulated galaxies, in batches of several sizes.

    Returns
    -------
    Comparison
        The worst over all batches.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    images = example_images(record.make_preprocess(), sum(batches), seed=0)
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


def _class_embeddings(model: GalaxyModel) -> dict[str, list[list[float]]]:
    found = {}
    for kind, attribute in (("prompt", "prompts"), ("symbol", "symbols")):
        held = getattr(model.head, attribute, None)
        if held is not None and bool((held != 0).any()):
            found[kind] = [[round(float(x), 7) for x in row] for row in held]
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's progress notes and deprecation notices off the screen."""
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
