"""The choice of a training method where the user leaves it open: ``--method auto``."""

from __future__ import annotations

from dataclasses import dataclass, replace

from galaxtool.backbones.create import parse_name, parse_text_encoder
from galaxtool.backbones.weights.load import locate_weights
from galaxtool.errors import OfflineError
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.finetuning.data import LabeledImages, gather_labeled
from galaxtool.plugins.registry import Registry, get_registry

AUTO = "auto"
DEFAULT_TEXT_ENCODER = "clip-vit-16"

_WITH_SYMBOLS, _WITHOUT = "galaxalign", "supervised"
_MAX_LISTED = 5


@dataclass(frozen=True, slots=True)
class MethodChoice:
    """A training method, chosen by the user or by `choose_method`.

    Parameters
    ----------
    config : FinetuneConfig
        The settings with the name of the method.
    labeled : LabeledImages or None
        The data, if the choice needed them.
    note : str
        What was chosen and why; empty if the user chose.
    """

    config: FinetuneConfig
    labeled: LabeledImages | None = None
    note: str = ""


def choose_method(config: FinetuneConfig) -> MethodChoice:
    """Choose ``galaxalign`` if every class has a prompt and a symbol, else ``supervised``; see `MethodChoice`.

    Raises
    ------
    GalaxtoolError
        As `galaxtool.finetuning.data.gather_labeled`.
    """
    if config.method != AUTO:
        return MethodChoice(config)
    registry = get_registry()
    if config.votes is not None:
        return _choose(config, _WITHOUT, "galaxalign does not learn votes")
    if config.target:
        return _choose(config, _WITHOUT, "galaxalign does not learn numbers")
    if config.head is not None and not _can_train(registry, config.head):
        return _choose(config, _WITHOUT, f"galaxalign does not train the head '{config.head}'")
    labeled = gather_labeled(config)
    classes = labeled.taxonomy.classes
    lacking = [item.slug for item in classes if item.symbol is None]
    if lacking and config.symbols is None:
        shown = ", ".join(lacking[:_MAX_LISTED]) + (", ..." if len(lacking) > _MAX_LISTED else "")
        reason = f"{len(lacking)} of the {len(classes)} classes have no symbol ({shown})"
        more = (
            " A folder with a drawing of each class, --symbols DIR, makes it galaxalign, which also finds images by "
            "words and drawings."
        )
        return _choose(config, _WITHOUT, reason, labeled, more)
    if not _has_text(config, registry):
        reason = f"'{config.backbone}' has no text encoder, and that of {DEFAULT_TEXT_ENCODER} is not on this machine"
        return _choose(config, _WITHOUT, reason, labeled, " With --text-encoder mini it would be galaxalign.")
    return MethodChoice(replace(config, method=_WITH_SYMBOLS), labeled)


def _choose(
    config: FinetuneConfig, method: str, reason: str, labeled: LabeledImages | None = None, more: str = ""
) -> MethodChoice:
    return MethodChoice(replace(config, method=method), labeled, f"Training by the method '{method}': {reason}.{more}")


def _can_train(registry: Registry, head: str) -> bool:
    """Tell whether galaxalign can train a head."""
    spec = registry.methods.find(_WITH_SYMBOLS).spec
    return head in (spec.head, *spec.heads) or registry.heads.find(head).spec.fitted


def _has_text(config: FinetuneConfig, registry: Registry) -> bool:
    """Tell whether there is a text encoder: that of the backbone, one that the user names, or the default one."""
    backbone = parse_name(config.backbone, registry)
    if backbone.spec.text or config.text_encoder:
        return True
    borrowed = parse_text_encoder(DEFAULT_TEXT_ENCODER, backbone, registry)
    if borrowed.weights:
        try:
            locate_weights(borrowed.weights, str(borrowed), registry)
        except OfflineError:
            return False
    return True
