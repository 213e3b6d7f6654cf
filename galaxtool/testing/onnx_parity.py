"""Check that a backbone or a head gives the same results in an ONNX file, as `classify` uses it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import nn

from galaxtool.backbones.create import create_backbone
from galaxtool.errors import GalaxtoolError
from galaxtool.models.directory import save_model
from galaxtool.models.network import GalaxyModel
from galaxtool.models.onnx.file import write_onnx
from galaxtool.models.record import ModelRecord
from galaxtool.plugins.registry import get_registry
from galaxtool.taxonomy.quantities import quantities_to_dict
from galaxtool.testing.label_kinds import find_label_kind, fit_outputs, make_taxonomy
from galaxtool.utils.error_text import describe_error
from galaxtool.vision.preprocess import Preprocess

_CLASSES, _IMAGES = 6, 4
_LARGEST_DIFFERENCE = 1e-3


def check_onnx(backbone: str = "small-resnet@none", *, head: str = "linear", seed: int = 0) -> None:
    """Check that a model with a backbone and a head can be exported, and that its ONNX file gives the same results.

    It takes up to a minute, and more memory than the model.

    Parameters
    ----------
    backbone : str
        Name of a backbone, as on the command line.
    head : str
        Name of a head that is not fitted.
    seed : int
        Random seed of the weights and the images.

    Raises
    ------
    AssertionError
        If the export fails, or embeddings or probabilities differ.
    """
    registry = get_registry()
    found = registry.heads.find(head)
    kind = find_label_kind(found.spec)
    n_outputs = fit_outputs(_CLASSES, kind)
    taxonomy = make_taxonomy(n_outputs, kind)
    with torch.random.fork_rng(devices=[]), tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(seed)
        made = create_backbone(backbone)
        module: nn.Module = found.create(dim=made.dim, n_classes=n_outputs)
        if callable(set_taxonomy := getattr(module, "set_taxonomy", None)):
            set_taxonomy(taxonomy)
        preprocess = Preprocess(size=made.image_size)
        record = ModelRecord(
            name="checked",
            backbone=backbone,
            dim=made.dim,
            head=head,
            preprocess=preprocess.as_dict(),
            taxonomy=taxonomy.as_dict(),
            votes=taxonomy.votes.as_dict() if taxonomy.votes else None,
            regression=quantities_to_dict(taxonomy.quantities) if taxonomy.quantities else None,
        )
        model = GalaxyModel(made, module).eval()
        what, file = f"'{backbone}' with the head '{head}'", Path(folder) / "model.onnx"
        try:
            write_onnx(file, model, save_model(Path(folder), model, record, taxonomy))
        except GalaxtoolError as error:
            raise AssertionError(
                f"{what} cannot be exported to ONNX: {error.message} Use operations that torch.onnx.export knows, and "
                "no control flow that depends on values."
            ) from error
        images = torch.randn(_IMAGES, 3, preprocess.size, preprocess.size)
        _compare(file, model, images, what)


def _compare(file: Path, model: GalaxyModel, images: torch.Tensor, what: str) -> None:
    """Assert that a file gives what its model gives, for images together and for one alone."""
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    for part in (images, images[:1]):
        with torch.inference_mode():
            wanted = [x.numpy() for x in model(part)]
        try:
            found = session.run(["embedding", "logits", "probabilities"], {"image": part.numpy()})
        except Exception as error:
            raise AssertionError(
                f"The ONNX file of {what} fails for a batch of {len(part)}: {describe_error(error, 200)}; no "
                "shape may depend on the batch of the export."
            ) from error
        for name, one, other in zip(("embedding", "logits", "probabilities"), found, wanted, strict=True):
            worst = float(np.abs(one - other).max()) / max(1.0, float(np.abs(other).max()))
            assert worst <= _LARGEST_DIFFERENCE, (
                f"{name} of the ONNX file of {what} differs by {worst:.1e} from that of PyTorch for a batch of "
                f"{len(part)}, more than {_LARGEST_DIFFERENCE:.0e}; look for operations that depend on the size of the "
                "batch, on random numbers or on training mode."
            )
