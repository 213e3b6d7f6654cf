"""From the settings of ``finetune`` to the task that a method is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from galaxtool.errors import ConfigError, InputError, OfflineError, TrainingError
from galaxtool.finetuning.settings import choose_head, input_options, method_options, train_options
from galaxtool.plugins.registry import Registry, get_registry
from galaxtool.plugins.specs import HeadSpec, MethodSpec
from galaxtool.types import Progress

if TYPE_CHECKING:
    from galaxtool.backbones.create import BackboneName
    from galaxtool.finetuning.data import LabeledImages
    from galaxtool.training.task import Task
    from galaxtool.vision.preprocess import Preprocess

DEFAULT_DATASET = "sample:n=1200"  # done within five minutes on two cores
DEFAULT_TEXT_ENCODER = "clip-vit-16"
UNFIT = 10  # unreadable images that are named one by one


@dataclass(frozen=True)
class TrainingSetup:
    """What is known before anything is written.

    Parameters
    ----------
    labelled : Labelled
    backbone : BackboneName
    text_encoder : BackboneName or None
        Whose text encoder is borrowed.
    method : MethodSpec
    head : HeadSpec
    """

    labelled: LabeledImages
    backbone: BackboneName
    text_encoder: BackboneName | None
    method: MethodSpec
    head: HeadSpec


def prepare(settings: Mapping[str, Any]) -> TrainingSetup:
    """Find the method, the head, the backbone and the data, and raise for whatever cannot be trained."""
    from galaxtool.backbones.create import parse_name
    from galaxtool.backbones.weights import locate
    from galaxtool.finetuning.data import gather_labelled
    from galaxtool.inference.input_options import stretch_of
    from galaxtool.vision.device import choose_device, choose_precision

    options = input_options(settings)
    stretch_of(settings["stretch"])
    choose_precision(settings["precision"], choose_device(settings["device"]))
    registry = get_registry()
    method = registry.methods.find(settings["method"]).spec
    head = choose_head(method, settings)
    method_options(method, settings["option"])
    name = parse_name(settings["backbone"], registry)
    if name.weights:
        locate(name.weights, str(name), registry)
    text_encoder = _text_encoder(settings, method, name, registry)
    keys = (
        "taxonomy", "symbols", "votes", "where", "weight", "image_column", "label_column", "all_classes", "fraction",
        "split", "valid_fraction", "separation", "seed",
    )  # fmt: skip
    labelled = gather_labelled(
        [str(d) for d in settings["dataset"]] or [DEFAULT_DATASET],
        needs_labels="labels" in method.needs,
        reading=options.reading,
        pattern=options.pattern,
        **{key: settings[key] for key in keys},
    )
    if "symbols" in method.needs:
        lacking = [c.slug for c in labelled.taxonomy.classes if c.symbol is None]
        if lacking:
            raise InputError(
                f"The method '{method.name}' needs a symbol for every class and has none for {', '.join(lacking)}.",
                hint="Give a folder with one image for each class, --symbols DIR, or use --method clip.",
            )
    if not any(labelled.slugs) and labelled.votes is None:
        head = registry.heads.find("none").spec
    return TrainingSetup(labelled, name, text_encoder, method, head)


def _text_encoder(
    settings: Mapping[str, Any], method: MethodSpec, name: BackboneName, registry: Registry
) -> BackboneName | None:
    """Return the backbone whose text encoder is borrowed, if one is."""
    from galaxtool.backbones.create import parse_text_encoder
    from galaxtool.backbones.weights import locate

    given, needed = settings["text_encoder"], "text" in method.needs
    if given and not needed:
        raise ConfigError(f"The method '{method.name}' uses no text.", hint="Leave --text-encoder out.")
    if not given and (name.spec.text or not needed):
        return None
    borrowed = parse_text_encoder(given or DEFAULT_TEXT_ENCODER, name, registry)
    if borrowed.weights:
        try:
            locate(borrowed.weights, str(borrowed), registry)
        except OfflineError as error:
            raise OfflineError(
                f"The method '{method.name}' needs a text encoder, '{name.spec.name}' has none, and the one of "
                f"{borrowed} is not on this machine: {borrowed.weights.uri}.",
                hint=f"Fetch that file and pass it: --text-encoder {borrowed.spec.name}@/path/to/file; or use the "
                "small one that comes with galaxtool: --text-encoder mini; or --method supervised.",
            ) from error
    return borrowed


def make_task(settings: Mapping[str, Any], prepared: TrainingSetup, log: Progress) -> Task:
    """Load the backbone, read the pictures and put together what the method is given."""
    log.say(f"Loading the backbone {prepared.backbone} ...")
    import torch

    from galaxtool.backbones.create import create_backbone
    from galaxtool.finetuning.pictures import read_pictures
    from galaxtool.taxonomy.symbols import load_symbols
    from galaxtool.training import distributed
    from galaxtool.training.task import Task
    from galaxtool.vision.device import choose_device, choose_precision
    from galaxtool.vision.preprocess import to_channels

    torch.manual_seed(settings["seed"])
    # of several processes each has its own GPU, the current one
    shared = distributed.size() > 1 and torch.cuda.is_available() and settings["device"].startswith(("auto", "cuda"))
    own = "cuda" if shared else ""
    device = choose_device(own or settings["device"])
    channels = channel_names(settings["channels"])
    text_encoder = prepared.text_encoder and str(prepared.text_encoder)
    backbone = create_backbone(prepared.backbone, channels=len(channels), text_encoder=text_encoder).to(device)
    preprocess = _preprocess(settings, prepared.backbone, backbone, channels)
    precision = choose_precision(settings["precision"], device)
    log.say(f"{_counted(prepared.labelled)}; on {device} in {precision}.")
    train, bad = read_pictures(prepared.labelled, "train", preprocess, log)
    valid, also_bad = read_pictures(prepared.labelled, "valid", preprocess, log)
    for problem in (bad + also_bad)[:UNFIT]:
        log.say(f"Left out: {problem}")
    if len(bad + also_bad) > UNFIT:
        log.say(f"Left out: {len(bad + also_bad) - UNFIT} more images that cannot be read.")
    symbols = None
    if "symbols" in prepared.method.needs:
        drawn = to_channels(load_symbols(prepared.labelled.taxonomy, preprocess.size), len(channels))
        symbols = torch.from_numpy(drawn).to(device)
    options = train_options(
        settings, prepared.method, suggested_lr=getattr(backbone, "suggested_lr", 1e-4), precision=precision
    )
    registry = get_registry()
    make_objective = registry.heads.find(prepared.head.name).load(prepared.head.objective)
    return Task(
        backbone=backbone,
        taxonomy=prepared.labelled.taxonomy,
        preprocess=preprocess,
        train=train,
        valid=valid,
        symbols=symbols,
        device=device,
        options=options,
        objective=make_objective(taxonomy=prepared.labelled.taxonomy, options=options, targets=train.targets),
        # a fitted head comes after the training, in which the method's own learns
        head=prepared.method.head if prepared.head.fitted else prepared.head.name,
    )


def channel_names(text: str) -> tuple[str, ...]:
    """Read ``rgb``, ``gray`` or names of bands such as ``g,r,i,z``.

    Raises
    ------
    ConfigError
        If a name is empty or given twice.
    """
    if text.lower() in ("rgb", "gray"):
        return ("R", "G", "B") if text.lower() == "rgb" else ("gray",)
    names = tuple(name.strip() for name in text.split(","))
    if not all(names) or len(set(names)) < len(names):
        raise ConfigError(f"--channels {text} names no bands.", hint="Write rgb, gray, or bands such as g,r,i,z.")
    return names


def _preprocess(
    settings: Mapping[str, Any], name: BackboneName, backbone: Any, channels: tuple[str, ...]
) -> Preprocess:
    from galaxtool.vision.preprocess import Preprocess

    weights = name.weights
    # what a hub's files say of the weights is known when they are loaded
    own = getattr(backbone, "image", backbone)
    plain = Preprocess(
        size=backbone.image_size,
        crop=settings["crop"],
        mean=getattr(own, "mean", None) or (weights and weights.mean) or name.spec.mean,
        std=getattr(own, "std", None) or (weights and weights.std) or name.spec.std,
        channels=channels,
    )
    return input_options(settings).shown(plain)


def _counted(labelled: LabeledImages) -> str:
    counts = labelled.counts()
    shown = ", ".join(f"{sum(c.values())} {split}" for split, c in counts.items())
    if "train" not in counts:
        raise TrainingError("No image is left to train on.", hint="Check --where and the given splits.")
    if labelled.votes is not None:
        return f"{shown} images with votes for {len(labelled.taxonomy)} answers"
    return f"{shown} images of {len(labelled.taxonomy)} classes"
