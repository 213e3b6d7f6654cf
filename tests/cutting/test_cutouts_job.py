"""`galaxtool cutouts`: interrupted, repeated, side by side, and with bad input."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from support.training_helpers import run_failing
from test_cutouts import SHAPE, make_noise, make_wcs, read_cutout, run_cutouts, write_catalogue, write_field

import galaxtool
from galaxtool.cutting import tasks
from galaxtool.cutting.writers.formats import WRITERS
from galaxtool.tables.read import read_table
from galaxtool.utils.files.locks import lock_file


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def prepare(n: int = 30) -> None:
    wcs = make_wcs()
    write_field("field.fits", wcs)
    x, y = np.random.default_rng(1).uniform(2, 57, (2, n))
    write_catalogue(wcs, x, y)


def read_contents(folder: str) -> dict[str, bytes]:
    root = Path(folder)
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != "cutouts.json"
    }


# --- again -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["fits", "hdf5", "zarr"])
def test_a_full_disk_is_reported_and_the_job_resumes(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare()
    monkeypatch.setattr(tasks, "_MAX_ROWS", 4)
    monkeypatch.setattr("galaxtool.cutting.writers.zarr._SHARD_BYTES", 4 * 4 * 64)
    run_cutouts("field.fits", "cat.csv", size=8, kind=kind, output="whole")
    writer = WRITERS[kind]
    write, calls = writer.write, []

    def failing(self: Any, piece: Any) -> None:
        calls.append(piece.row)
        if len(calls) > 10:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(self, piece)

    with monkeypatch.context() as patch:
        patch.setattr(writer, "write", failing)
        with pytest.raises(galaxtool.GalaxtoolError, match="No space left on device") as told:
            run_cutouts("field.fits", "cat.csv", size=8, kind=kind)
    assert "--resume" in told.value.hint and not Path("out/cutouts.csv").exists()
    with pytest.raises(galaxtool.OutputExists, match="unfinished work from an earlier run"):
        run_cutouts("field.fits", "cat.csv", size=8, kind=kind)
    with pytest.raises(galaxtool.InputError, match="catalogue or size"):
        run_cutouts("field.fits", "cat.csv", size=9, kind=kind, resume=True)
    again: list[int] = []
    monkeypatch.setattr(writer, "write", lambda self, piece: (again.append(piece.row), write(self, piece))[1])
    run_cutouts("field.fits", "cat.csv", size=8, kind=kind, resume=True)
    assert len(again) == 30 - 8
    assert read_contents("out") == read_contents("whole")


def test_finished_cutouts_are_left_alone() -> None:
    prepare(3)
    first = galaxtool.cutouts(["field.fits", "cat.csv"], output=Path("out"), size=8)
    stamp = Path("out/images/o0.fits").stat().st_mtime_ns
    with pytest.raises(galaxtool.OutputExists, match="already holds finished cutouts") as told:
        run_cutouts("field.fits", "cat.csv", size=8)
    assert "--overwrite" in told.value.hint
    assert galaxtool.cutouts(["field.fits", "cat.csv"], output=Path("out"), size=8, resume=True) == first
    assert Path("out/images/o0.fits").stat().st_mtime_ns == stamp
    with pytest.raises(galaxtool.OutputExists, match="another catalogue"):
        run_cutouts("field.fits", "cat.csv", size=9, resume=True)
    Path("out/images/thesis.tex").write_text("years")
    run_cutouts("field.fits", "cat.csv", size=8, kind="png", overwrite=True)
    assert {path.name for path in Path("out/images").iterdir()} == {"o0.png", "o1.png", "o2.png", "thesis.tex"}


@pytest.mark.parametrize("kind", ["fits", "hdf5", "zarr"])
def test_what_a_run_left_that_finished_no_part_is_not_used(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(6)
    writer = WRITERS[kind]
    write, calls = writer.write, []

    def interrupted(self: Any, piece: Any) -> None:
        calls.append(piece.row)
        if len(calls) > 3:
            raise KeyboardInterrupt
        write(self, piece)

    with monkeypatch.context() as patch:
        patch.setattr(writer, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run_cutouts("field.fits", "cat.csv", size=8, kind=kind)
    Path("cat.csv").write_text(Path("cat.csv").read_text().replace("\no", "\nNGC "))
    run_cutouts("field.fits", "cat.csv", size=8, kind=kind)
    run_cutouts("field.fits", "cat.csv", size=8, kind=kind, output="whole")
    assert read_contents("out") == read_contents("whole")


def test_finished_cutouts_of_a_catalogue_with_other_columns_are_not_taken_for_these() -> None:
    prepare(3)
    run_cutouts("field.fits", "cat.csv", size=8)
    table = read_table(Path("cat.csv"))
    table["flux"] = [1.0, 2.0, 3.0]
    table.write("cat.csv", overwrite=True)
    with pytest.raises(galaxtool.OutputExists, match="another catalogue"):
        run_cutouts("field.fits", "cat.csv", size=8, resume=True)
    assert list(run_cutouts("field.fits", "cat.csv", size=8, overwrite=True)["flux"]) == [1.0, 2.0, 3.0]


def test_other_folders_are_not_written_to() -> None:
    prepare(2)
    Path("mine").mkdir()
    Path("mine/images").write_text("thesis")
    for overwrite in (False, True):
        with pytest.raises(galaxtool.OutputExists, match="not written by `galaxtool cutouts`"):
            run_cutouts("field.fits", "cat.csv", output="mine", overwrite=overwrite)
    with pytest.raises(galaxtool.OutputExists, match="is a file"):
        run_cutouts("field.fits", "cat.csv", output="cat.csv")
    Path("empty").mkdir()
    assert len(run_cutouts("field.fits", "cat.csv", output="empty")) == 2


def test_a_second_run_on_the_same_output_is_refused() -> None:
    prepare(2)
    Path("out/cutouts.csv.unfinished").mkdir(parents=True)
    lock = lock_file(Path("out/cutouts.csv.unfinished/.lock"))
    try:
        with pytest.raises(galaxtool.OutputExists, match=f"process {os.getpid()}"):
            run_cutouts("field.fits", "cat.csv", overwrite=True)
    finally:
        lock.close()


def test_many_objects_are_spread_over_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(7)
    monkeypatch.setattr("galaxtool.cutting.file_names._FILES_PER_FOLDER", 5)
    assert [path[:12] for path in run_cutouts("field.fits", "cat.csv", size=4)["path"]] == ["images/0000/"] * 5 + [
        "images/0001/"
    ] * 2
    run_cutouts("field.fits", "cat.csv", size=4, kind="hdf5", overwrite=True)
    assert not list(Path("out/images").rglob("*.fits"))


# --- bad input -------------------------------------------------------------------------------------------------------


def test_an_unreadable_image_is_skipped(capsys: pytest.CaptureFixture[str]) -> None:
    prepare(2)
    Path("broken.fits").write_bytes(Path("field.fits").read_bytes()[:9000])
    Path("text.fits").write_text("nothing")
    fits.writeto("nowhere.fits", make_noise())
    result = galaxtool.cutouts(
        ["broken.fits", "text.fits", "nowhere.fits", "field.fits", "cat.csv"], output=Path("out"), size=8
    )
    assert (result.cut, result.errors, len(result.unreadable)) == (2, 0, 3)
    assert "truncated" in result.unreadable[0] and "is a text file, not a FITS file" in result.unreadable[1]
    assert "no celestial WCS" in result.unreadable[2]


def test_pixels_that_cannot_be_read_are_an_error_of_their_row() -> None:
    wcs = make_wcs(shape=(300, 200))
    packed = fits.CompImageHDU(make_noise((300, 200)), wcs.to_header(), compression_type="GZIP_1", quantize_level=0.0)
    fits.HDUList([fits.PrimaryHDU(), packed]).writeto("field.fits.fz")
    content = bytearray(Path("field.fits.fz").read_bytes())
    content[-20000:-17000] = bytes(3000)
    Path("field.fits.fz").write_bytes(content)
    write_catalogue(wcs, [100, 100], [10, 290])
    for kind in ("fits", "hdf5"):
        table = run_cutouts("field.fits.fz", "cat.csv", size=8, kind=kind, output=kind)
        failed = [bool(error) for error in np.ma.filled(table["error"], "")]
        assert sum(failed) == 1 and "cannot be read" in table["error"][failed.index(True)]
    with h5py.File("hdf5/cutouts.h5") as file:
        assert np.isnan(file["images"][failed.index(True)]).all()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["field.fits", "cat.csv"], "no columns with right ascension"),
        (["cat.csv"], "only one input was given"),
        (["field.fits", "field.fits"], "it contains no table"),
        (["cat.csv", "field.fits"], "it contains no table"),
        (["cat.csv", "far.csv"], "is a table, not an image"),
        (["feild.fits", "far.csv"], "nothing at 'feild.fits'"),
        (["non*.fits", "far.csv"], "Nothing matches"),
        (["nowhere.fits", "far.csv"], "no celestial WCS"),
        (["field.fits", "far.csv"], "none of the images"),
        (["field.fits", "far.csv", "--kind", "gif"], "--kind is 'gif'"),
        (["field.fits", "far.csv", "--ra-column", "r"], "no column 'r'"),
        (["field.fits", "far.csv", "--hdu", "SCI"], "no image in an HDU 'SCI'"),
        (["field.fits", "lost.csv"], "No row of the catalogue 'lost.csv' has a position"),
        (["field.fits", "far.csv", "--workers", "0"], "--workers is 0"),
    ],
)
def test_bad_input_is_reported(arguments: list[str], says: str) -> None:
    wcs = make_wcs()
    write_field("field.fits", wcs)
    fits.writeto("nowhere.fits", np.zeros(SHAPE, np.float32))
    Table({"id": [1], "flux": [2.0]}).write("cat.csv")
    Table({"id": [1], "ra": [10.0], "dec": [-40.0]}).write("far.csv")
    Table({"id": [1], "ra": ["unknown"], "dec": ["unknown"]}).write("lost.csv")
    said = run_failing("cutouts", *arguments, "-o", "out")
    assert says in " ".join(said.split())
    assert not Path("out").exists()


# --- side by side, and killed ----------------------------------------------------------------------------------------


def start_run(*options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "galaxtool", "cutouts", "field.fits", "cat.csv", "-o", "out", "--size", "40"]
    return subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_until_begun(run: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 120
    while not list(Path("out/cutouts.csv.unfinished").glob("part-*")):
        assert run.poll() is None and time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["fits", "hdf5"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_resumed_run_equals_an_uninterrupted_one(kind: str, number: signal.Signals) -> None:
    prepare(12_000)
    run = start_run("--kind", kind, "--workers", "2")
    wait_until_begun(run)
    run.send_signal(number)
    _, said = run.communicate(timeout=60)
    assert run.returncode == (130 if number == signal.SIGINT else -9)
    assert "Traceback" not in said
    assert not Path("out/cutouts.csv").exists()
    result = galaxtool.cutouts(
        ["field.fits", "cat.csv"], output=Path("out"), size=40, kind=kind, resume=True, workers=2
    )
    assert result.cut == 12_000
    run_cutouts("field.fits", "cat.csv", size=40, kind=kind, output="whole", workers=1)
    assert read_contents("out") == read_contents("whole")


@pytest.mark.slow
def test_the_manifest_is_a_catalogue_for_classify() -> None:
    from support.helpers import make_model

    wcs = make_wcs()
    write_field("field.fits", wcs)
    write_catalogue(wcs, [40, 300, 30], [30, 30, 20], mag=[1.5, 2.5, 3.5])
    model = make_model(Path("model"))
    for kind in ("fits", "png", "hdf5"):
        run_cutouts("field.fits", "cat.csv", size=32, output=kind, kind=kind)
        galaxtool.classify([f"{kind}/cutouts.csv"], model=str(model), output=Path(f"{kind}.ecsv"))
        table = read_table(Path(f"{kind}.ecsv"))
        assert table["id"].tolist() == ["o0", "o1", "o2"] and table["mag"].tolist() == [1.5, 2.5, 3.5]
        assert [bool(label) for label in np.ma.filled(table["label"], "")] == [True, False, True]
        assert table["in_flags"][1] == "OUTSIDE"
        np.testing.assert_allclose(table["ra"], read_table(Path("cat.csv"))["ra"])


def test_a_real_map_with_its_catalogue(shared_data: Path) -> None:
    folder = shared_data / "fits" / "radio_map"
    table = run_cutouts(str(folder / "1904-66_SIN.fits"), str(folder / "1904_comp.fits"), size=9)
    data = np.array([read_cutout(str(name))[0] for name in table["id"]])  # its column uuid
    assert len(table) == 51 and not any(np.ma.filled(table["error"], ""))
    bright = np.asarray(table["peak_flux"]) > 1
    middle = np.nanmax(data[:, 3:6, 3:6], axis=(1, 2))
    np.testing.assert_allclose(middle[bright], np.asarray(table["peak_flux"])[bright], rtol=0.25)
