"""One training within its run directory, begun or resumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxtool.errors import GalaxtoolError
from galaxtool.plugins.registry import get_registry
from galaxtool.types import Progress, Silent

if TYPE_CHECKING:
    from galaxtool.finetuning.task import TrainingSetup
    from galaxtool.training.trainer import Outcome
    from galaxtool.utils.run_directory import RunDirectory


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


def begin_run(
    settings: Mapping[str, Any], sources: Mapping[str, str], overwrite: bool, progress: Progress
) -> FinetuneResult:
    """Make a run directory, by default one with the time in its name, and train in it.

    Of several processes started by `torchrun`, the first one makes it and the others follow.
    """
    from galaxtool.finetuning.task import prepare
    from galaxtool.training import distributed
    from galaxtool.utils.run_directory import RunDirectory, utc_now

    distributed.join()
    prepared = prepare(settings)
    if distributed.is_main():
        stamp = utc_now().replace(":", "").replace("-", "")
        out = Path(settings["out"] or Path("runs") / f"{stamp}-{settings['method']}")
        run = RunDirectory.create(out, command="finetune", config=settings, sources=sources, overwrite=overwrite)
    else:
        run = RunDirectory(Path(), {})
    return _train(_shared(run), settings, prepared, progress, resume=False)


def resume_run(
    path: Path, progress: Progress, *, given: Mapping[str, Any], defaults: Mapping[str, Any]
) -> FinetuneResult:
    """Go on with an unfinished run, by the settings in its manifest.

    Parameters
    ----------
    path : Path
        The run directory.
    progress : Progress
    given, defaults : mapping
        Settings of this call, and where nothing is given, by parameter. Those given must be the run's own; one that a
        run of an earlier version does not know has its default.

    Raises
    ------
    ConfigError
        If a given one is not.
    GalaxtoolError
        If there is no run to go on with.
    """
    from dataclasses import replace

    from galaxtool.finetuning.split_table import read_split
    from galaxtool.finetuning.task import prepare
    from galaxtool.finetuning.unused_options import refuse_on_resume
    from galaxtool.training import distributed
    from galaxtool.utils.run_directory import RunDirectory

    distributed.join()
    run = _shared(RunDirectory.open(path) if distributed.is_main() else RunDirectory(Path(), {}))
    try:
        settings = {**defaults, **{key: entry["value"] for key, entry in run.manifest["config"].items()}}
        refuse_on_resume(path, settings, given, defaults)
        for key in ("symbols", "split"):
            settings[key] = Path(settings[key]) if settings.get(key) else None
        prepared = prepare(settings)
        if (path / "split.csv").exists():
            prepared = replace(prepared, labelled=read_split(path / "split.csv", prepared.labelled))
    except BaseException:
        run.finish("interrupted")
        raise
    return _train(run, settings, prepared, progress, resume=True)


def _shared(run: RunDirectory) -> RunDirectory:
    """Return the first process's run, which the others only read."""
    from galaxtool.training import distributed
    from galaxtool.utils.run_directory import FollowedRun

    path, manifest = distributed.from_main((str(run.path), run.manifest))
    return run if distributed.is_main() else FollowedRun(Path(path), manifest)


def _train(
    run: RunDirectory, settings: Mapping[str, Any], prepared: TrainingSetup, progress: Progress, *, resume: bool
) -> FinetuneResult:
    """Train within a run directory, and leave its manifest true however it ends."""
    from galaxtool.training import distributed
    from galaxtool.utils.logged_progress import LoggedProgress

    if not distributed.is_main():
        return _train_inside(run, settings, prepared, Silent(), resume=resume)
    registry = get_registry()
    log = LoggedProgress(progress, run.path / "log.txt")
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
    run: RunDirectory, settings: Mapping[str, Any], prepared: TrainingSetup, log: Progress, *, resume: bool
) -> FinetuneResult:
    from galaxtool.finetuning.report import finish_run, note_inputs
    from galaxtool.finetuning.split_table import write_split
    from galaxtool.finetuning.task import make_task
    from galaxtool.training import distributed
    from galaxtool.training.trainer import Trainer

    labelled = prepared.labelled
    if distributed.is_main():
        write_split(run.path / "split.csv", labelled)
        note_inputs(run, settings, labelled)
    for warning in labelled.warnings:
        log.say(f"Warning: {warning}")
    task = make_task(settings, prepared, log)
    processes = f", {distributed.size()} processes" if distributed.size() > 1 else ""
    run.manifest["device"] = f"{task.device}, {task.options.precision}{processes}"
    run.save()
    registry = get_registry()
    stages = registry.methods.find(prepared.method.name).create(task)
    trainer = Trainer(task, stages, run.path, log, tensorboard=settings["tensorboard"])
    outcome: Outcome = trainer.fit(resume=resume)
    metrics = finish_run(run, settings, task, outcome, prepared) if distributed.is_main() else {}
    metrics = distributed.from_main(metrics)
    distributed.leave()
    return FinetuneResult(run.path, run.path / "model", metrics, list(labelled.taxonomy.slugs))
