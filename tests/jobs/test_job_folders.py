"""The folder of a job: links in it are not followed, and what others put there stays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from astropy.table import Table

from galaxtool.errors import InputError, OutputExists
from galaxtool.jobs.job import Job, job_folder
from galaxtool.jobs.options import JobOptions
from galaxtool.jobs.record import JobRecord
from galaxtool.jobs.shard import Shard

OPTIONS = JobOptions()


@dataclass(frozen=True, kw_only=True)
class Record(JobRecord):
    kind: str = "test"


def run_job(output: Path, options: JobOptions = OPTIONS) -> None:
    with Job(output, Record(parts=1), options) as job:
        job.mark_reading()
        job.journal.add(0, b"x")
        job.write(0, Table({"n": [1]}))
        job.finished = True


def test_what_somebody_else_put_into_the_folder_stays(tmp_path: Path) -> None:
    folder = job_folder(tmp_path / "o.csv")
    folder.mkdir()
    for name in ("notes.txt", "part-of-my-thesis.tex", "batches of galaxies.log"):
        (folder / name).write_text("mine")
    run_job(tmp_path / "o.csv", JobOptions(overwrite=True))
    assert sorted(entry.name for entry in folder.iterdir()) == [
        "batches of galaxies.log", "notes.txt", "part-of-my-thesis.tex"
    ]  # fmt: skip


def test_finished_parts_of_a_shard_of_a_longer_job_are_not_discarded_unasked(tmp_path: Path) -> None:
    output = tmp_path / "o.csv"
    with Job(output, Record(parts=4, shards=2), JobOptions(shard=Shard(2, 2))) as job:
        for number in job.missing:
            job.write(number, Table({"n": [number]}))
    kept = sorted(path.name for path in job_folder(output).glob("part-*"))
    with pytest.raises(OutputExists, match="unfinished work of another job: 2 finished parts") as caught:
        run_job(output)
    assert "--overwrite" in caught.value.hint
    assert sorted(path.name for path in job_folder(output).glob("part-*")) == kept
    run_job(output, JobOptions(overwrite=True))
    assert not job_folder(output).exists()


def test_a_finished_job_leaves_no_folder(tmp_path: Path) -> None:
    run_job(tmp_path / "o.csv")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "part-000000.parquet").write_text("theirs")
    job_folder(tmp_path / "o.csv").symlink_to(tmp_path / "others")
    with pytest.raises(InputError, match="is a link"):
        run_job(tmp_path / "o.csv", JobOptions(overwrite=True))
    assert [entry.name for entry in (tmp_path / "others").iterdir()] == ["part-000000.parquet"]


@pytest.mark.parametrize("name", [".reading", "batches.log"])
def test_links_among_its_files_are_not_written_through(name: str, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    folder = job_folder(tmp_path / "o.csv")
    folder.mkdir()
    (folder / name).symlink_to(tmp_path / "mine")
    run_job(tmp_path / "o.csv", JobOptions(resume=True))
    assert (tmp_path / "mine").read_text() == "mine"
    assert not folder.exists()
