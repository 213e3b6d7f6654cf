"""Pages and folders that `merge` makes are those of a single run, whatever the images are."""

from __future__ import annotations

import os
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from support.helpers import make_model, write_fits, write_png
from support.training_helpers import run_command, run_failing

BANDS = "{id}_{band}.fits"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def done(*words: object) -> str:
    code, _, err = run_command(*words)
    assert code == 0, err
    return err


def shards(*words: object, model: Path) -> None:
    for shard in ("1/2", "2/2"):
        done("classify", *words, "--model", model, "--batch-size", 2, "-o", "p.csv", "--shard", shard)


def pages(*words: object, model: Path) -> str:
    """Return the page of a single run, which that of two shards must be too."""
    done("classify", *words, "--model", model, "--batch-size", 2, "-o", "p.csv", "--html", "p.html", "--quiet")
    alone, table = Path("p.html").read_bytes(), Path("p.csv").read_bytes()
    shards(*words, model=model)
    done("merge", "p.csv", "--html", "p.html")
    assert Path("p.html").read_bytes() == alone and Path("p.csv").read_bytes() == table
    return alone.decode()


def pictures(page: str) -> int:
    assert "cannot be read any more" not in page
    return len(set(page.split('src="data:image/')[1:]))


def write_bands() -> None:
    for i in range(5):
        for k, band in enumerate("grz"):
            write_fits(Path(f"bands/{i}_{band}.fits"), 10 * k + i, ra=10.0 + i, dec=0.0)


@pytest.mark.slow
def test_a_file_for_each_band(model: Path) -> None:
    write_bands()
    page = pages("bands", "--pattern", BANDS, "--bands", "z,r,g", model=model)
    assert pictures(page) >= 5
    gray = pages("bands", "--pattern", BANDS, "--bands", "r", model=model)
    assert set(gray.split('src="data:image/')[1:]).isdisjoint(page.split('src="data:image/')[1:])


def test_a_catalogue_with_a_column_for_each_band(model: Path) -> None:
    write_bands()
    columns = {f"{band}_path": [f"bands/{i}_{band}.fits" for i in range(5)] for band in "grz"}
    Table({"objid": range(5), **columns}).write("catalogue.csv")
    assert pictures(pages("catalogue.csv", "--image-column", "{band}_path", model=model)) >= 5


def test_archives_stacks_and_hdus(model: Path) -> None:
    for i in range(3):
        write_png(Path(f"in/{i}.png"), i)
    with tarfile.open("survey.tar", "w") as tar:
        tar.add("in", "in")
    planes = np.random.default_rng(0).normal(size=(3, 40, 40)).astype(np.float32)
    np.save("stack.npy", planes[:, None])
    fits.HDUList([fits.PrimaryHDU(), *map(fits.ImageHDU, planes)]).writeto("objects.fits")
    assert pictures(pages("survey.tar", "stack.npy", "objects.fits", "--each-hdu", model=model)) >= 6


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text here")
def test_names_that_are_no_text(model: Path) -> None:
    for i in range(3):
        write_png(Path("in/a.png"), i).rename(os.fsdecode(f"in/{i}".encode() + b"\xff.png"))
    assert pictures(pages("in", model=model)) >= 3


def test_images_that_are_not_there_any_more(model: Path) -> None:
    write_bands()
    shards("bands", "--pattern", BANDS, model=model)
    for n in (0, 1):
        (Path("bands") / f"{n}_g.fits").unlink()
    assert "no longer exist" not in done("merge", "p.csv", "--html", "p.html", "--keep")  # two bands still are
    for n in (0, 1):
        for band in "rz":
            (Path("bands") / f"{n}_{band}.fits").unlink()
    said = done("merge", "p.csv", "--html", "p.html", "--keep")
    assert "1 of 3 images that were checked no longer exist; the first is 'bands/0_g.fits'" in said
    assert "The image cannot be read any more." in Path("p.html").read_text(encoding="utf-8")
    Path("p.csv").unlink()
    Path("bands").rename("elsewhere")
    for more in (("--html", "q.html"), ("--sort-into", "sorted")):
        said = run_failing("merge", "p.csv", *more)
        assert "no longer exist: the first is 'bands/0_g.fits'" in said and "the folder in which the jobs" in said
        assert not any(Path(name).exists() for name in ("p.csv", "q.html", "sorted"))
    done("merge", "p.csv")
