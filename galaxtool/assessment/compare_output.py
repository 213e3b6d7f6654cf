"""The folder of a comparison: its tables and its result as JSON."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from galaxtool.assessment.compare_results import ComparedScore, CompareResult, Difference
from galaxtool.utils.atomic_write import atomic_write, write_json
from galaxtool.utils.run_directory import RunDirectory


def write_comparison(run: RunDirectory, result: CompareResult) -> None:
    """Write ``comparison.json``, ``tables/scores.csv`` and ``tables/differences.csv``."""
    write_json(run.path / "comparison.json", result.as_dict())
    tables = run.path / "tables"
    tables.mkdir(exist_ok=True)
    _write_table(tables / "scores.csv", ComparedScore, [asdict(one) for one in result.scores])
    _write_table(tables / "differences.csv", Difference, [asdict(one) for one in result.differences])


def _write_table(path: Path, kind: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    with atomic_write(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, [one.name for one in fields(kind)])
        writer.writeheader()
        writer.writerows(rows)
