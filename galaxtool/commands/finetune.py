"""Training a classifier, from images to a model directory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.finetuning.result import FinetuneResult
from galaxtool.types import Progress
from galaxtool.utils.optional_imports import import_attribute, require


def finetune(
    dataset: Sequence[str | Path] = (),
    *,
    out: Path | None = None,
    method: str = "galaxalign",
    option: Sequence[str] = (),
    backbone: str = "mini",
    text_encoder: str | None = None,
    channels: str = "rgb",
    head: str | None = None,
    votes: str | None = None,
    taxonomy: str | None = None,
    symbols: Path | None = None,
    where: str | None = None,
    weight: Sequence[str] = (),
    image_column: str | None = None,
    label_column: str | None = None,
    hdu: str | None = None,
    bands: Sequence[str] = (),
    pattern: str | None = None,
    mask_hdu: str | None = None,
    weight_hdu: str | None = None,
    pixel_scale: float | None = None,
    all_classes: bool = False,
    recipe: str | None = None,
    data: Sequence[str] = (),
    fraction: float = 1.0,
    split: Path | None = None,
    valid_fraction: float = 0.15,
    separation: float = 60.0,
    epochs: int | None = None,
    warmup_epochs: int | None = None,
    batch_size: int = 32,
    lr: float | None = None,
    weight_decay: float = 0.05,
    layer_decay: float = 1.0,
    patience: int = 10,
    stopping: str = "best",
    contrast: str = "instance",
    score: str = "both",
    class_weights: str = "none",
    label_smoothing: float = 0.0,
    calibrate: bool = True,
    ema: float = 0.0,
    crop: float = 1.0,
    size_arcsec: float | None = None,
    stretch: str = "auto",
    seed: int = 0,
    precision: str = "auto",
    accumulate: int = 1,
    checkpointing: bool = False,
    compile: bool = False,
    device: str = "auto",
    tensorboard: bool = False,
    resume: Path | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> FinetuneResult:
    """Train a classifier on labelled cutouts.

    Without DATASET it learns from 1200 simulated galaxies. The run directory keeps the model, the split, the history
    and a manifest; Ctrl-C leaves a run that --resume continues. On several GPUs: torchrun --nproc-per-node 2 -m
    galaxtool finetune ...

    Parameters
    ----------
    dataset : sequence of str or Path
        Registered names, name:PATH, folders with class sub-folders or a labels.csv, archives, catalogues, or globs and
        @lists, whose images have the name of their folder for a class; several are mixed.
    out : Path, optional
        Run directory; by default runs/<utc time>-<method>.
    method : str
        How to train; see galaxtool methods.
    option : sequence of str
        A setting of the method's own, as NAME=VALUE; can be given several times. See galaxtool methods.
    backbone : str
        What to train, as source:architecture@weights; @none starts from random weights. See galaxtool backbones.
    text_encoder : str, optional
        Backbone whose text encoder is borrowed where a method needs one and the backbone has none; by default
        clip-vit-16.
    channels : str
        What the backbone is shown: rgb, gray, or names of bands such as g,r,i,z, each stretched by itself.
    head : str, optional
        What classifies; by default the method's own. See galaxtool heads.
    votes : str, optional
        Learn the fractions of votes of a decision tree: gz2, gz-decals, or a TOML file with questions and answers.
    taxonomy : str, optional
        Taxonomy of the labels; by default the one that they all fit.
    symbols : Path, optional
        Folder with one image for each of your own classes.
    where : str, optional
        Only rows for which this holds, e.g. "odd_pool == 0 and label in ('spiral', 'edge_on')".
    weight : sequence of str
        How often a data set is seen, as NAME=2; can be given several times.
    image_column, label_column : str, optional
        Columns of a catalogue or labels.csv, where they do not have one of the usual names.
    hdu : str, optional
        HDU of FITS files, by number or EXTNAME; by default the first with an image.
    bands : sequence of str
        Bands to take, in this order: g,r,z.
    pattern : str, optional
        Where each band has its own file, how they are called below a folder: "{id}_{band}.fits". A labels.csv or
        catalogue then names an object by what stands for {id}.
    mask_hdu : str, optional
        HDU of FITS files in which pixels that must not be used are not zero.
    weight_hdu : str, optional
        HDU of FITS files with weights: pixels whose weight is not above zero are not used.
    pixel_scale : float, optional
        arcsec per pixel of images that do not say it themselves.
    all_classes : bool
        Keep the taxonomy's classes that no image has.
    recipe : str, optional
        Registered name or TOML file with settings; what is given here goes before it.
    data : sequence of str
        Fills a recipe's data slot, as SLOT=PATH; can be given several times.
    fraction : float
        Train on this fraction of each class; smaller fractions lie within larger ones.
    split : Path, optional
        Table with an id or path and a split (train, valid, test) for each image, such as another run's split.csv.
    valid_fraction : float
        Part of each class kept for validation, where the data have no split of their own.
    separation : float
        Arcseconds; images nearer to one another on the sky, directly or through others, stay in one split.
    epochs : int, optional
        Of the last stage; 20 by default.
    warmup_epochs : int, optional
        Of the stage before it; 11 by default, and never more than --epochs where only that is given. galaxalign-v1 has
        only this stage, as long as --epochs where that alone is given.
    batch_size : int
        Images a step.
    lr : float, optional
        Peak learning rate; by default what suits the backbone.
    weight_decay : float
        Of AdamW.
    layer_decay : float
        Each block of the image encoder learns at this times the rate of the next one; 1 for all alike.
    patience : int
        Stop after so many epochs of the last stage without a better validation score; 0 never stops.
    stopping : str
        best (by --patience), or loss-margin: stop when the validation loss exceeded its minimum by 0.03 three times.
    contrast : str
        Negatives of the contrastive losses: instance (as printed in the paper) or class.
    score : str
        What classifies: similarity to the prompt, the symbol, or both.
    class_weights : str
        none, or inverse: items count by the inverse of their class's frequency.
    label_smoothing : float
        Part of each target that is spread over all classes; for methods with cross-entropy.
    calibrate : bool
        Fit a temperature to the validation split, which makes the probabilities truer; classify uses it.
    ema : float
        Validate and keep an average of the weights, of which each step keeps this part, e.g. 0.999; 0 for none.
    crop : float
        Fraction of the image's side that is kept, about the centre.
    size_arcsec : float, optional
        Side of the square about the centre that is looked at, cut by the image's pixel scale; classify then cuts the
        same by itself.
    stretch : str
        How FITS data are shown: auto, linear, asinh, log, zscale or lupton; or with options asinh:softening=3.
    seed : int
        Of the split, the order, the augmentation and random weights.
    precision : str
        auto, fp32, bf16 or fp16; auto is bf16 where the processor computes in it.
    accumulate : int
        Pass each batch through the model in so many parts; same gradient, less memory.
    checkpointing : bool
        Compute activations again where the gradient needs them; less memory, more time.
    compile : bool
        Compile the image encoder with torch.compile.
    device : str
        auto, cpu, cuda, cuda:1 or mps.
    tensorboard : bool
        Write the history for TensorBoard too.
    resume : Path, optional
        Go on with an interrupted run; its own settings count.
    overwrite : bool
        Empty an existing run directory first.

    Returns
    -------
    FinetuneResult

    Raises
    ------
    GalaxtoolError
        If the data, the settings or the output cannot be used.
    KeyboardInterrupt
        After Ctrl-C, when the run has been put away.
    """
    require("torch", why="Training", install="torch")
    run_finetune = import_attribute("galaxtool.finetuning.run:run_finetune")
    config = FinetuneConfig(
        dataset=dataset, out=out, method=method, option=option, backbone=backbone, text_encoder=text_encoder,
        channels=channels, head=head, votes=votes, taxonomy=taxonomy, symbols=symbols, where=where, weight=weight,
        image_column=image_column, label_column=label_column, hdu=hdu, bands=bands, pattern=pattern, mask_hdu=mask_hdu,
        weight_hdu=weight_hdu, pixel_scale=pixel_scale, all_classes=all_classes, recipe=recipe, data=data,
        fraction=fraction, split=split, valid_fraction=valid_fraction, separation=separation, epochs=epochs,
        warmup_epochs=warmup_epochs, batch_size=batch_size, lr=lr, weight_decay=weight_decay, layer_decay=layer_decay,
        patience=patience, stopping=stopping, contrast=contrast, score=score, class_weights=class_weights,
        label_smoothing=label_smoothing, calibrate=calibrate, ema=ema, crop=crop, size_arcsec=size_arcsec,
        stretch=stretch, seed=seed, precision=precision, accumulate=accumulate, checkpointing=checkpointing,
        compile=compile, device=device, tensorboard=tensorboard,
    )  # fmt: skip
    result: FinetuneResult = run_finetune(config, resume=resume, overwrite=overwrite, progress=progress)
    return result
