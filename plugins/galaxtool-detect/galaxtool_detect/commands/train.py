"""The command ``detect train``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from galaxtool import ConfigError, Progress


@dataclass(frozen=True)
class TrainResult:
    """The result of `train`.

    Parameters
    ----------
    run, model : Path
        Folder of the run, and that of the detector in it.
    scores : dict
        Scores on the validation split in the epoch that is kept.
    threshold : float
        Score from which a box counts by default.
    """

    run: Path
    model: Path
    scores: dict[str, float] = field(default_factory=dict)
    threshold: float = 0.5

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"run": str(self.run), "model": str(self.model), "scores": self.scores, "threshold": self.threshold}


def train(
    dataset: str | None = None,
    *,
    output: Path | None = None,
    resume: Path | None = None,
    images: Path | None = None,
    start: str | None = None,
    backbone: str = "mini-radio",
    mode: str = "finetuned",
    batchnorm: str = "auto",
    head: str = "standard",
    image_size: int | None = None,
    upscale: float | None = None,
    epochs: int = 100,
    batch_size: int = 16,
    lr: float | None = None,
    weight_decay: float = 0.05,
    patience: int = 0,
    ema: float = 0.0,
    blur: float = 0.5,
    contrast: float = 0.3,
    jitter: float = 0.1,
    flips: bool = False,
    valid: float = 0.2,
    accumulate: int = 1,
    precision: str = "auto",
    device: str = "auto",
    seed: int = 0,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> TrainResult:
    """Train a detector on images with boxes: Faster R-CNN on any backbone of galaxtool.

    A vision transformer gets the pyramid of ViTDet, made from its last map; other backbones get a feature pyramid on
    their maps of strides 4 to 32. The defaults follow Lastufka et al. 2024: 100 epochs, batches of 16, random blur,
    contrast and colour jitter, no flips, and a learning rate from a short sweep.

    Parameters
    ----------
    dataset : str, optional
        Images with boxes: a folder or file of Pascal VOC, COCO, YOLO, or a catalogue; e.g. what `galaxtool detect
        simulate` writes. FORMAT:PATH says which format. Not needed with --resume.
    output : Path, optional
        Folder for the run: history, checkpoints, and the detector in model/. Default: runs/detect-DATASET.
    resume : Path, optional
        Resume an interrupted run, using the settings saved with it.
    images : Path, optional
        Image, or folder of images, that the boxes belong to; by default looked for beside them.
    start : str, optional
        Detector to start from instead of a backbone: `radio`, or the folder of a run. Its network is kept, and classes
        of the same name.
    backbone : str
        Backbone from `galaxtool backbones`, or a trained model such as mini-radio, for its image encoder.
    mode : {"finetuned", "frozen", "scratch"}
        What the backbone does: learn from its weights, keep them, or learn from random ones.
    batchnorm : {"auto", "frozen", "learned"}
        Whether BatchNorm layers of the backbone keep their statistics; auto keeps them unless --mode is scratch.
    head : {"standard", "small"}
        Size of what is on the backbone: 256 channels and 1,024 features as in the paper, or 64 and 256 for a laptop.
    image_size : int, optional
        Side of the network's images in pixels, a multiple of 32; by default that of the enlarged fields, 512 at most.
        Larger fields are cut at random.
    upscale : float, optional
        Factor by which fields are enlarged; by default that of --start, or sources then fill a patch, or 8 pixels
        without patches.
    epochs : int
        Number of epochs.
    batch_size : int
        Number of images in a step.
    lr : float, optional
        Learning rate; by default the best of a short sweep, recorded in lr_sweep.csv.
    weight_decay : float
        Weight decay of AdamW.
    patience : int
        Number of epochs without a better mAP@50 after which the training ends; 0 for never.
    ema : float
        Decay per step of the averaged weights that are validated and kept; 0 to use the weights themselves.
    blur : float
        Share of the images that are blurred, by up to one pixel.
    contrast : float
        Largest relative change of the contrast.
    jitter : float
        Largest relative change of the gain of each channel.
    flips : bool
        Also mirror images and turn them by quarters.
    valid : float
        Share of the images for validation, if the data set has no such split.
    accumulate : int
        Number of parts in which a batch passes through the network, to save memory.
    precision : {"auto", "fp32", "bf16", "fp16"}
        Precision of backbone and pyramid; auto is fp32.
    device : str
        auto, cpu, cuda, cuda:1 or mps.
    seed : int
        Random seed.
    overwrite : bool
        Replace an existing run.
    progress : Progress, optional
        Receives the progress.

    Returns
    -------
    TrainResult
        The folders, and the scores on the validation split.

    Raises
    ------
    ConfigError
        If settings contradict each other.
    InputError
        If the data set cannot be read, or has no sources.
    OutputExists
        If the run exists.
    """
    from galaxtool import Silent
    from galaxtool_detect.detectors.find import describe_detector
    from galaxtool_detect.training.config import TrainConfig, describe_source
    from galaxtool_detect.training.run import resume_training, start_training

    progress = progress or Silent()
    if resume is not None:
        if dataset is not None:
            raise ConfigError("--resume uses the data set of the run.", hint="Leave the data set out.")
        outcome = resume_training(Path(resume), progress)
    else:
        if dataset is None:
            raise ConfigError("There is no data set to train on.", hint="Give a folder, or --resume a run.")
        given = [flag for flag, value, usual in (("--backbone", backbone, "mini-radio"), ("--head", head, "standard"))
                 if start is not None and value != usual]  # fmt: skip
        if given:
            raise ConfigError(
                f"--start keeps the network of its detector, so {' and '.join(given)} would have no effect.",
                hint="Leave out one of them.",
            )
        config = TrainConfig(
            dataset=describe_source(dataset),
            images=None if images is None else str(Path(images).expanduser().resolve()),
            start=None if start is None else describe_detector(start),
            backbone=backbone,
            mode=mode,
            batchnorm=batchnorm,
            head=head,
            image_size=image_size,
            upscale=upscale,
            epochs=epochs,
            batch_size=batch_size,
            lr=lr,
            weight_decay=weight_decay,
            patience=patience,
            ema=ema,
            blur=blur,
            contrast=contrast,
            jitter=jitter,
            flips=flips,
            valid=valid,
            accumulate=accumulate,
            precision=precision,
            device=device,
            seed=seed,
        )
        folder = output or Path("runs") / f"detect-{Path(dataset).name}"
        outcome = start_training(config, folder, progress, overwrite=overwrite)
    record = outcome.record
    return TrainResult(outcome.run, outcome.model, record.scores, record.threshold)
