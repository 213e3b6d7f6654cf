"""Run the trainings that a table needs, one by one, except finished ones."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from galaxtool.errors import DependencyMissing, GalaxtoolError, OfflineError, UnknownName
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.finetuning.run import resume_run, start_run
from galaxtool.reproduction.cluster import cluster_images
from galaxtool.reproduction.evaluations import evaluate_training, is_evaluated
from galaxtool.reproduction.plan import Training
from galaxtool.types import Progress
from galaxtool.utils.files.regular_files import read_regular_text


@dataclass(frozen=True)
class CellOutcome:
    """How a training ended.

    Parameters
    ----------
    status : {"done", "missing", "failed"}
        ``missing`` if its weights or a package are not at hand.
    reason : str
        What is missing, or what failed.
    """

    status: str
    reason: str = ""


@dataclass
class Runner:
    """Runs trainings, each at most once.

    Parameters
    ----------
    progress : Progress
        Shows what is run.
    """

    progress: Progress
    _outcomes: dict[Path, CellOutcome] = field(default_factory=dict)
    _missing: dict[tuple[str, str], CellOutcome] = field(default_factory=dict)

    def run(self, training: Training) -> CellOutcome:
        """Run a training, resume it, or find it finished."""
        if training.path not in self._outcomes:
            self._outcomes[training.path] = self._run(training)
        return self._outcomes[training.path]

    def _run(self, training: Training) -> CellOutcome:
        # at the small scale one backbone stands in for all, and a method may lack its package
        needs = training.config.method, training.config.backbone
        if needs in self._missing:
            return self._missing[needs]
        try:
            if training.trains:
                self._train(training, _Bars(self.progress))
            if training.clusters:
                cluster_images(training, _Bars(self.progress))
            if training.evaluates:
                evaluate_training(training, _Bars(self.progress))
        except GalaxtoolError as error:
            if not _is_missing(error):
                return CellOutcome("failed", error.message)
            outcome = CellOutcome("missing", error.message)
            self._missing[needs] = outcome
            return outcome
        return CellOutcome("done")

    def _train(self, training: Training, progress: Progress) -> None:
        status = _read_status(training.path)
        if status == "done":
            return
        if status in ("running", "interrupted"):
            try:
                resume_run(training.path, FinetuneConfig(), progress)
                return
            except GalaxtoolError as error:
                self.progress.say(f"'{training.path}' cannot be resumed ({error.message}) and starts again.")
        start_run(training.config, progress, overwrite=bool(status))


def is_finished(training: Training) -> bool:
    """Return whether a training, the clusters of its features and its evaluation are there, if it has any."""
    trained = not training.trains or _read_status(training.path) == "done"
    clustered = not training.clusters or (training.path / "cluster.json").is_file()
    return trained and clustered and (not training.evaluates or is_evaluated(training))


@dataclass(frozen=True)
class _Bars:
    """Shows the bars of a training, and leaves its messages to the log of the run."""

    inner: Progress

    def start(self, what: str, total: int | None = None) -> None:
        self.inner.start(what, total)

    def advance(self, n: int = 1, note: str = "") -> None:
        self.inner.advance(n, note)

    def say(self, message: str) -> None:
        pass


def _is_missing(error: GalaxtoolError) -> bool:
    """Return whether weights, a package or the plugin of a backbone or a method are not on this machine."""
    if isinstance(error, UnknownName):
        return error.kind in ("backbone", "method")
    return isinstance(error, (OfflineError, DependencyMissing))


def _read_status(path: Path) -> str:
    """Return the status of a run; empty where there is none."""
    try:
        return str(json.loads(read_regular_text(path / "manifest.json")).get("status", ""))
    except (OSError, ValueError):
        return ""
