"""Check the settings of ``finetune``, and make the options of the trainer, the method and the head from them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from galaxtool.errors import ConfigError
from galaxtool.evaluation.prior import INVERSE, TRAINING, UNIFORM
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.plugins.options import OptionValue, parse_options
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import HeadSpec, MethodSpec
from galaxtool.training.options import TrainOptions
from galaxtool.training.stopping import RULES
from galaxtool.utils.config import check_choice

DEFAULT_EPOCHS = 20
DEFAULT_WARMUP_EPOCHS = 11

MAX_IMAGE_SIZE = 2048
"""The largest images that a network is trained on."""

_MINIMA = {
    "batch_size": 2, "epochs": 1, "warmup_epochs": 0, "patience": 0, "seed": 0, "accumulate": 1, "image_size": 8,
}  # fmt: skip
_CHOICES = {
    "contrast": ("instance", "class"),
    "score": ("prompt", "symbol", "both"),
    "class_weights": ("none", "inverse"),
    "select": ("best", "last"),
    "augment": ("none", "flips", "standard", "survey-mild", "survey"),
    "stopping": RULES,
}
_NEEDED = (
    # setting, values that any method can have, what the method must need for the others, and what such methods do
    ("contrast", ("instance",), "text", "compare images with prompts"),
    ("score", ("both", "prompt"), "symbols", "compare images with symbols"),
    ("class_weights", ("none",), "labels", "learn from labels"),
)
_NUMBERS = (
    # kind of labels, setting, what a head needs, what to give, and what there is instead of classes
    ("votes", "votes", "the questions and answers of a decision tree", "gz2, gz-decals or a TOML file", "answers"),
    ("values", "target", "the name of a column of numbers", "COLUMN, such as redshift", "quantities"),
)


def check_config(config: FinetuneConfig) -> None:
    """Raise `ConfigError` for a value that no training can use."""
    config.reading_options()  # which checks its own values
    for name, choices in _CHOICES.items():
        check_choice(name.replace("_", "-"), getattr(config, name), choices)
    for name, least in _MINIMA.items():
        value = getattr(config, name)
        _require(value is None or value >= least, name, value, f"at least {least}")
    for name in ("fraction", "crop", "layer_decay"):
        value = getattr(config, name)
        _require(0 < value <= 1, name, value, "above 0 and at most 1")
    for name in ("label_smoothing", "ema", "dropout"):
        value = getattr(config, name)
        _require(0 <= value < 1, name, value, "at least 0 and below 1")
    size = config.image_size
    _require(size is None or size <= MAX_IMAGE_SIZE, "image_size", size, f"at most {MAX_IMAGE_SIZE}")
    lr, decay, separation = config.lr, config.weight_decay, config.separation
    _require(0 <= separation < math.inf, "separation", separation, "a number of arcseconds, at least 0")
    _require(0 < config.valid_fraction < 1, "valid_fraction", config.valid_fraction, "between 0 and 1")
    left = 1 - config.valid_fraction
    _require(0 <= config.test_fraction < left, "test_fraction", config.test_fraction, f"at least 0 and below {left:g}")
    _require(lr is None or 0 < lr < math.inf, "lr", lr, "a number above 0")
    _require(0 <= config.min_lr < math.inf, "min_lr", config.min_lr, "a number of at least 0")
    _require(0 <= decay < math.inf, "weight_decay", decay, "a number of at least 0")
    _require(config.seed < 2**63, "seed", config.seed, "below 2^63")


def _require(holds: bool, name: str, value: float | None, expected: str) -> None:
    if not holds:
        raise ConfigError(f"--{name.replace('_', '-')} is {value}; it must be {expected}.")


def choose_head(method: MethodSpec, config: FinetuneConfig) -> HeadSpec:
    """Return the head that the trained model will have.

    Raises
    ------
    ConfigError
        If the method cannot train that head, or the head does not learn from what is given: classes, votes or the
        values of columns; also if a setting does not apply to the method.
    """
    registry = get_registry()
    name = config.head or ("votes" if config.votes else "regression" if config.target else method.head)
    head = registry.heads.find(name).spec
    if not method.can_train(head):
        heads = [spec.name for spec in registry.heads.specs() if method.can_train(spec)]
        raise ConfigError(
            f"The method '{method.name}' cannot train the head '{name}'.",
            hint=f"Heads that it can train: {', '.join(sorted(heads, key=lambda one: one != method.head))}.",
        )
    _check_kind_of_labels(head, config)
    _check_method_settings(method, config)
    return head


def _check_kind_of_labels(head: HeadSpec, config: FinetuneConfig) -> None:
    """Raise `ConfigError` if a head does not learn from what the settings name: classes, votes or values."""
    if config.votes and config.target:
        raise ConfigError("--votes and --target cannot be learned at once.", hint="Train a model for each.")
    for kind, name, need, give, instead in _NUMBERS:
        given = getattr(config, name)
        if kind in head.label_kinds and "class" not in head.label_kinds and not given:
            raise ConfigError(f"The head '{head.name}' needs {need}.", hint=f"Give --{name} {give}.")
        if not given:
            continue
        if kind not in head.label_kinds:
            raise ConfigError(
                f"The head '{head.name}' does not learn from {kind}.", hint=f"Leave --{name} or --head out."
            )
        if config.readouts:
            raise ConfigError(
                f"--readouts cannot be used with {kind}, which have no classes.", hint="Leave one of them out."
            )
        if config.taxonomy or config.symbols:
            raise ConfigError(
                f"{kind.capitalize()} have {instead} instead of classes.",
                hint=f"Leave --taxonomy and --symbols out, or --{name}.",
            )


def _check_method_settings(method: MethodSpec, config: FinetuneConfig) -> None:
    """Raise `ConfigError` for a setting of a loss or a score that the method does not have."""
    for name, always, need, what in _NEEDED:
        value = getattr(config, name)
        if value not in always and need not in method.needs:
            raise ConfigError(
                f"--{name.replace('_', '-')} {value} is for methods that {what}; '{method.name}' does not.",
                hint="Leave it out, or choose another --method.",
            )
    if config.label_smoothing and method.head != "linear":
        raise ConfigError(
            f"--label-smoothing is for cross-entropy, which '{method.name}' does not use.",
            hint="Leave it out, or use --method supervised.",
        )


def parse_method_options(method: MethodSpec, given: Sequence[str]) -> dict[str, OptionValue]:
    """Parse the ``NAME=VALUE`` options of a method, and fill in the defaults of the others.

    Raises
    ------
    UnknownName
        If the method has no such option.
    ConfigError
        If a value does not have the option's type.
    """
    return parse_options(f"the method '{method.name}'", method.options, given, note="See `galaxtool methods`.")


def find_scores_prior(head: str, contrast: str, class_weights: str) -> str:
    """Return the class frequencies that the probabilities of a trained head assume.

    Parameters
    ----------
    head : str
        Registered name of the head.
    contrast : {"instance", "class"}
        Negatives of the loss of a prompt head. With the other items as negatives, it is a balanced softmax (Ren et al.
        2020, arXiv:2007.10740): frequent classes are compared against more often, so that the scores assume equal
        shares.
    class_weights : {"none", "inverse"}
        Weights of the items. With ``inverse``, all classes have equal shares in the loss.

    Returns
    -------
    str
        A mix of `galaxtool.evaluation.prior`. A balanced softmax with inverse weights corrects twice, so its scores
        assume the inverse of the training frequencies.
    """
    corrections = (head == "prompt" and contrast == "instance") + (class_weights == "inverse")
    return (TRAINING, UNIFORM, INVERSE)[corrections]


def _find_trained_head(method: MethodSpec, config: FinetuneConfig) -> str:
    """Return the name of the head that the training validates: the method's own if a fitted one replaces it."""
    if config.head is None or get_registry().heads.find(config.head).spec.fitted:
        return method.head
    return config.head


def make_train_options(config: FinetuneConfig, method: MethodSpec, *, lr: float, precision: str) -> TrainOptions:
    """Return the options of the trainer, with defaults for the settings that were not given.

    Parameters
    ----------
    config : FinetuneConfig
    method : MethodSpec
        The method, whose number of stages decides some defaults.
    lr : float
        Peak learning rate.
    precision : {"fp32", "bf16", "fp16"}
        Precision of the training on the chosen device.
    """
    epochs = config.epochs or DEFAULT_EPOCHS
    warmup = config.warmup_epochs
    if warmup is None:
        longest = epochs if method.lengths == ("warmup_epochs",) else DEFAULT_WARMUP_EPOCHS
        warmup = min(longest, epochs) if config.epochs else DEFAULT_WARMUP_EPOCHS
    return TrainOptions(
        epochs=epochs,
        warmup_epochs=warmup,
        batch_size=config.batch_size,
        lr=lr,
        min_lr=config.min_lr,
        weight_decay=config.weight_decay,
        layer_decay=config.layer_decay,
        contrast=config.contrast,
        score=config.score,
        class_weights=config.class_weights,
        scores_prior=find_scores_prior(_find_trained_head(method, config), config.contrast, config.class_weights),
        label_smoothing=config.label_smoothing,
        patience=config.patience,
        stopping=config.stopping,
        select=config.select,
        dropout=config.dropout,
        ema=config.ema,
        accumulate=config.accumulate,
        checkpointing=config.checkpointing,
        compile=config.compile,
        seed=config.seed,
        precision=precision,
        method=parse_method_options(method, config.option),
    )
