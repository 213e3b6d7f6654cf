"""Measure the rate of `galaxtool cutouts` with one worker, and compare it with a loop of astropy's `Cutout2D`.

    python benchmarks/cutouts.py

The script writes a 10,000 x 10,000 image of float32 and a catalogue of random objects to a temporary folder, cuts
64 x 64 pixels around each object, and prints a Markdown table. The time runs from the open catalogue to the last byte.
For galaxtool it includes finding the image, flags, and the manifest, which the loop does not do.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.nddata import Cutout2D
from astropy.table import Table
from astropy.wcs import WCS
from startup import find_processor_name

from galaxtool.commands.cutouts import cutouts
from galaxtool.utils.run_directory import find_versions, utc_now

SIDE, SIZE, RUNS = 10_000, 64, 3
OBJECTS = {"fits": 10_000, "hdf5": 10_000, "zarr": 10_000, "png": 2_000}
PLAIN = 1_000
PUBLISHED = 566  # Cutana, cutouts per second and worker


def main() -> None:
    """Measure and print."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    about = find_versions()
    print(
        f"{utc_now()}, {platform.system()} {platform.machine()}, {find_processor_name()}, {os.cpu_count()} processors, "
        f"Python {about['python']}, astropy {about['astropy']}, galaxtool {about['galaxtool']}\n"
    )
    print(f"{SIZE} x {SIZE} from {SIDE:,} x {SIDE:,} float32; one process; best of {RUNS} runs.\n")
    print("| | cutouts | seconds | cutouts/s |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        image, ra, dec = make_field(folder)
        for kind, n in OBJECTS.items():
            catalogue = folder / f"{n}.parquet"
            Table({"id": np.arange(n), "ra": ra[:n], "dec": dec[:n]}).write(catalogue, overwrite=True)

            def run_galaxtool(kind: str = kind, catalogue: Path = catalogue) -> None:
                cutouts([image, catalogue], output=folder / kind, size=SIZE, kind=kind, workers=1, overwrite=True)

            measure(f"galaxtool cutouts --kind {kind}", n, run_galaxtool)
        measure("loop of Cutout2D and writeto", PLAIN, lambda: run_plain_loop(folder, image, ra[:PLAIN], dec[:PLAIN]))
    print(f"| Cutana, as published | | | {PUBLISHED} |")


def measure(label: str, n: int, work: Callable[[], None]) -> None:
    """Time `work`, which makes n cutouts, and print a row; a first run fills the caches and is not counted."""
    seconds = []
    for run in range(RUNS + 1):
        start = time.perf_counter()
        work()
        seconds.extend([time.perf_counter() - start] if run else [])
    print(f"| {label} | {n:,} | {min(seconds):.2f} | {n / min(seconds):,.0f} |", flush=True)


def make_field(folder: Path) -> tuple[Path, np.ndarray, np.ndarray]:
    """Write an image of noise; return its path, and the ra and dec of random positions in it."""
    rng = np.random.default_rng(0)
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.cdelt = [150.1, 2.2], [SIDE / 2, SIDE / 2], [-0.262 / 3600, 0.262 / 3600]
    image = folder / "field.fits"
    fits.writeto(image, rng.standard_normal((SIDE, SIDE), dtype=np.float32), wcs.to_header())
    x, y = rng.uniform(0, SIDE - 1, (2, max(OBJECTS.values())))
    ra, dec = wcs.all_pix2world(x, y, 0)
    return image, ra, dec


def run_plain_loop(folder: Path, image: Path, ra: np.ndarray, dec: np.ndarray) -> None:
    """Make the cutouts as shown in the documentation of astropy."""
    (folder / "plain").mkdir(exist_ok=True)
    with fits.open(image, memmap=True) as units:
        wcs = WCS(units[0].header)
        for number, (alpha, delta) in enumerate(zip(ra, dec, strict=True)):
            position = SkyCoord(alpha, delta, unit="deg")
            cutout = Cutout2D(units[0].data, position, SIZE, wcs=wcs, mode="partial", fill_value=np.nan)
            header = units[0].header.copy()
            header.update(cutout.wcs.to_header())
            fits.writeto(folder / "plain" / f"{number}.fits", cutout.data, header, overwrite=True)


if __name__ == "__main__":
    main()
