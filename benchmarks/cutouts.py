"""How many cutouts of 64 x 64 pixels one worker makes each second, beside a loop of astropy's `Cutout2D`.

    python benchmarks/cutouts.py

A 10,000 x 10,000 image of float32 is made in a temporary folder, with a catalogue of objects at random. Everything is
timed from the open catalogue to the last byte, so that galaxtool's time has in it what it does more: finding the
image, flags, the manifest. Prints Markdown.
"""

from __future__ import annotations

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
from startup import processor

from galaxtool.commands.cutouts import cutouts
from galaxtool.utils.run_directory import find_versions, utc_now

SIDE, SIZE, RUNS = 10_000, 64, 3
OBJECTS = {"fits": 10_000, "hdf5": 10_000, "zarr": 10_000, "png": 2_000}
PLAIN = 1_000
PUBLISHED = 566  # Cutana, cutouts per second and worker


def main() -> None:
    """Measure and print."""
    about = find_versions()
    print(
        f"{utc_now()}, {platform.system()} {platform.machine()}, {processor()}, {os.cpu_count()} processors, "
        f"Python {about['python']}, astropy {about['astropy']}, galaxtool {about['galaxtool']}\n"
    )
    print(f"{SIZE} x {SIZE} out of {SIDE:,} x {SIDE:,} float32; one process; best of {RUNS} runs.\n")
    print("| | cutouts | seconds | cutouts/s |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        image, ra, dec = make_field(folder)
        for kind, n in OBJECTS.items():
            catalogue = folder / f"{n}.parquet"
            Table({"id": np.arange(n), "ra": ra[:n], "dec": dec[:n]}).write(catalogue, overwrite=True)

            def ours(kind: str = kind, catalogue: Path = catalogue) -> None:
                cutouts([image, catalogue], output=folder / kind, size=SIZE, kind=kind, workers=1, overwrite=True)

            show(f"galaxtool cutouts --kind {kind}", n, ours)
        show("loop of Cutout2D and writeto", PLAIN, lambda: plain_loop(folder, image, ra[:PLAIN], dec[:PLAIN]))
    print(f"| Cutana, as published | | | {PUBLISHED} |")


def show(what: str, n: int, work: Callable[[], None]) -> None:
    """Time some work and print a row; the first run fills the caches and does not count."""
    taken = []
    for run in range(RUNS + 1):
        start = time.perf_counter()
        work()
        taken.extend([time.perf_counter() - start] if run else [])
    print(f"| {what} | {n:,} | {min(taken):.2f} | {n / min(taken):,.0f} |", flush=True)


def make_field(folder: Path) -> tuple[Path, np.ndarray, np.ndarray]:
    """Write an image of noise; return it with positions at random in it."""
    rng = np.random.default_rng(0)
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.cdelt = [150.1, 2.2], [SIDE / 2, SIDE / 2], [-0.262 / 3600, 0.262 / 3600]
    image = folder / "field.fits"
    fits.writeto(image, rng.standard_normal((SIDE, SIDE), dtype=np.float32), wcs.to_header())
    x, y = rng.uniform(0, SIDE - 1, (2, max(OBJECTS.values())))
    ra, dec = wcs.all_pix2world(x, y, 0)
    return image, ra, dec


def plain_loop(folder: Path, image: Path, ra: np.ndarray, dec: np.ndarray) -> None:
    """Do it as the documentation of astropy shows it."""
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
