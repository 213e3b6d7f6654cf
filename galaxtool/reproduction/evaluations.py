"""Evaluations of trainings on their test images, for figures and for scores that a training does not compute itself."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from galaxtool.assessment.evaluate import evaluate_dataset
from galaxtool.assessment.options import EvaluateOptions
from galaxtool.errors import GalaxtoolError
from galaxtool.inference.compute_options import ComputeOptions
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.jobs.options import JobOptions
from galaxtool.models.find import find_model
from galaxtool.reproduction.plan import Training
from galaxtool.reproduction.values import place_evaluation
from galaxtool.search.source import read_record
from galaxtool.types import Progress
from galaxtool.utils.files.regular_files import read_regular_text


def evaluate_training(training: Training, progress: Progress) -> Path:
    """Return the folder of the evaluation of a training on its test images, which is computed once.

    It is computed by PyTorch, which knows the lengths of the embeddings, for retrieval by the dot product.
    """
    output = place_evaluation(training.path)
    if not is_evaluated(training):
        (dataset,) = training.config.dataset
        evaluate_dataset(
            EvaluateOptions(
                dataset=str(dataset),
                model=str(training.path),
                output=output,
                split="test",
                where=training.config.where,
                figures=False,
            ),
            reading=ReadingOptions(),
            compute=ComputeOptions(device=training.config.device, engine="torch"),
            job_options=JobOptions(overwrite=True),
            progress=progress,
        )
    return output


def is_evaluated(training: Training) -> bool:
    """Return whether the evaluation of a training as it is now is there, with the retrieval by the dot product."""
    folder = place_evaluation(training.path)
    try:
        metrics: dict[str, Any] = json.loads(read_regular_text(folder / "metrics.json"))
        digest = json.loads(read_regular_text(folder / "manifest.json"))["model"]["digest"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    with suppress(GalaxtoolError):  # a model that was removed keeps its scores
        if read_record(find_model(training.path)).digest != digest:
            return False
    return "dot_product" in metrics.get("retrieval", {})
