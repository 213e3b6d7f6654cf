"""Read the parts of a job."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from astropy.table import Table

from galaxtool.jobs.job import part_path
from galaxtool.tables.read import read_table


def read_parts(folder: Path, count: int) -> Iterator[Table]:
    """Yield the tables of all parts in order, reading each when it is needed."""
    for number in range(count):
        yield read_table(part_path(folder, number))
