"""The command ``zoobot convert``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class ConvertResult:
    """The result of `convert`.

    Parameters
    ----------
    model : Path
        The model directory.
    kind : {"classifier", "tree", "regressor"}
        What the checkpoint held.
    backbone : str
        Backbone of the model.
    outputs : list of str
        Classes, answers or quantities.
    """

    model: Path
    kind: str
    backbone: str
    outputs: list[str]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"model": str(self.model), "kind": self.kind, "backbone": self.backbone, "outputs": self.outputs}


def convert(
    checkpoint: Path,
    *,
    output: Path,
    backbone: str | None = None,
    classes: Sequence[str] = (),
    votes: str | None = None,
    target: str | None = None,
    error: float | None = None,
    image_size: int = 224,
    crop: float = 1.0,
    licence: str = "",
    overwrite: bool = False,
) -> ConvertResult:
    """Turn a fine-tuned checkpoint of Zoobot into a model of galaxtool.

    The model classifies the same images the same way: `galaxtool classify cutouts/ --model DIR`. No code in the
    checkpoint is run. It may be a checkpoint of FinetuneableZoobotClassifier, FinetuneableZoobotRegressor,
    FinetuneableZoobotTree or ZoobotTree.

    Parameters
    ----------
    checkpoint : Path
        Checkpoint of Lightning: checkpoints/....ckpt
    output : Path
        Model directory to write.
    backbone : str, optional
        Encoder, such as zoobot-convnext-nano or timm:ARCHITECTURE; by default the one that the checkpoint names.
    classes : sequence of str
        Name of each class, in the order of the numbers that Zoobot was trained on; can be repeated.
    votes : str, optional
        Questions of a tree that does not hold them itself: a vote schema such as gz2, or a TOML file.
    target : str, optional
        Name of the number that a regressor predicts, as NAME or NAME[UNIT].
    error : float, optional
        Length of the error bars of a regressor, such as its root mean square error on the validation images, because
        Zoobot predicts none.
    image_size : int
        Side, in pixels, of the images that the model was trained on.
    crop : float
        Fraction of the side of the image to keep, about the centre; 0.83 for the zoom of 1.2 of the view
        minimal_view_config of galaxy-datasets.
    licence : str
        Licence of the model.
    overwrite : bool
        Replace an existing model.

    Returns
    -------
    ConvertResult
        What was found in the checkpoint, and the path of the model.

    Raises
    ------
    GalaxtoolError
        If the checkpoint cannot be read, does not say all that a model needs, or the output cannot be written.
    """
    from galaxtool_zoobot.checkpoints.convert import ConvertOptions, convert_checkpoint

    options = ConvertOptions(
        output=Path(output), backbone=backbone, classes=tuple(classes), votes=votes, target=target, error=error,
        image_size=image_size, crop=crop, licence=licence, overwrite=overwrite,
    )  # fmt: skip
    found = convert_checkpoint(Path(checkpoint), options)
    return ConvertResult(options.output, found.kind, found.backbone, found.outputs)
