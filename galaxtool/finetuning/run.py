"""One training in its run directory, new or resumed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from galaxtool.backbones.former_names import get_network_name
from galaxtool.errors import ConfigError, GalaxtoolError
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.finetuning.method_choice import choose_method
from galaxtool.finetuning.recipes import apply_recipe
from galaxtool.finetuning.report import finish_run, write_inputs
from galaxtool.finetuning.result import FinetuneResult
from galaxtool.finetuning.scoring import read_test
from galaxtool.finetuning.settings import check_config
from galaxtool.finetuning.split_table import read_split, write_split
from galaxtool.finetuning.task import TrainingSetup, make_task, prepare_training
from galaxtool.finetuning.unused_options import drop_unused, refuse_on_resume
from galaxtool.plugins.registry import get_registry
from galaxtool.training import distributed
from galaxtool.training.checkpoint import get_checkpoint_path, load_checkpoint
from galaxtool.training.trainer import Trainer
from galaxtool.types import Progress, Silent
from galaxtool.utils.logged_progress import LoggedProgress
from galaxtool.utils.run_directory import FollowedRun, RunDirectory
from galaxtool.utils.run_manifest import utc_now


def run_finetune(
    config: FinetuneConfig, *, resume: Path | None = None, overwrite: bool = False, progress: Progress | None = None
) -> FinetuneResult:
    """Start a training, or resume one; see `galaxtool.commands.finetune.finetune`."""
    progress = progress or Silent()
    if resume is not None:
        if overwrite:
            raise ConfigError("--resume continues a run, and --overwrite deletes it.", hint="Leave one of the two out.")
        return resume_run(Path(resume), config, progress)
    config = apply_recipe(config)
    check_config(config)
    return start_run(config, progress, overwrite=overwrite)


def start_run(config: FinetuneConfig, progress: Progress, *, overwrite: bool) -> FinetuneResult:
    """Create a run directory, by default one with the time in its name, and train in it.

    With several processes started by `torchrun`, the first one creates the directory and the others follow.
    """
    distributed.join_group()
    choice = choose_method(config)
    config = drop_unused(choice.config)
    setup = prepare_training(config, labeled=choice.labeled, note=choice.note)
    if distributed.is_main():
        stamp = utc_now().replace(":", "").replace("-", "")
        run = RunDirectory.create(
            config.output or Path("runs") / f"{stamp}-{config.method}",
            command="finetune",
            config=config.to_dict(),
            sources=config.sources,
            overwrite=overwrite,
        )
    else:
        run = RunDirectory(Path(), {})
    return _train(_share(run), config, setup, progress, resume=False)


def resume_run(path: Path, given: FinetuneConfig, progress: Progress) -> FinetuneResult:
    """Resume an unfinished run with the settings in its manifest.

    Parameters
    ----------
    path : Path
        The run directory.
    given : FinetuneConfig
        Settings of this call. Those that are not the defaults must be equal to the run's own.
    progress : Progress

    Raises
    ------
    ConfigError
        If a given setting differs from the run's own.
    GalaxtoolError
        If the folder has no run to resume.
    """
    distributed.join_group()
    run = _share(RunDirectory.open(path, command="finetune") if distributed.is_main() else RunDirectory(Path(), {}))
    try:
        config = FinetuneConfig.from_dict({name: entry["value"] for name, entry in run.manifest["config"].items()})
        refuse_on_resume(path, config, given)
        config = replace(config, backbone=_get_present_backbone(run, config.backbone))
        setup = prepare_training(config)
        if (path / "split.csv").exists():
            numbers = run.manifest.get("numbers_sha256", "")
            setup = replace(setup, labeled=read_split(path / "split.csv", setup.labeled, numbers))
    except BaseException:
        run.finish("interrupted")
        raise
    return _train(run, config, setup, progress, resume=True)


def _get_present_backbone(run: RunDirectory, recorded: str) -> str:
    """Return the present name of the network in the checkpoint of a run, which an older galaxtool may have begun."""
    checkpoint = get_checkpoint_path(run.path)
    if recorded.partition("@")[0] != "mini" or not checkpoint.is_file():
        return recorded
    return get_network_name(recorded, load_checkpoint(checkpoint)["modules"])


def _share(run: RunDirectory) -> RunDirectory:
    """Return the run of the first process; the other processes only read it."""
    path, manifest = distributed.broadcast((str(run.path), run.manifest))
    return run if distributed.is_main() else FollowedRun(Path(path), manifest)


def _train(
    run: RunDirectory, config: FinetuneConfig, setup: TrainingSetup, progress: Progress, *, resume: bool
) -> FinetuneResult:
    """Train in a run directory, and record in its manifest how the training ended."""
    if not distributed.is_main():
        return _train_model(run, config, setup, Silent(), resume=resume)
    registry = get_registry()
    log = LoggedProgress(progress, run.path / "log.txt")
    for complaint in registry.plugins.observe("run_started", manifest=run.manifest):
        log.say(f"Warning: {complaint}")
    status = "failed"
    try:
        result = _train_model(run, config, setup, log, resume=resume)
        status = "done"
    except KeyboardInterrupt:
        status = "interrupted"
        log.say(f"Interrupted. Resume with: galaxtool finetune --resume {run.path}")
        raise
    except GalaxtoolError as error:
        log.say(f"Failed: {error.message}")
        raise
    finally:
        run.finish(status)
        for complaint in registry.plugins.observe("run_finished", manifest=run.manifest):
            log.say(f"Warning: {complaint}")
    return result


def _train_model(
    run: RunDirectory, config: FinetuneConfig, setup: TrainingSetup, log: Progress, *, resume: bool
) -> FinetuneResult:
    """Run the stages of the method, then score and save the model."""
    labeled = setup.labeled
    if distributed.is_main():
        if not (resume and (run.path / "split.csv").exists()):  # a resumed run keeps its own
            write_split(run.path / "split.csv", labeled)
        write_inputs(run, config, labeled)
    for note in (setup.note, *labeled.notes):
        if note:
            log.say(note)
    for warning in labeled.warnings:
        log.say(f"Warning: {warning}")
    task = make_task(config, setup, log)
    if distributed.is_main() and config.lr is None:
        config = replace(config, lr=task.options.lr)
        write_inputs(run, config, labeled)
        run.manifest["config"]["lr"]["value"] = task.options.lr
    processes = f", {distributed.size()} processes" if distributed.size() > 1 else ""
    run.manifest["device"] = f"{task.device}, {task.options.precision}{processes}"
    run.save()
    test = read_test(labeled, task.preprocess, log) if distributed.is_main() else None
    stages = get_registry().methods.find(setup.method.name).create(task)
    outcome = Trainer(task, stages, run.path, log, tensorboard=config.tensorboard).fit(resume=resume)
    metrics = finish_run(run, config, task, outcome, setup, test=test, log=log) if distributed.is_main() else {}
    metrics = distributed.broadcast(metrics)
    distributed.leave_group()
    return FinetuneResult(run.path, run.path / "model", metrics, list(labeled.taxonomy.slugs))
