"""The settings of ``finetune``: whether they can be meant, and what the trainer makes of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from galaxtool.errors import ConfigError, UnknownName
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import HeadSpec, MethodOption, MethodSpec
from galaxtool.utils.config import one_of

if TYPE_CHECKING:
    from galaxtool.inference.input_options import InputOptions
    from galaxtool.training.options import TrainOptions

READING = ("hdu", "bands", "mask_hdu", "weight_hdu", "pixel_scale")
"""Settings that say how files are read."""

DEFAULT_EPOCHS = 20
DEFAULT_WARMUP_EPOCHS = 11

_LEAST = {"batch_size": 2, "epochs": 1, "warmup_epochs": 0, "patience": 0, "seed": 0, "accumulate": 1}
_CHOICES = {
    "contrast": ("instance", "class"),
    "score": ("prompt", "symbol", "both"),
    "class_weights": ("none", "inverse"),
    "stopping": ("best", "paper-002"),
}
_ALWAYS = {"score": ("prompt",)}
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def input_options(settings: Mapping[str, Any]) -> InputOptions:
    """Return how images are read and shown.

    Raises
    ------
    ConfigError
        If a number is not above zero.
    """
    from galaxtool.inference.input_options import InputOptions

    return InputOptions(**{name: settings[name] for name in (*READING, "pattern", "size_arcsec", "stretch")})


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raise `ConfigError` for a value that no training can use."""
    input_options(settings)
    for name, choices in _CHOICES.items():
        one_of(name.replace("_", "-"), settings[name], choices)
    for name, least in _LEAST.items():
        value = settings[name]
        if value is not None and value < least:
            raise ConfigError(f"--{name.replace('_', '-')} is {value}; it must be at least {least}.")
    for name in ("fraction", "crop", "layer_decay"):
        if not 0 < settings[name] <= 1:
            raise ConfigError(f"--{name.replace('_', '-')} is {settings[name]}; it must be above 0 and at most 1.")
    for name in ("label_smoothing", "ema"):
        if not 0 <= settings[name] < 1:
            raise ConfigError(f"--{name.replace('_', '-')} is {settings[name]}; it must be at least 0 and below 1.")
    if not 0 <= settings["separation"] < math.inf:
        raise ConfigError(f"--separation is {settings['separation']}; it must be a number of arcseconds, at least 0.")
    if not 0 < settings["valid_fraction"] < 1:
        raise ConfigError(f"--valid-fraction is {settings['valid_fraction']}; it must be between 0 and 1.")
    if settings["lr"] is not None and not 0 < settings["lr"] < math.inf:
        raise ConfigError(f"--lr is {settings['lr']}; it must be a number above 0.")
    if not 0 <= settings["weight_decay"] < math.inf:
        raise ConfigError(f"--weight-decay is {settings['weight_decay']}; it must be a number of at least 0.")
    if settings["seed"] >= 2**63:
        raise ConfigError(f"--seed is {settings['seed']}; it must be below 2^63.")


def choose_head(method: MethodSpec, settings: Mapping[str, Any]) -> HeadSpec:
    """Return the head that the trained model is to have.

    Raises
    ------
    ConfigError
        If the method cannot train it, or it learns from votes and no schema is given, or the other way round.
    """
    registry = get_registry()
    name = settings["head"] or ("votes" if settings["votes"] else method.head)
    head = registry.heads.find(name).spec
    if name not in (method.head, *method.heads) and not head.fitted:
        fitted = [spec.name for spec in registry.heads.specs() if spec.fitted]
        raise ConfigError(
            f"The method '{method.name}' trains no head '{name}'.",
            hint=f"Heads that go with it: {', '.join(dict.fromkeys([method.head, *method.heads, *fitted]))}.",
        )
    if "votes" in head.label_kinds and not settings["votes"]:
        raise ConfigError(
            "The head 'votes' must know the questions and answers.", hint="Give --votes gz2, gz-decals or a TOML file."
        )
    if settings["votes"] and "votes" not in head.label_kinds:
        raise ConfigError(f"The head '{name}' does not learn from votes.", hint="Leave --votes or --head out.")
    if settings["votes"] and (settings["taxonomy"] or settings["symbols"]):
        raise ConfigError("Votes have answers for classes.", hint="Leave --taxonomy and --symbols out, or --votes.")
    for option, default, needed, what in (
        ("contrast", "instance", "text", "compare images with prompts"),
        ("score", "both", "symbols", "compare images with symbols"),
        ("class_weights", "none", "labels", "learn from labels"),
    ):
        if settings[option] not in (default, *_ALWAYS.get(option, ())) and needed not in method.needs:
            flag = f"--{option.replace('_', '-')} {settings[option]}"
            raise ConfigError(
                f"{flag} is for methods that {what}; '{method.name}' does not.",
                hint="Leave it out, or choose another --method.",
            )
    if settings["label_smoothing"] and method.head != "linear":
        raise ConfigError(
            f"--label-smoothing is for cross-entropy, which '{method.name}' does not use.",
            hint="Leave it out, or use --method supervised.",
        )
    return head


def method_options(method: MethodSpec, given: Sequence[str]) -> dict[str, Any]:
    """Read ``NAME=VALUE`` settings of a method's own, and fill in the others' defaults.

    Raises
    ------
    UnknownName
        If the method has no such setting.
    ConfigError
        If a value is not of the setting's type.
    """
    known = {option.name: option for option in method.options}
    found = {name: option.default for name, option in known.items()}
    for text in given:
        name, equals, value = text.partition("=")
        if name not in known:
            raise UnknownName(f"option of the method '{method.name}'", name, known, note="See `galaxtool methods`.")
        if not equals:
            raise ConfigError(f"--option {text} has no value.", hint=f"Write --option {name}={known[name].default}.")
        found[name] = _typed(known[name], value)
    return found


def _typed(option: MethodOption, text: str) -> int | float | bool | str:
    kind = type(option.default)
    try:
        if kind is bool:
            return {**dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False)}[text.lower()]
        return kind(text)
    except (ValueError, KeyError):
        wanted = {bool: "true or false", int: "a whole number", float: "a number"}[kind]
        raise ConfigError(f"--option {option.name}={text}: it must be {wanted}.") from None


def train_options(
    settings: Mapping[str, Any], method: MethodSpec, *, suggested_lr: float, precision: str
) -> TrainOptions:
    """Return the trainer's settings, with what was not given filled in."""
    from galaxtool.training.options import TrainOptions

    epochs = settings["epochs"] or DEFAULT_EPOCHS
    warmup = settings["warmup_epochs"]
    if warmup is None:
        longest = epochs if method.lengths == ("warmup_epochs",) else DEFAULT_WARMUP_EPOCHS
        warmup = min(longest, epochs) if settings["epochs"] else DEFAULT_WARMUP_EPOCHS
    same = (
        "batch_size", "weight_decay", "layer_decay", "contrast", "score", "class_weights", "label_smoothing",
        "patience", "stopping", "ema", "accumulate", "checkpointing", "compile", "seed",
    )  # fmt: skip
    return TrainOptions(
        epochs=epochs,
        warmup_epochs=warmup,
        lr=settings["lr"] or method.lr or suggested_lr,
        precision=precision,
        method=method_options(method, settings["option"]),
        **{key: settings[key] for key in same},
    )
