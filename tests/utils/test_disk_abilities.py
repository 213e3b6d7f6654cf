"""Disks without locks, modes or fsync, and with any name of a file."""

from __future__ import annotations

import csv
import errno
import fcntl
import logging
import os
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

import galaxtool
from galaxtool.errors import GalaxtoolError
from galaxtool.utils.files import disk_abilities
from galaxtool.utils.files.atomic_write import atomic_write
from galaxtool.utils.files.locks import lock_file


@pytest.fixture(autouse=True)
def afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    disk_abilities._warn_once.cache_clear()


def fail_with(code: int) -> object:
    def fail(*args: object, **options: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL])
def test_a_disk_without_locks_is_used_with_one_warning(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(fcntl, "flock", fail_with(code))
    with caplog.at_level(logging.WARNING):
        for name in "ab":
            stream = lock_file(tmp_path / name)
            assert stream is not None
            stream.close()
    assert [record.getMessage().partition(", so")[0] for record in caplog.records] == [
        "Warning: The file system has no locks"
    ]


def test_a_lock_that_another_holds_is_one(tmp_path: Path) -> None:
    with lock_file(tmp_path / "lock") as stream:
        assert stream is not None and lock_file(tmp_path / "lock") is None


@pytest.mark.parametrize(
    ("function", "code"), [("chmod", errno.EPERM), ("fsync", errno.EINVAL), ("chmod", errno.ENOTSUP)]
)
def test_modes_and_fsync_can_be_lacking(
    function: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(os, function, fail_with(code))
    for name in "ab":
        with atomic_write(tmp_path / name) as temporary:
            temporary.write_text("x")
    assert (tmp_path / "a").read_text() == "x" and len(caplog.records) == 1


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_a_disk_that_fails_is_an_error(code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", fail_with(code))
    with pytest.raises(GalaxtoolError, match=os.strerror(code)), atomic_write(tmp_path / "a") as temporary:
        temporary.write_text("x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    [
        "M31:field/p.csv",
        pytest.param("J10:00:12.parquet", marks=pytest.mark.slow),
        pytest.param("~e.parquet", marks=pytest.mark.slow),
        pytest.param("file:x/p.fits", marks=pytest.mark.slow),
        pytest.param("http:x.vot", marks=pytest.mark.slow),
    ],
)
def test_any_name_is_a_path(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    fits.PrimaryHDU(np.random.default_rng(0).normal(size=(24, 24)).astype("f4")).writeto("a.fits")
    galaxtool.classify(["a.fits"], output=name, workers=1, executor="threads")
    assert Path(name).is_file()
    galaxtool.classify([name], output="again.csv", workers=1, executor="threads")
    with Path("again.csv").open(newline="") as stream:
        assert [row["path"] for row in csv.DictReader(stream)] == ["a.fits"]
    galaxtool.embed(["a.fits"], output="J10:00.npy", workers=1, executor="threads")
    assert np.load("J10:00.npy").shape[0] == 1
