"""The files that commands in the documents name: small ones, with these names."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from support.helpers import write_fits, write_png
from support.training_helpers import run_command, write_class_folders

import galaxtool

FOLDERS = ("galaxies", "labelled", "real", "survey", "rings", "new", "images", "optical")
"""Folders of labelled pictures."""
TRAINED = ("mine", "first", "a", "b", "f1", "f2", "scratch", "seed0", "seed1", "seed2")
"""Runs of a training."""
SCORED = ("evaluation", "a", "b", "n1", "n2", "n3", "o1", "o2", "o3")
"""Evaluations of the same images."""
EXAMPLES = ("odd", "lens", "other_lens", "star", "merger", "a", "b", "c", "m51")
"""FITS files that are queries."""


def run_checked(*words: object) -> str:
    """Run a command that must work, and return what it printed."""
    code, out, err = run_command(*words)
    assert code == 0, f"galaxtool {' '.join(map(str, words))}\n{err}"
    return out


def write_documented_files(here: Path) -> None:
    """Write all files into this folder, which must be the working folder."""
    galaxtool.simulate(output="cutouts", n=60, size=64)
    images = sorted(Path("cutouts").rglob("*.fits"))
    with fits.open(images[0], mode="update") as file:
        file[0].header.update(CRVAL1=150.1, CRVAL2=2.2)
    for name, image in zip(EXAMPLES, images, strict=False):
        shutil.copy(image, f"{name}.fits")
    write_pictures(here)
    write_fields(images)
    write_tables(images)
    write_trained(images)


def write_pictures(here: Path) -> None:
    """Write folders of labelled pictures."""
    for number, name in enumerate(FOLDERS):
        write_class_folders(here / name, classes=("ring", "spiral"), each=6, first=number)
    for split, each in (("train", 4), ("valid", 2)):
        write_class_folders(here / "radio_labelled" / split, classes=("FR I", "FR II", "compact", "bent"), each=each)
    for number, (split, each) in enumerate((("train", 6), ("valid", 2), ("test", 3))):
        folder = here / "my_galaxies" / split
        write_class_folders(folder, classes=("round_smooth", "edge_on_with_bulge"), each=each, first=20 + 100 * number)
    write_class_folders(here / "gz2", classes=("smooth_round", "spiral"), each=6)
    write_class_folders(here / "gz1", classes=("spiral", "merger"), each=6, first=1)
    write_class_folders(here / "decals", classes=("merging", "disturbed"), each=6, first=2)
    write_class_folders(here / "ring_drawings_of", classes=("ring", "spiral"), each=1)
    (here / "ring_drawings").mkdir()
    for name in ("ring", "spiral"):
        shutil.copy(here / "ring_drawings_of" / name / "0.png", here / "ring_drawings" / f"{name}.png")
    for i in range(4):
        write_png(here / "radio_pictures" / f"p{i}.png", i, size=120)
        write_png(here / "queries" / f"q{i}.png", 90 + i)
        write_fits(here / "radio" / f"r{i}.fits", i, ra=10.0 + i, dec=0.0, size=120)
        write_fits(here / "first_cutouts" / f"r{i}.fits", i, ra=10.0 + i, dec=0.0, size=120)


def write_fields(images: Sequence[Path]) -> None:
    """Write images with a WCS, and the catalogue of their objects."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = ["RA---TAN", "DEC--TAN"], [150.0, 2.0], [100.5, 100.5]
    wcs.wcs.cdelt = [-0.262 / 3600, 0.262 / 3600]
    pixels = np.random.default_rng(0).normal(0, 0.01, (200, 200)).astype(np.float32)
    pixels[95:105, 95:105] += 1
    for name in ("field", "g", "r", "z", "field_g", "field_r", "field_z", "tiles/one"):
        path = Path(f"{name}.fits")
        path.parent.mkdir(exist_ok=True)
        fits.PrimaryHDU(pixels, wcs.to_header()).writeto(path)
    places = wcs.pixel_to_world([80.0, 120.0] * 6, np.linspace(60, 140, 12))
    rows = Table({"id": np.arange(12), "ra": places.ra.deg, "dec": places.dec.deg})
    rows["z"] = np.linspace(0.01, 0.2, 12)
    rows["bar_length"] = np.linspace(1, 9, 12)
    rows["path"] = [str(path) for path in images[:12]]
    rows["cutout_file"] = rows["path"]
    for name in ("catalogue.fits", "catalogue.csv"):
        rows.write(name)


def write_tables(images: Sequence[Path]) -> None:
    """Write tables of labels, of redshifts and of votes."""
    paths = [str(path) for path in images]
    names = ["ring" if i % 2 else "lens" for i in range(len(paths))]
    Table({"path": paths, "label": names, "class": names}).write("labelled.ecsv")
    table = Table({"path": paths, "label": ["merging" if i % 2 else "disturbed" for i in range(len(paths))]})
    table["morphology"], table["class"] = names, names
    table["confidence"], table["redshift"] = np.full(len(paths), 0.9), np.linspace(0.01, 0.2, len(paths))
    table["petro_mag"] = np.linspace(14, 18, len(paths))
    for name in ("labelled.csv", "labels.csv"):
        table.write(name)
    Table({"id": [f"images/{path.stem}" for path in images], "label": names}).write("truth.csv")
    Path("list.txt").write_text("".join(f"{path}\n" for path in paths))
    Path("my_recipe.toml").write_text('[finetune]\ndataset = ["{optical}"]\nmethod = "supervised"\n')


def write_trained(images: Sequence[Path]) -> None:
    """Write runs, evaluations, indexes and embeddings."""
    quick = ("--backbone", "small-resnet@none", "--epochs", "2", "--batch-size", "8", "--device", "cpu", "--readouts")
    run_checked("finetune", "cutouts", "-o", "runs/mine", *quick, "--method", "galaxalign-v3", "--test-fraction", "0.3")
    for name in TRAINED[1:]:
        shutil.copytree("runs/mine", f"runs/{name}")
    galaxtool.evaluate("cutouts", split="all", model="runs/mine", output="evaluation")
    for name in SCORED[1:]:
        shutil.copytree("evaluation", name)
    galaxtool.index(["cutouts"], output="survey_index")
    galaxtool.index(["galaxies"], output="north")
    galaxtool.index(["rings"], output="south")
    galaxtool.index(["my_galaxies"], output="my_index", model="runs/mine")
    shutil.copytree("survey_index", "galaxtool_index")
    galaxtool.embed(["cutouts", "galaxies"], output="features.parquet")
    shutil.copy("features.parquet", "embeddings.parquet")
    ids = galaxtool.read_table(Path("features.parquet"))["id"]
    Table({"id": ids, "redshift": np.linspace(0.01, 0.2, len(ids))}).write("catalog.csv")
