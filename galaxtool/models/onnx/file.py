"""Write a network as an ONNX file."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from pathlib import Path

import onnx
import torch
from torch import nn

from galaxtool.errors import ModelError
from galaxtool.models.network import GalaxyModel
from galaxtool.models.onnx.metadata import CLASS_EMBEDDINGS_KEY, METADATA_KEY
from galaxtool.models.record import ModelRecord
from galaxtool.models.unlike_training import UnlikeDetector, make_metadata
from galaxtool.utils.error_text import describe_error

OPSET = 18
_OURS = "galaxtool."  # before the names of inputs and outputs while PyTorch names the values within

OUTPUTS = ("embedding", "logits", "probabilities")
"""Outputs of a file that scores images."""


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
    embeddings = {
        kind: [[round(x, 7) for x in row] for row in stored.tolist()]
        for kind, stored in model.class_embeddings().items()
    }
    metadata = {
        METADATA_KEY: json.dumps(record.as_dict()),
        CLASS_EMBEDDINGS_KEY: json.dumps(embeddings),
        **make_metadata(detector),
    }
    export_module(path, model, example, "image", OUTPUTS, metadata, what=f"backbone '{record.backbone}'")


def export_module(
    path: Path,
    module: nn.Module,
    example: torch.Tensor,
    given: str,
    outputs: Sequence[str],
    metadata: Mapping[str, str],
    *,
    what: str,
) -> None:
    """Write a module of one input to a file.

    Parameters
    ----------
    path : Path
        File to write.
    module : torch.nn.Module
        Module on the CPU, in evaluation mode.
    example : torch.Tensor
        Input of at least two rows; their number is dynamic in the file.
    given : str
        Name of the input.
    outputs : sequence of str
        Names of the outputs.
    metadata : mapping of str
        Metadata of the file.
    what : str
        What is exported, for the message of an error.

    Raises
    ------
    ModelError
        If PyTorch cannot export the module.
    """
    is_fast = torch.backends.mha.get_fastpath_enabled()
    # the fused attention has no ONNX form
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with _quiet_exporter():
            program = torch.onnx.export(
                module, (example,), dynamo=True, opset_version=OPSET, external_data=False, verbose=False,
                input_names=[f"{_OURS}{given}"], output_names=[f"{_OURS}{name}" for name in outputs],
                dynamic_shapes=({0: torch.export.Dim("N", min=1)},),
            )  # fmt: skip
    except Exception as error:  # a backbone may raise anything
        raise ModelError(
            f"PyTorch cannot export the {what} to ONNX: {describe_error(error, 160)}.",
            hint="GALAXTOOL_DEBUG=1 shows the traceback.",
        ) from error
    finally:
        torch.backends.mha.set_fastpath_enabled(is_fast)
    assert program is not None  # only dynamo=False returns nothing
    proto = program.model_proto
    onnx.helper.set_model_props(proto, dict(metadata))
    _rename_values(proto.graph, {given, *outputs})
    _remove_exporter_notes(proto.graph)
    onnx.save(proto, path)


def _rename_values(graph: onnx.GraphProto, ours: Set[str]) -> None:
    """Give inputs and outputs their names, and values within that have the same name another: PyTorch does not look."""

    def rename(name: str) -> str:
        return f"inner.{name}" if name in ours else name.removeprefix(_OURS)

    for node in graph.node:
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                names[place] = rename(name)
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                _rename_values(inner, ours)
    for value in (*graph.input, *graph.output, *graph.value_info, *graph.initializer):
        value.name = rename(value.name)


def add_metadata(path: Path, more: Mapping[str, str]) -> None:
    """Add entries to the metadata of a file in place."""
    proto = onnx.load(path)
    onnx.helper.set_model_props(proto, {entry.key: entry.value for entry in proto.metadata_props} | dict(more))
    onnx.save(proto, path)


def _remove_exporter_notes(graph: onnx.GraphProto) -> None:
    """Remove the notes of PyTorch on each node, which contain paths of this machine."""
    for part in (*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer, graph):
        del part.metadata_props[:]
        part.doc_string = ""


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
