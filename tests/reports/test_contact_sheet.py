"""Contact sheets: styles, scale bars, and PDF pages with text as vectors."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.helpers import make_model

import galaxtool
from galaxtool.errors import ConfigError
from galaxtool.reports.contact_sheet import Tile, draw_contact_sheet, write_contact_sheet
from galaxtool.reports.sheet_layout import STYLES, choose_bar_length

TILES = [
    Tile(np.full((96, 96, 3), 90, np.uint8), "$x_1$ [/a]", "query", chosen=True, scale=0.5),
    Tile(np.full((40, 20, 3), 250, np.uint8), "tall", "1: 0.9", scale=2.0),
    Tile(None, "gone", "2: 0.8", "file is missing"),
]


def find_bar(picture: np.ndarray) -> int:
    """Return the length of the longest white run in the lower part of a picture, in pixels."""
    rows = (picture[len(picture) * 3 // 4 :] == 255).all(axis=-1)
    return max(max(map(len, "".join("x" if white else " " for white in row).split()), default=0) for row in rows)


def test_bars_have_the_length_that_they_state() -> None:
    pixels = np.asarray(draw_contact_sheet(TILES, "title"))
    first, second = pixels[52:244, 16:208], pixels[52:244, 224:416]
    # 96 pixels of 0.5 arcsec are 48 arcsec on 192 pixels, and 10 arcsec are 40 pixels
    assert find_bar(first) == 40 and choose_bar_length(48) == 10
    # a picture of 20 x 40 pixels is enlarged 4.8 times, and as wide as 40 arcsec
    assert find_bar(second) == 24 and choose_bar_length(40) == 10


@given(st.floats(0.3, 1e4))
def test_a_bar_is_between_a_tenth_and_four_tenths_of_the_picture(side: float) -> None:
    length = choose_bar_length(side)
    assert length is not None and length <= 0.4 * side
    assert length == 3600 or length >= 0.1 * side


def test_no_bar_where_no_round_length_fits() -> None:
    assert choose_bar_length(0.2) is None
    tile = Tile(np.zeros((10, 10, 3), np.uint8), "", scale=0.001)
    assert find_bar(np.asarray(draw_contact_sheet([tile], ""))[52:244, 16:208]) == 0


@pytest.mark.parametrize("style", STYLES)
def test_styles_differ_in_colours_only(style: str) -> None:
    pixels = np.asarray(draw_contact_sheet(TILES, "title", style=style))
    ground = STYLES[style].ground
    assert pixels.shape == (314, 3 * 208 + 16, 3) and (pixels[0] == ground).all() and (pixels[:, -1] == ground).all()
    text = pixels[16:40, 16:100].reshape(-1, 3).astype(int)
    assert np.abs(text - ground).max() > 150  # the title stands out
    assert tuple(pixels[52 + 20, 16 + 100]) == (90, 90, 90)


def test_a_pdf_page_has_text_as_text_and_pictures_as_they_are(tmp_path: Path) -> None:
    write_contact_sheet(tmp_path / "sheet.pdf", TILES, "Similar to $x_1$", style="light")
    content = (tmp_path / "sheet.pdf").read_bytes()
    assert content.startswith(b"%PDF") and b"/FontFile2" in content and b"/Type3" not in content
    assert b"/Width 96" in content and b"/Width 20" in content  # not resampled
    streams = [part for part in content.split(b"stream\n")[1:] if part[:1] == b"x"]
    page = max((zlib.decompressobj().decompress(part) for part in streams), key=lambda data: data.count(b" Tf\n"))
    assert page.count(b"BT\n") >= 8  # a title, two lines for each tile, a note and two bars


def test_similar_writes_sheets_of_each_kind(tmp_path: Path, in_an_empty_folder: None) -> None:
    y, x = np.mgrid[:80, :80] - 40.0
    header = fits.Header({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRPIX1": 40, "CRPIX2": 40, "CRVAL1": 10.0})
    header.update({"CRVAL2": 5.0, "CDELT1": -0.5 / 3600, "CDELT2": 0.5 / 3600})
    for i in range(3):
        fits.writeto(f"{i}.fits", np.exp(-np.hypot(x, y * (i + 1)) / 5).astype(np.float32), header)
    model = str(make_model(tmp_path / "tiny"))
    galaxtool.index(["0.fits", "1.fits", "2.fits"], output=Path("idx"), model=model)
    for name in ("s.pdf", "s.jpg", "s.png"):
        found = galaxtool.similar("1.fits", index=Path("idx"), sheet=Path(name), sheet_style="light")
        assert found.sheet == name
    assert Path("s.pdf").read_bytes().startswith(b"%PDF")
    pixels = np.asarray(Image.open("s.png"))
    assert (pixels[0, 0] == 255).all()
    assert find_bar(pixels[52:244, 16:208]) == 48  # 80 pixels of 0.5 arcsec on 192: 10 arcsec are 48 pixels
    with pytest.raises(ConfigError, match="is not the name of a table") as caught:
        galaxtool.similar("1.fits", index=Path("idx"), output=Path("sheet.pdf"))
    assert "--sheet sheet.pdf" in caught.value.hint
    with pytest.raises(ConfigError, match=r"--sheet-style is 'lite'.*'light'"):
        galaxtool.similar("1.fits", index=Path("idx"), sheet_style="lite")
