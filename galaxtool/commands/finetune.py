"""The command ``finetune``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from galaxtool.commands.former_names import accept_former_names
from galaxtool.commands.shared_options import describe_shared_options
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.finetuning.result import FinetuneResult
from galaxtool.types import Progress
from galaxtool.utils.optional_imports import require
from galaxtool.utils.path_arguments import accept_paths


@accept_former_names
@accept_paths
@describe_shared_options
def finetune(
    dataset: Sequence[str | Path] = (),
    *,
    output: Path | None = None,
    method: str = "auto",
    option: Sequence[str] = (),
    backbone: str = "mini",
    text_encoder: str | None = None,
    channels: str = "rgb",
    head: str | None = None,
    votes: str | Path | None = None,
    target: Sequence[str] = (),
    taxonomy: str | None = None,
    symbols: Path | None = None,
    where: str | None = None,
    weight: Sequence[str] = (),
    noisy: Sequence[str] = (),
    image_column: str | None = None,
    label_column: str | None = None,
    ra_column: str | None = None,
    dec_column: str | None = None,
    table: str | None = None,
    hdu: str | None = None,
    bands: Sequence[str] = (),
    pattern: str | None = None,
    mask_hdu: str | None = None,
    weight_hdu: str | None = None,
    pixel_scale: float | None = None,
    pixels: str = "auto",
    all_classes: bool = False,
    recipe: str | Path | None = None,
    data: Sequence[str] = (),
    fraction: float = 1.0,
    split: Path | None = None,
    valid_fraction: float = 0.15,
    test_fraction: float = 0.0,
    separation: float = 60.0,
    epochs: int | None = None,
    warmup_epochs: int | None = None,
    batch_size: int = 32,
    lr: float | None = None,
    min_lr: float = 0.0,
    weight_decay: float = 0.05,
    layer_decay: float = 1.0,
    patience: int = 10,
    stopping: str = "best",
    select: str = "best",
    augment: str = "standard",
    contrast: str = "instance",
    score: str = "both",
    class_weights: str = "none",
    label_smoothing: float = 0.0,
    calibrate: bool = True,
    readouts: bool = False,
    dropout: float = 0.0,
    ema: float = 0.0,
    image_size: int | None = None,
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

    Without DATASET it learns from 250 simulated galaxies. The run directory contains the model, the split, the
    history and a manifest. After Ctrl-C, --resume continues the run. To train on several GPUs: torchrun
    --nproc-per-node 2 -m galaxtool finetune ...

    Parameters
    ----------
    dataset : sequence of str or Path
        Registered data sets, name:PATH, folders with a sub-folder for each class or a labels.csv, archives, catalogues,
        or globs and @lists of images in folders named after their class. Several are mixed.
    output : Path, optional
        Run directory; by default runs/<utc time>-<method>.
    method : str
        Training method, see galaxtool methods; auto is galaxalign if every class has a prompt and a symbol, else
        supervised.
    option : sequence of str
        Option of the method, as NAME=VALUE; can be repeated. See galaxtool methods.
    backbone : str
        Backbone to train, as source:architecture@weights; @none starts from random weights. See galaxtool backbones.
    text_encoder : str, optional
        Backbone whose text encoder is used if the method needs one and the backbone has none; by default clip-vit-16.
    channels : str
        Input channels of the backbone: rgb, gray, or band names such as g,r,i,z, each with its own stretch.
    head : str, optional
        Classification head; by default the one of the method. See galaxtool heads.
    votes : str or Path, optional
        Learn the vote fractions of a decision tree: gz2, gz-decals, or a TOML file with questions and answers.
    target : sequence of str
        Learn the numbers in a column, with error bars, as COLUMN or COLUMN[UNIT]; can be repeated. Objects that lack a
        value in one of the columns are left out.
    taxonomy : str, optional
        Taxonomy of the labels; by default the one that contains them all.
    symbols : Path, optional
        Folder with one or more images for each of your own classes: ring.png, ring@2.png.
    {where}
    weight : sequence of str
        Weight of a data set in the mix, as NAME=2, or of one of its labels, as NAME/LABEL=2; can be repeated.
    noisy : sequence of str
        Data set with noisy labels, as NAME, or as NAME=0.1 with a first guess of the share that is wrong; can be
        repeated. The probability of each label given the class is learned.
    {image_column}
    {label_column}
    {ra_column}
    {dec_column}
    {table}
    {hdu}
    {bands}
    {pattern}
        A labels.csv or catalogue then identifies each object by its {id}.
    {mask_hdu}
    {weight_hdu}
    {pixel_scale}
    {pixels}
    all_classes : bool
        Keep classes of the taxonomy that no image has.
    recipe : str or Path, optional
        Name of a registered recipe, or a TOML file with settings; options given here take precedence.
    data : sequence of str
        Path for a data slot of the recipe, as SLOT=PATH; can be repeated.
    fraction : float
        Fraction of each class to train on; a smaller fraction is a subset of a larger one.
    split : Path, optional
        Table with an id or path and a split (train, valid, test) for each image, such as split.csv of another run.
    valid_fraction : float
        Fraction of each class to use for validation, if the data have no split of their own.
    test_fraction : float
        Fraction of each class to hold out and score once, at the end. The validation images choose the epoch, so their
        scores are optimistic. If the data have a test split of their own, it is always scored.
    separation : float
        Images closer than this on the sky, in arcsec, directly or through others, go into the same split.
    epochs : int, optional
        Number of epochs of the last training stage; 20 by default.
    warmup_epochs : int, optional
        Number of epochs of the stage before the last; 11 by default, but no more than --epochs if only --epochs is
        given. galaxalign-v1 has only this stage, and --epochs alone sets its length.
    {batch_size}
    lr : float, optional
        Peak learning rate; by default a value that suits the method, the backbone and its weights. It is printed and
        saved with the run.
    min_lr : float
        Final learning rate of the cosine schedule, e.g. 1e-6.
    weight_decay : float
        Weight decay of AdamW.
    layer_decay : float
        Ratio of the learning rates of successive blocks of the image encoder, lowest at the input; 1 for equal rates.
    patience : int
        Stop after this many epochs of the last stage without a better validation score; 0 to never stop early.
    stopping : str
        Stopping rule: best (see --patience), or loss-margin, which stops after the third epoch whose validation loss
        exceeds the lowest so far by more than 0.03.
    select : str
        Epoch of the last stage to keep: best, by the validation score, or last, which also trains for all epochs
        whatever the score.
    augment : str
        Random changes of the training images: none; flips (mirrored, turned by multiples of 90 degrees); standard
        (any angle, a little zoom, shift and brightness); survey (other fields of view, colours, stretches, seeing
        and noise, for images of other telescopes); or survey-mild (about half as strong as survey).
    contrast : str
        Negatives of the contrastive losses: instance (as in the paper) or class.
    score : str
        Classify by similarity to the prompt, the symbol, or both.
    class_weights : str
        Class weights: none, or inverse to the frequency of the class.
    label_smoothing : float
        Fraction of each target that is spread over all classes; for methods with cross-entropy.
    calibrate : bool
        Fit a temperature on the validation split, so that the probabilities that classify writes are calibrated.
    readouts : bool
        Also score other ways to classify by the trained features: prompt, symbol, both, logistic regression and nearest
        neighbours; metrics.json has the scores under readouts.
    dropout : float
        Dropout rate before the votes head, such as 0.2; classify --passes then gives the spread of its predictions.
    ema : float
        Decay of an exponential moving average of the weights, which is then validated and saved, e.g. 0.999; 0 for
        none.
    image_size : int, optional
        Side, in pixels, of the input images of the backbone; by default the backbone's own. Convolutional networks take
        any multiple of 32; more pixels show finer detail, such as thin discs, and take longer.
    crop : float
        Fraction of the side of the image to keep, about the centre.
    size_arcsec : float, optional
        Side, in arcsec, of the central square to use, cut at the pixel scale of each image; classify then uses the
        same.
    stretch : str
        Brightness stretch of FITS data: auto, linear, asinh, log, zscale, lupton or radio; or with options
        asinh:softening=3.
    seed : int
        Random seed of the split, the order, the augmentation and the random weights.
    {precision}
        It applies to the training steps; scores and the temperature are always computed in fp32.
    accumulate : int
        Number of parts to split each batch into: the same gradient with less memory.
    checkpointing : bool
        Recompute activations for the gradient instead of storing them; less memory, more time.
    compile : bool
        Compile the image encoder with torch.compile.
    {device}
    tensorboard : bool
        Also write the history for TensorBoard.
    resume : Path, optional
        Resume an interrupted run, using the settings saved with it.
    overwrite : bool
        Empty an existing run directory first.
    {progress}

    Returns
    -------
    FinetuneResult
        Metrics on the validation split, and the paths of the run and of the model.

    Raises
    ------
    GalaxtoolError
        If the data, the settings or the output cannot be used.
    KeyboardInterrupt
        After Ctrl-C, once the run has been saved.
    """
    require("torch", why="Training", install="torch")
    from galaxtool.finetuning.run import run_finetune

    config = FinetuneConfig(
        dataset=dataset, output=output, method=method, option=option, backbone=backbone, text_encoder=text_encoder,
        channels=channels, head=head, votes=str(votes) if votes else None, target=target, taxonomy=taxonomy,
        symbols=symbols, where=where, weight=weight, noisy=noisy, image_column=image_column, label_column=label_column,
        ra_column=ra_column, dec_column=dec_column,
        table=table, hdu=hdu, bands=bands, pattern=pattern, mask_hdu=mask_hdu,
        weight_hdu=weight_hdu, pixel_scale=pixel_scale, pixels=pixels, all_classes=all_classes,
        recipe=str(recipe) if recipe else None, data=data, fraction=fraction, split=split,
        valid_fraction=valid_fraction, test_fraction=test_fraction, separation=separation, epochs=epochs,
        warmup_epochs=warmup_epochs, batch_size=batch_size, lr=lr, min_lr=min_lr, weight_decay=weight_decay,
        layer_decay=layer_decay, patience=patience, stopping=stopping, select=select, augment=augment,
        contrast=contrast, score=score, class_weights=class_weights, label_smoothing=label_smoothing,
        calibrate=calibrate, readouts=readouts, dropout=dropout, ema=ema, image_size=image_size, crop=crop,
        size_arcsec=size_arcsec, stretch=stretch, seed=seed, precision=precision, accumulate=accumulate,
        checkpointing=checkpointing, compile=compile, device=device, tensorboard=tensorboard,
    )  # fmt: skip
    return run_finetune(config, resume=resume, overwrite=overwrite, progress=progress)
