"""Write simulated galaxies to a folder, as FITS with a WCS or as PNG, with their labels and parameters."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from astropy.io import fits
from astropy.wcs import WCS
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from galaxtool import __version__
from galaxtool.errors import ConfigError
from galaxtool.simulation.galaxy import PARAMETERS, SimulatedGalaxy
from galaxtool.simulation.sample import SPLIT_CODES, choose_class, describe_object, simulate_object
from galaxtool.tables.column_names import LABELS_FILE
from galaxtool.types import Cutout, Progress, Silent
from galaxtool.utils.captions import join_captions
from galaxtool.utils.files.atomic_write import atomic_write
from galaxtool.vision.stretch import to_display

COLUMNS = ("path", "label", "ra", "dec", *PARAMETERS, "properties", "caption")
"""Columns of ``labels.csv``."""


def write_cutouts(
    folder: Path,
    *,
    n: int,
    seed: int = 0,
    size: int = 256,
    split: str = "train",
    kind: str = "fits",
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Write `n` simulated galaxies and ``labels.csv``, replacing existing files of the same names.

    Parameters
    ----------
    folder : Path
        Output folder, created if necessary. Images are written to its folder ``images``.
    n : int
        Number of galaxies; the classes take turns.
    seed : int
        Random seed, not negative. Object i of a split does not depend on `n`.
    size : int
        Side of the images in pixels; the field of view stays 67 arcsec.
    split : {"train", "valid", "test"}
        Split; splits have no objects in common.
    kind : {"fits", "png"}
        Format. FITS has one primary HDU, float32 (3, size, size) in nanomaggies, with a celestial WCS. PNG has the
        display stretch.
    progress : Progress, optional
        Where progress is shown.

    Returns
    -------
    list of dict
        The rows of ``labels.csv`` with the columns of `COLUMNS`; parameters that do not apply are empty.

    Raises
    ------
    ConfigError
        If the value of an option is not valid.
    """
    if kind not in _WRITERS:
        raise ConfigError(f"Simulated galaxies cannot be written as '{kind}'.", hint="Use fits or png.")
    if split not in SPLIT_CODES:
        raise ConfigError(f"There is no split called '{split}'.", hint="Use train, valid or test.")
    if n < 1 or seed < 0:
        raise ConfigError(
            f"Cannot simulate n={n} galaxies with seed {seed}.", hint="n must be 1 or more, seed 0 or more."
        )
    progress = progress or Silent()
    progress.start("simulating", n)
    folder = Path(folder)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    rows = []
    for index in range(n):
        slug, simulated = choose_class(index), simulate_object(seed, split, index, size)
        path = f"images/sim-{split}-{index:06d}.{kind}"
        cards = {"SIMCLASS": slug, "SEED": seed, "SPLIT": split, "SIMINDEX": index}
        try:
            _WRITERS[kind](folder / path, simulated.cutout, cards)
        except OSError:
            (folder / path).unlink(missing_ok=True)  # half a file
            raise
        captions = describe_object(seed, split, index, simulated.properties)
        rows.append(_make_row(path, slug, simulated, captions))
        progress.advance()
    with (
        atomic_write(folder / LABELS_FILE) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as stream,
    ):
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return rows


def _make_row(path: str, slug: str, simulated: SimulatedGalaxy, captions: Sequence[str]) -> dict[str, Any]:
    cutout = simulated.cutout
    rounded = {name: round(value, 4) for name, value in simulated.parameters.items()}
    position = {"ra": round(cutout.ra or 0.0, 7), "dec": round(cutout.dec or 0.0, 7)}
    words = {"properties": " ".join(sorted(simulated.properties)), "caption": join_captions(captions)}
    return {"path": path, "label": slug} | position | {name: rounded.get(name, "") for name in PARAMETERS} | words


def make_wcs(cutout: Cutout) -> WCS:
    """Return the TAN projection of a cutout with known position and scale: centred, north up, east left."""
    ny, nx = cutout.data.shape[1:]
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [cutout.ra, cutout.dec]
    wcs.wcs.crpix = [(nx + 1) / 2, (ny + 1) / 2]
    scale = (cutout.pixel_scale or 0.0) / 3600
    wcs.wcs.cdelt = [-scale, scale]
    wcs.wcs.cunit = ["deg", "deg"]
    wcs.wcs.radesys = "ICRS"
    return wcs


def _write_fits(path: Path, cutout: Cutout, cards: dict[str, Any]) -> None:
    header = make_wcs(cutout).to_header()
    header["WCSAXES"] = 2
    header["BUNIT"] = (cutout.unit, "per 0.262 arcsec pixel at any pixel scale")
    header["BANDS"] = ("".join(cutout.bands), "bands along axis 3")
    for number, band in enumerate(cutout.bands, start=1):
        header[f"FILTER{number}"] = (band, f"plane {number}")
    header.update(cards)
    header["OBJECT"] = f"sim-{cards['SPLIT']}-{cards['SIMINDEX']:06d}"
    header["ORIGIN"] = "galaxtool"
    header["CREATOR"] = f"galaxtool {__version__}"
    content = io.BytesIO()  # astropy would hide why a disk refuses it
    fits.PrimaryHDU(cutout.data, header).writeto(content)
    path.write_bytes(content.getvalue())


def _write_png(path: Path, cutout: Cutout, cards: dict[str, Any]) -> None:
    text = PngInfo()
    for name, value in (cards | {"ORIGIN": "galaxtool"}).items():
        text.add_text(name, str(value))
    Image.fromarray(to_display(cutout)).save(path, pnginfo=text)


_WRITERS = {"fits": _write_fits, "png": _write_png}
