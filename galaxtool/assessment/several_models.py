"""Score several trainings of one model, and the spread of their scores: ``galaxtool evaluate`` with several models."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool.assessment.evaluate import evaluate_dataset
from galaxtool.assessment.options import EvaluateOptions
from galaxtool.assessment.report import draw_figures, write_page, write_tables
from galaxtool.assessment.results import EvaluateResult
from galaxtool.assessment.same_settings import check_same_settings, describe_settings
from galaxtool.assessment.spread import align_confusion, summarize_metrics
from galaxtool.comparison.inputs import PREDICTIONS, name_evaluations
from galaxtool.errors import ConfigError
from galaxtool.inference.compute_options import ComputeOptions
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.jobs.options import JobOptions
from galaxtool.models.find import find_model
from galaxtool.search.source import read_record
from galaxtool.tables.read import read_table
from galaxtool.types import Progress, warn
from galaxtool.utils.counts import format_count
from galaxtool.utils.files.atomic_write import write_json
from galaxtool.utils.files.regular_files import read_regular_text
from galaxtool.utils.resume_command import make_resume_command
from galaxtool.utils.run_directory import RunDirectory


def evaluate_models(
    options: EvaluateOptions,
    models: Sequence[str],
    *,
    reading: ReadingOptions,
    compute: ComputeOptions,
    job_options: JobOptions,
    progress: Progress,
) -> EvaluateResult:
    """Score one model, or several and their spread; see `galaxtool.commands.evaluate.evaluate`.

    Parameters
    ----------
    options : EvaluateOptions
        What is scored, and how; its model and, of several models, its output are replaced.
    models : sequence of str
        The models.
    reading, compute, job_options, progress
        As in `galaxtool.assessment.evaluate.evaluate_dataset`.

    Raises
    ------
    ConfigError
        If no model is given, or one of them twice.
    """
    if len(models) == 1:
        options = replace(options, model=models[0])
        return evaluate_dataset(
            options, reading=reading, compute=compute, job_options=job_options, progress=progress
        )  # fmt: skip
    if not models or len(set(map(_find_place, models))) < len(models):
        what = "A model is given twice." if models else "No model is given."
        raise ConfigError(what, hint="Name each model once: --model runs/seed0 --model runs/seed1")
    settings = describe_settings(options, reading, compute)
    run = _open_directory(options, {**settings, "model": list(models)}, job_options)
    try:
        with run.recording():
            members = []
            for name, model in zip(_name_folders(models), models, strict=True):
                one = replace(options, model=model, output=run.path / "models" / name)
                done = _read_result(one.output, describe_settings(one, reading, compute))
                if done is None:
                    done = evaluate_dataset(
                        one, reading=reading, compute=compute, job_options=job_options, progress=progress
                    )  # fmt: skip
                members.append(done)
            return _summarize(run, options, members, progress)
    except KeyboardInterrupt as error:
        error.__notes__ = [f"Resume with: {make_resume_command()}"]
        raise


def _open_directory(options: EvaluateOptions, settings: Mapping[str, Any], job_options: JobOptions) -> RunDirectory:
    if job_options.resume and (options.output / "manifest.json").is_file():
        check_same_settings(options.output, settings)
        return RunDirectory.open(options.output, command="evaluate")
    return RunDirectory.create(options.output, command="evaluate", config=settings, overwrite=job_options.overwrite)


def _find_place(model: str) -> str:
    """Return where the files of a model are, which is the same for all of its names."""
    files = find_model(model)
    return os.path.realpath(files.folder or files.require_onnx())


def _name_folders(models: Sequence[str]) -> list[str]:
    names = [re.sub(r"[^\w.+-]", "_", name) for name in name_evaluations(models)]
    return [f"{number}-{name}" if names.count(name) > 1 else name for number, name in enumerate(names, 1)]


def _read_result(folder: Path, settings: Mapping[str, Any]) -> EvaluateResult | None:
    """Return the result of an evaluation that is finished; None of any other.

    Raises
    ------
    InputError
        If it was made with other settings, or the model was another one.
    """
    try:
        manifest = json.loads(read_regular_text(folder / "manifest.json"))
        metrics = json.loads(read_regular_text(folder / "metrics.json"))
    except (OSError, ValueError):
        return None
    if manifest.get("status") != "done":
        return None
    check_same_settings(folder, settings, digest=read_record(find_model(settings["model"])).digest)
    table = read_table(folder / PREDICTIONS)
    errors = len(table) - _count_empty(table["error"].tolist())
    is_of_classes = not {"quantities", "questions"} & metrics.keys()
    return EvaluateResult(
        output=folder,
        model=metrics["model"],
        dataset=metrics["dataset"],
        split=metrics["split"],
        n=metrics["n"],
        unlabeled=_count_empty(table["truth"].tolist()) if is_of_classes else len(table) - errors - metrics["n"],
        errors=errors,
        metrics=metrics,
        notes=tuple(metrics["notes"]),
    )


def _count_empty(values: Sequence[str | None]) -> int:
    return sum(not value for value in values)


def _summarize(
    run: RunDirectory, options: EvaluateOptions, members: Sequence[EvaluateResult], progress: Progress
) -> EvaluateResult:
    """Write the mean scores of several models and their spread."""
    notes = [*dict.fromkeys(note for one in members for note in one.notes)]
    if not _have_same_images(members):
        notes.append(
            "The models were scored on different images, so their scores differ for that reason too. "
            "Choose the same with --split or --where."
        )
        warn(progress, notes[-1])
    first = members[0]
    model = ", ".join(one.model for one in members)
    summary = summarize_metrics(align_confusion([one.metrics for one in members]))
    summary.pop("calibration", None)  # the bins of confidence are those of each model
    metrics = {
        **summary,
        "n": min(one.n for one in members),
        "models": {one.output.name: one.model for one in members},
        "model": model,
        "dataset": first.dataset,
        "split": first.split,
        "notes": notes,
    }
    write_json(run.path / "metrics.json", metrics)
    run.manifest["metrics"] = metrics
    run.manifest["notes"] = notes
    run.manifest["inputs"] = [{"name": first.dataset, "images": first.n}]
    tables = write_tables(run.path / "tables", metrics)
    figures = draw_figures(run.path, metrics, progress, [one.output for one in members]) if options.figures else []
    settings = {"Models": model, "Data": options.dataset, "Each by itself": "models/NAME/report.html"}
    shown = {**metrics, "model": format_count(len(members), "model")}
    write_page(run.path / "report.html", shown, tables, figures, notes=notes, settings=settings)
    return EvaluateResult(
        output=run.path,
        model=model,
        dataset=first.dataset,
        split=first.split,
        n=metrics["n"],
        unlabeled=first.unlabeled,
        errors=first.errors,
        metrics=metrics,
        notes=tuple(notes),
    )


def _have_same_images(members: Sequence[EvaluateResult]) -> bool:
    """Return whether all were scored on the same images, with the same classes if they have classes."""

    def list_scored(folder: Path) -> list[tuple[str, str]]:
        table = read_table(folder / PREDICTIONS)
        ids, truth = (np.ma.filled(table[name], "").tolist() for name in ("id", "truth"))
        has_classes = any(truth)
        return sorted((i, t) for i, t in zip(ids, truth, strict=True) if t or not has_classes)

    first, *others = (list_scored(one.output) for one in members)
    return all(one == first for one in others)
