"""Compare the labels of the same objects as FITS and as pictures, through the whole command `galaxtool classify`.

    python benchmarks/fits_parity.py [--count 1000] [--radio FITS_FOLDER PICTURE_FOLDER]

New galaxies are simulated, of a split that no training reads, and written as FITS and as pictures in several ways: by
`galaxtool simulate --kind png`, with the stretch that `classify` applies to FITS; as a JPEG of it; by astropy's
`make_lupton_rgb` with its own factors of the bands; and of the r band alone, as FITS and as a gray PNG by astropy's
asinh and zscale. Each set is classified by the bundled `mini`. Printed is the share of objects with the same label as
the FITS file of the same bands, with its Wilson interval, and the accuracy of both.

``--radio`` classifies FITS cutouts and pictures of FIRST by `mini-radio`. The pictures bear their position in their
names (RA_Dec in degrees), and so do the FITS files of MiraBest; the nearest within 10 arcsec are compared.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table
from astropy.visualization import AsinhStretch, ImageNormalize, PercentileInterval, ZScaleInterval, make_lupton_rgb
from PIL import Image

from galaxtool.evaluation.intervals import make_wilson_entry
from galaxtool.tables.read import read_table

SEED = 20260
RADIUS = 10.0  # arcsec
_POSITION = re.compile(r"(?:^|_)(\d{1,3}\.\d+)_?([+-]?\d{1,3}\.\d+)_")


def main() -> None:
    """Compare and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000, help="number of simulated galaxies; 0 for none")
    parser.add_argument("--radio", type=Path, nargs=2, metavar=("FITS", "PICTURES"), help="folders of radio images")
    given = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    with tempfile.TemporaryDirectory() as folder:
        if given.count:
            compare_simulated(Path(folder), given.count)
        if given.radio:
            compare_radio(Path(folder), *given.radio)


def compare_simulated(folder: Path, count: int) -> None:
    """Print the share of simulated galaxies with the same label as FITS and as pictures."""
    run("simulate", "-n", count, "--split", "test", "--seed", SEED, "--kind", "fits", "-o", folder / "fits")
    run("simulate", "-n", count, "--split", "test", "--seed", SEED, "--kind", "png", "-o", folder / "png")
    write_variants(folder)
    truth = read_truth(folder / "fits")
    start = time.perf_counter()
    labels = {name: classify(folder / name, "mini") for name in ("fits", "png", "jpeg", "lupton", "band")}
    labels |= {name: classify(folder / name, "mini") for name in ("asinh", "zscale")}
    print(f"{count:,} galaxies, {7 * count:,} images classified in {time.perf_counter() - start:.0f} s\n")
    print("| pictures | beside | same label | 95 % interval | accuracy of the FITS files | of the pictures |")
    print("|---|---|---:|---|---:|---:|")
    for name, text, other in (
        ("png", "PNG of `simulate`, the stretch of `classify`", "fits"),
        ("jpeg", "JPEG of it, quality 90", "fits"),
        ("lupton", "PNG by astropy's `make_lupton_rgb`", "fits"),
        ("asinh", "gray PNG of r by astropy, asinh to 99.5 %", "band"),
        ("zscale", "gray PNG of r by astropy, zscale", "band"),
    ):
        show(text, "g, r, z" if other == "fits" else "r alone", labels[other], labels[name], truth)


def write_variants(folder: Path) -> None:
    """Write pictures of simulated galaxies in other ways, and their r band as FITS."""
    for name in ("jpeg", "lupton", "band", "asinh", "zscale"):
        (folder / name).mkdir()
    for path in sorted((folder / "png").rglob("*.png")):
        Image.open(path).convert("RGB").save(folder / "jpeg" / f"{path.stem}.jpg", quality=90)
    for path in sorted((folder / "fits").rglob("*.fits")):
        with fits.open(path) as hdus:
            g, r, z = np.asarray(hdus[0].data, dtype=np.float64)
            header = hdus[0].header
        # the factors of each band are those of the bands' noises, about, and the white is a bright core
        picture = make_lupton_rgb(z, 1.6 * r, 2.6 * g, minimum=-0.02, stretch=0.25, Q=8)
        Image.fromarray(picture[::-1]).save(folder / "lupton" / f"{path.stem}.png")
        for key in ("BANDS", "FILTER1", "FILTER2", "FILTER3"):
            header.remove(key, ignore_missing=True)
        header["FILTER"] = "r"
        fits.writeto(folder / "band" / f"{path.stem}.fits", r.astype(np.float32), header)
        stretches: dict[str, Callable[[np.ndarray], np.ndarray]] = {
            "asinh": ImageNormalize(r, PercentileInterval(99.5), stretch=AsinhStretch(0.1), clip=True),
            "zscale": ImageNormalize(r, ZScaleInterval(), clip=True),
        }
        for name, normalize in stretches.items():
            shown = np.rint(255 * np.asarray(normalize(r))).astype(np.uint8)
            Image.fromarray(shown[::-1]).save(folder / name / f"{path.stem}.png")


def compare_radio(folder: Path, images: Path, pictures: Path) -> None:
    """Print the share of radio sources with the same label as FITS and as pictures."""
    of_fits, of_pictures = classify(images, "mini-radio"), classify(pictures, "mini-radio")
    names, others = list(of_fits), list(of_pictures)
    index, separation, _ = locate(names).match_to_catalog_sky(locate(others))
    pairs = {names[i]: others[index[i]] for i in np.flatnonzero(separation.arcsec < RADIUS)}
    print(f"\n{len(names)} FITS files, of which {len(pairs)} have a picture within {RADIUS:g} arcsec.\n")
    print("| pictures | beside | same label | 95 % interval |\n|---|---|---:|---|")
    show("of FIRST", "FITS", {a: of_fits[a] for a in pairs}, {a: of_pictures[b] for a, b in pairs.items()})
    for name, other in pairs.items():
        if of_fits[name] != of_pictures[other]:
            print(f"\nDifferent: {name} is {of_fits[name]}, {other} is {of_pictures[other]}.")


def locate(names: list[str]) -> SkyCoord:
    """Return the positions in the names of files."""
    found = [_POSITION.search(f"{name}_") for name in names]
    if None in found:
        sys.exit(f"'{names[found.index(None)]}' does not bear a position.")
    return SkyCoord([(float(match[1]), float(match[2])) for match in found if match], unit="deg")


def show(
    text: str, beside: str, first: dict[str, str], second: dict[str, str], truth: dict[str, str] | None = None
) -> None:
    """Print a row on the labels of the same objects."""
    if first.keys() != second.keys():
        sys.exit(f"{text}: {len(first)} and {len(second)} objects, which are not the same.")
    names = list(first)
    entry = make_wilson_entry(float(np.mean([first[name] == second[name] for name in names])), len(names))
    row = [text, beside, f"{entry['value']:.3f}", f"{entry['low']:.3f} to {entry['high']:.3f}"]
    if truth is not None:
        row += [f"{np.mean([labels[name] == truth[name] for name in names]):.3f}" for labels in (first, second)]
    print(f"| {' | '.join(row)} |", flush=True)


def classify(folder: Path, model: str) -> dict[str, str]:
    """Return the label of each image of a folder by the name of its file without suffix."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "labels.parquet"
        run("classify", folder, "--model", model, "-o", path)
        table: Table = read_table(path)
    return {Path(str(row["path"])).stem: str(row["label"]) for row in table if not row["error"]}


def read_truth(folder: Path) -> dict[str, str]:
    """Return the class of each simulated galaxy by the name of its file without suffix."""
    table = read_table(folder / "labels.csv")
    return {Path(str(row["path"])).stem: str(row["label"]) for row in table}


def run(*arguments: object) -> None:
    """Run a command of galaxtool."""
    subprocess.run([sys.executable, "-m", "galaxtool", *map(str, arguments), "--quiet"], check=True)


if __name__ == "__main__":
    main()
