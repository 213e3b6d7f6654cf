"""Running of the trainings that a table needs, one by one; what is finished is not run again."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from galaxtool.errors import DependencyMissing, GalaxtoolError, OfflineError, UnknownName
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.finetuning.run import resume_run, start_run
from galaxtool.reproduction.plan import Training
from galaxtool.types import Progress

_MISSING = (OfflineError, DependencyMissing, UnknownName)
"""Errors for weights, packages or plugins that are not at hand, so that a training cannot start."""


@dataclass(frozen=True)
class Outcome:
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
    _outcomes: dict[Path, Outcome] = field(default_factory=dict)
    _missing: dict[str, Outcome] = field(default_factory=dict)

    def run(self, training: Training) -> Outcome:
        """Run a training, resume it, or find it finished."""
        if training.path not in self._outcomes:
            self._outcomes[training.path] = self._run(training)
        return self._outcomes[training.path]

    def _run(self, training: Training) -> Outcome:
        status = _read_status(training.path)
        if status == "done":
            return Outcome("done")
        if training.config.backbone in self._missing:
            return self._missing[training.config.backbone]
        quiet = _Bars(self.progress)
        try:
            if status in ("running", "interrupted"):
                try:
                    resume_run(training.path, FinetuneConfig(), quiet)
                    return Outcome("done")
                except GalaxtoolError as error:
                    self.progress.say(f"'{training.path}' cannot be resumed ({error.message}) and starts again.")
            start_run(training.config, quiet, overwrite=bool(status))
        except _MISSING as error:
            outcome = Outcome("missing", error.message)
            self._missing[training.config.backbone] = outcome
            return outcome
        except GalaxtoolError as error:
            return Outcome("failed", error.message)
        return Outcome("done")


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


def _read_status(path: Path) -> str:
    """Return the status of a run; empty where there is none."""
    try:
        return str(json.loads((path / "manifest.json").read_text(encoding="utf-8")).get("status", ""))
    except (OSError, ValueError):
        return ""
