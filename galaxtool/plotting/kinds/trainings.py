"""The kinds that draw runs of ``finetune``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from galaxtool.errors import ConfigError, InputError
from galaxtool.plotting.charts.fractions import draw_fractions
from galaxtool.plotting.charts.runs import draw_runs
from galaxtool.plotting.charts.training import SCORES, draw_training
from galaxtool.plotting.charts.training_size import draw_training_size
from galaxtool.plotting.request import PlotRequest
from galaxtool.plotting.trainings import TrainingRun, open_training
from galaxtool.utils.config import check_choice

SCORE_NAMES = {"accuracy": "accuracy", "f1_macro": "macro F1 score", "roc_auc": "area under the ROC curve"}


def plot_training_curves(request: PlotRequest) -> Figure:
    """Draw the losses and scores of one run by stage, or compare the validation curves of several runs."""
    runs = _open_runs(request)
    column = f"valid_{request.options['score']}"
    if len(runs) == 1:
        history = runs[0].read_history()
        metrics = runs[0].read_metrics() if (runs[0].path / "metrics.json").is_file() else {}
        return draw_training(history, metrics.get("best_epoch"), columns=request.columns)
    for run in runs:
        run.read_column(column)
    histories = {name: run.read_history() for name, run in zip(request.name_inputs(), runs, strict=True)}
    score_name = f"validation {SCORES.get(column, column)}"
    training = bool(request.options["training"])
    return draw_runs(histories, score=column, score_name=score_name, training=training, columns=request.columns)


def plot_data_fraction(request: PlotRequest) -> Figure:
    """Draw the best accuracy and the lowest loss of runs by their --fraction, beside those of a run from scratch."""
    runs = _open_runs(request)
    scratch = _find_scratch(runs, str(request.options["scratch"]))
    own = [run for run in runs if run not in scratch]
    if not own:
        raise ConfigError(
            "Every run is drawn as the line from scratch.", hint="Add runs that began with pretrained weights."
        )
    if len({run.series for run in own}) > 1:
        several = "; ".join(sorted({run.series for run in own}))
        request.log.say(f"Runs of several methods or backbones are drawn as one line: {several}.")
    best = [_find_best(run) for run in own]
    line = np.array([_find_best(run) for run in scratch]).mean(axis=0) if scratch else (None, None)
    return draw_fractions(
        np.array([run.fraction for run in own]),
        np.array([accuracy for accuracy, _ in best]),
        np.array([loss for _, loss in best]),
        scratch_accuracy=line[0],
        scratch_loss=line[1],
        columns=request.columns,
    )


def plot_training_size(request: PlotRequest) -> Figure:
    """Draw a score of runs by their number of training images, with a line for each method and backbone."""
    runs = _open_runs(request)
    if request.split is not None:
        check_choice("split", request.split, ("valid", "test"))
    split = request.split or ("test" if all("test" in run.read_metrics() for run in runs) else "valid")
    score = str(request.options["score"])
    names = request.label or tuple(run.series for run in runs)
    series: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name in dict.fromkeys(names):
        own = [run for run, its in zip(runs, names, strict=True) if its == name]
        sizes = np.array([run.count_images() for run in own])
        series[name] = sizes, np.array([run.read_score(score, split) for run in own])
    text = f"{SCORE_NAMES.get(score, score)} ({'test' if split == 'test' else 'validation'})"
    bars = str(request.options["bars"])
    return draw_training_size(series, score=text, bars=bars, columns=request.columns)


def _open_runs(request: PlotRequest) -> list[TrainingRun]:
    """Return the runs among the inputs, at least one."""
    if not request.inputs:
        raise ConfigError(
            f"'{request.kind}' draws runs, and none is given.",
            hint=f"Write: galaxtool plot {request.kind} runs/a runs/b -o FILE",
        )
    return [open_training(Path(text)) for text in request.inputs]


def _find_scratch(runs: Sequence[TrainingRun], named: str) -> list[TrainingRun]:
    """Return the runs of the line from scratch: the named one, else those of the largest fraction without weights."""
    if named:
        found = [run for run in runs if run.path == Path(named)]
        return found or [open_training(Path(named))]
    scratch = [run for run in runs if run.is_from_scratch]
    if len(scratch) == len(runs):
        return []
    largest = max((run.fraction for run in scratch), default=0.0)
    return [run for run in scratch if run.fraction == largest]


def _find_best(run: TrainingRun) -> tuple[float, float]:
    """Return the highest validation accuracy and the lowest validation loss, each over all epochs by itself."""
    accuracy, loss = run.read_column("valid_accuracy"), run.read_column("valid_loss")
    if not np.isfinite(accuracy).any() or not np.isfinite(loss).any():
        raise InputError(
            f"The history of the run '{run.path}' has no validation accuracy.", hint="Leave this run out of the figure."
        )
    return float(np.nanmax(accuracy)), float(np.nanmin(loss))
