"""Jobs of plugins, by the public names alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from galaxtool import InputError, Job, JobOptions, JobRecord, OutputExists, TableError


@dataclass(frozen=True, kw_only=True)
class SquaresRecord(JobRecord):
    """Record of a job that squares numbers."""

    power: int


def do(output: Path, options: JobOptions, *, power: int = 2, until: int = 4) -> list[int]:
    """Do the parts below `until`, and return the numbers of those that were computed."""
    computed = []
    with Job(output, SquaresRecord(parts=4, power=power), options) as job:
        for number in job.missing:
            if number == until:
                raise KeyboardInterrupt
            x = np.arange(number, dtype=np.float32)
            job.write(number, Table({"y": x**power, "even": x % 2 == 0}))
            computed.append(number)
        tables = [job.read(number) for number in range(job.count)]
        output.write_text(" ".join(str(np.asarray(t["y"]).tolist()) for t in tables), encoding="utf-8")
        assert tables[3]["y"].dtype == np.float32 and tables[3]["even"].tolist() == [True, False, True]
        job.finished = True
    return computed


def test_a_job_of_a_plugin_is_resumed(tmp_path: Path) -> None:
    output = tmp_path / "squares.txt"
    with pytest.raises(KeyboardInterrupt) as info:
        do(output, JobOptions(), until=2)
    assert "2 of 4 parts are done" in info.value.__notes__[0]
    with pytest.raises(OutputExists, match="has unfinished work from an earlier run: 2 of 4 parts"):
        do(output, JobOptions())
    with pytest.raises(InputError, match="has a different power"):
        do(output, JobOptions(resume=True), power=3)
    (tmp_path / "squares.txt.unfinished" / "part-000001.parquet").write_bytes(b"PAR1")  # of a disk that lost its end
    assert do(output, JobOptions(resume=True)) == [1, 2, 3]
    assert output.read_text(encoding="utf-8") == "[] [0.0] [0.0, 1.0] [0.0, 1.0, 4.0]"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["squares.txt"]


def test_unfinished_work_is_discarded_if_requested(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        do(tmp_path / "a.txt", JobOptions(), until=3)
    assert do(tmp_path / "a.txt", JobOptions(overwrite=True), power=1) == [0, 1, 2, 3]
    with Job(tmp_path / "b.txt", SquaresRecord(parts=1, power=2), JobOptions()) as job, pytest.raises(TableError):
        job.read(0)
