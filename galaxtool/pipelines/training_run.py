"""One training within its run directory, begun or resumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxtool.errors import ConfigError, GalaxtoolError, InputError, TrainingError
from galaxtool.registry import get_registry
from galaxtool.specs import MethodSpec
from galaxtool.types import Progress

if TYPE_CHECKING:
    from galaxtool.backbones.create import BackboneName
    from galaxtool.pipelines.training_data import Labelled
    from galaxtool.runs import RunDirectory
    from galaxtool.training.task import Task
    from galaxtool.training.trainer import Outcome
    from galaxtool.vision.preprocess import Preprocess

DEFAULT_DATASET = "sample:n=1200"  # done within five minutes on two cores
DEFAULT_EPOCHS = 20
DEFAULT_WARMUP_EPOCHS = 11


@dataclass(frozen=True)
class FinetuneResult:
    """What a training left.

    Parameters
    ----------
    run, model : Path
        The run directory and the model directory in it.
    metrics : dict
        On the validation split, as in ``metrics.json``.
    classes : list of str
        In the order of the model's outputs.
    """

    run: Path
    model: Path
    metrics: dict[str, Any]
    classes: list[str]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"run": str(self.run), "model": str(self.model), "classes": self.classes, "metrics": self.metrics}


@dataclass(frozen=True)
class Prepared:
    """What is known before anything is written."""

    labelled: Labelled
    backbone: BackboneName
    method: MethodSpec


def prepare(settings: Mapping[str, Any]) -> Prepared:
    """Find the method, the backbone and the data, and raise for whatever cannot be trained."""
    from galaxtool.backbones.create import parse_name
    from galaxtool.backbones.weights import locate
    from galaxtool.io.stretch import Stretch
    from galaxtool.pipelines.training_data import gather_labelled
    from galaxtool.vision.device import choose_device, choose_precision

    Stretch(name=settings["stretch"])
    choose_precision(settings["precision"], choose_device(settings["device"]))
    registry = get_registry()
    method = registry.find("method", settings["method"]).spec
    assert isinstance(method, MethodSpec)
    name = parse_name(settings["backbone"], registry)
    if name.weights:
        locate(name.weights, str(name), registry)
    if "text" in method.needs and not name.spec.text:
        raise ConfigError(
            f"The method '{method.name}' needs a text encoder, and the backbone '{name.spec.name}' has none.",
            hint="Choose a backbone whose text column says yes in `galaxtool backbones`, or --method supervised.",
        )
    keys = (
        "taxonomy", "symbols", "where", "weight", "image_column", "label_column", "all_classes", "fraction",
        "valid_fraction", "seed",
    )  # fmt: skip
    labelled = gather_labelled(
        [str(d) for d in settings["dataset"]] or [DEFAULT_DATASET], **{key: settings[key] for key in keys}
    )
    if "symbols" in method.needs:
        lacking = [c.slug for c in labelled.taxonomy.classes if c.symbol is None]
        if lacking:
            raise InputError(
                f"The method '{method.name}' needs a symbol for every class and has none for {', '.join(lacking)}.",
                hint="Give a folder with one image for each class, --symbols DIR, or use --method clip.",
            )
    return Prepared(labelled, name, method)


def create_run(settings: Mapping[str, Any], sources: Mapping[str, str], overwrite: bool) -> RunDirectory:
    """Make the run directory, by default one with the time in its name."""
    from galaxtool.runs import RunDirectory, utc_now

    stamp = utc_now().replace(":", "").replace("-", "")
    out = Path(settings["out"] or Path("runs") / f"{stamp}-{settings['method']}")
    return RunDirectory.create(out, command="finetune", config=settings, sources=sources, overwrite=overwrite)


def resume_run(path: Path, progress: Progress) -> FinetuneResult:
    """Go on with an unfinished run, by the settings in its manifest."""
    from dataclasses import replace

    from galaxtool.pipelines.training_data import read_split
    from galaxtool.runs import RunDirectory

    run = RunDirectory.open(path)
    try:
        settings = {key: entry["value"] for key, entry in run.manifest["config"].items()}
        settings["symbols"] = Path(settings["symbols"]) if settings["symbols"] else None
        prepared = prepare(settings)
        if (path / "split.csv").exists():
            prepared = replace(prepared, labelled=read_split(path / "split.csv", prepared.labelled))
    except BaseException:
        run.finish("interrupted")
        raise
    return train(run, settings, prepared, progress, resume=True)


def train(
    run: RunDirectory, settings: Mapping[str, Any], prepared: Prepared, progress: Progress, *, resume: bool
) -> FinetuneResult:
    """Train within a run directory, and leave its manifest true however it ends."""
    from galaxtool.pipelines.logged import Logged

    registry = get_registry()
    log = Logged(progress, run.path / "log.txt")
    for complaint in registry.plugins.observe("run_started", manifest=run.manifest):
        log.say(f"Warning: {complaint}")
    status = "failed"
    try:
        result = _train_inside(run, settings, prepared, log, resume=resume)
        status = "done"
    except KeyboardInterrupt:
        status = "interrupted"
        log.say(f"Interrupted. Go on with: galaxtool finetune --resume {run.path}")
        raise
    except GalaxtoolError as error:
        log.say(f"Failed: {error.message}")
        raise
    finally:
        run.finish(status)
        for complaint in registry.plugins.observe("run_finished", manifest=run.manifest):
            log.say(f"Warning: {complaint}")
    return result


def _train_inside(
    run: RunDirectory, settings: Mapping[str, Any], prepared: Prepared, log: Progress, *, resume: bool
) -> FinetuneResult:
    from galaxtool.pipelines.training_data import write_split
    from galaxtool.pipelines.training_report import finish_run, note_inputs
    from galaxtool.training.trainer import Trainer

    labelled = prepared.labelled
    write_split(run.path / "split.csv", labelled)
    note_inputs(run, settings, labelled)
    task = _make_task(settings, prepared, log)
    run.manifest["device"] = f"{task.device}, {task.options.precision}"
    run.save()
    registry = get_registry()
    stages = registry.factory(registry.find("method", prepared.method.name))(task)
    outcome: Outcome = Trainer(task, stages, run.path, log).fit(resume=resume)
    metrics = finish_run(run, settings, task, outcome, labelled, prepared.backbone, prepared.method)
    return FinetuneResult(run.path, run.path / "model", metrics, list(labelled.taxonomy.slugs))


def _make_task(settings: Mapping[str, Any], prepared: Prepared, log: Progress) -> Task:
    log.say(f"Loading the backbone {prepared.backbone} ...")
    import torch

    from galaxtool.backbones.create import create_backbone
    from galaxtool.pipelines.training_data import read_pictures
    from galaxtool.taxonomy.symbols import load_symbols
    from galaxtool.training.task import Task, TrainOptions
    from galaxtool.vision.device import choose_device, choose_precision

    torch.manual_seed(settings["seed"])
    device = choose_device(settings["device"])
    backbone = create_backbone(prepared.backbone).to(device)
    preprocess = _preprocess(settings, prepared.backbone, backbone.image_size)
    log.say(f"{_counted(prepared.labelled)}; on {device} in {choose_precision(settings['precision'], device)}.")
    train, bad = read_pictures(prepared.labelled, "train", preprocess, log)
    valid, also_bad = read_pictures(prepared.labelled, "valid", preprocess, log)
    for problem in (bad + also_bad)[:10]:
        log.say(f"Left out: {problem}")
    if len(bad + also_bad) > 10:
        log.say(f"Left out: {len(bad + also_bad) - 10} more images that cannot be read.")
    epochs = settings["epochs"] or DEFAULT_EPOCHS
    warmup = settings["warmup_epochs"]
    if warmup is None:
        warmup = min(DEFAULT_WARMUP_EPOCHS, epochs) if settings["epochs"] else DEFAULT_WARMUP_EPOCHS
    symbols = None
    if "symbols" in prepared.method.needs:
        symbols = torch.from_numpy(load_symbols(prepared.labelled.taxonomy, preprocess.size)).to(device)
    return Task(
        backbone=backbone,
        taxonomy=prepared.labelled.taxonomy,
        preprocess=preprocess,
        train=train,
        valid=valid,
        symbols=symbols,
        device=device,
        options=TrainOptions(
            epochs=epochs,
            warmup_epochs=warmup,
            lr=settings["lr"] or getattr(backbone, "suggested_lr", 1e-4),
            precision=choose_precision(settings["precision"], device),
            **{k: settings[k] for k in ("batch_size", "weight_decay", "contrast", "score", "patience", "seed")},
        ),
    )


def _preprocess(settings: Mapping[str, Any], name: BackboneName, size: int) -> Preprocess:
    from galaxtool.io.stretch import Stretch
    from galaxtool.vision.preprocess import Preprocess

    return Preprocess(
        size=size,
        crop=settings["crop"],
        mean=name.spec.mean,
        std=name.spec.std,
        stretch=Stretch(name=settings["stretch"]),
    )


def _counted(labelled: Labelled) -> str:
    counts = labelled.counts()
    shown = ", ".join(f"{sum(c.values())} {split}" for split, c in counts.items())
    if "train" not in counts:
        raise TrainingError("No image is left to train on.", hint="Check --where and the given splits.")
    return f"{shown} images of {len(labelled.taxonomy)} classes"
