"""Many trainings, one after another or side by side, that can be killed and started again: a line of JSON for each."""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from galaxtool import finetune
from galaxtool.errors import GalaxtoolError


class Cell(Protocol):
    """One training of many."""

    @property
    def name(self) -> str:
        """Name of the run directory."""


C = TypeVar("C", bound=Cell)


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Read the finished trainings; an incomplete last line is that of a script that was killed."""
    rows = []
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            rows.append(json.loads(line))
        except ValueError:
            print(f"An incomplete line of '{path}' is skipped.", file=sys.stderr)
    return rows


def resume_run(run: Path) -> bool:
    """Resume an interrupted run, or accept a finished one; return whether there was one."""
    try:
        status = json.loads((run / "manifest.json").read_text())["status"]
        if status != "done":
            finetune(resume=run)
    except (OSError, KeyError, ValueError, GalaxtoolError):
        return False
    return True


def read_run(run: Path) -> dict[str, Any]:
    """Return the identifiers, classes and probabilities of the test split, by readout, and the cost of an epoch."""
    with (run / "split.csv").open(newline="") as stream:
        test = [row for row in csv.DictReader(stream) if row["split"] == "test"]
    with np.load(run / "readouts.npz") as stored:
        classes = [str(slug) for slug in stored["classes"]]
        outputs = {name: stored[name].round(5).tolist() for name in stored.files if name not in ("classes", "targets")}
        targets = stored["targets"].tolist()
    if any(len(values) != len(test) for values in outputs.values()):
        raise ValueError(f"'{run}' does not predict every image of its test split.")
    with (run / "history.csv").open(newline="") as stream:
        epochs = list(csv.DictReader(stream))
    return {
        "ids": [row["id"] for row in test],
        "classes": classes,
        "targets": targets,
        "readouts": outputs,
        "epochs": len(epochs),
        "epoch_seconds": round(float(np.mean([float(epoch["seconds"]) for epoch in epochs])), 2),
    }


def run_cells(train: Callable[[C], dict[str, Any]], cells: Sequence[C], path: Path, jobs: int) -> None:
    """Run trainings, each in a process with one thread, and append the row of each to a file of JSON lines."""
    os.environ["OMP_NUM_THREADS"] = "1"  # read by the processes that start now
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = {pool.submit(train, cell): cell for cell in cells}
        for number, future in enumerate(as_completed(futures), 1):
            row = future.result()
            with path.open("a") as stream:
                stream.write(json.dumps(row) + "\n")
            print(f"{number} of {len(cells)}: {futures[future].name}, {row['seconds']:.0f} s", file=sys.stderr)
