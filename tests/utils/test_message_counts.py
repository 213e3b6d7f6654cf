"""Test the nouns after numbers, and the words for a row of a catalogue without a path."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from support.training_helpers import run_command

from galaxtool.utils.counts import format_count, format_skipped
from galaxtool.utils.files.path_texts import explain_lacking_path, make_lacking_path


@pytest.mark.parametrize(("n", "images", "skipped"), [
    (0, "0 images", "0 files were skipped"), (1, "1 image", "1 file was skipped"),
    (1234, "1,234 images", "1,234 files were skipped"),
])  # fmt: skip
def test_a_number_has_its_noun(n: int, images: str, skipped: str) -> None:
    assert format_count(n, "image") == images and format_skipped(n) == skipped


def test_only_a_row_without_a_path_is_explained() -> None:
    assert explain_lacking_path(f"cat/{make_lacking_path(1)}") == "The catalogue in 'cat' has no path in row 2."
    assert explain_lacking_path(make_lacking_path(0)) == "The catalogue in '.' has no path in row 1."
    assert not explain_lacking_path("cat/row 2.fits") and not explain_lacking_path("cat/(no path in row 2).fits")


def test_one_object_cut_and_one_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    header = fits.Header({
        "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.0, "CRPIX1": 64.5, "CRPIX2": 64.5,
        "CDELT1": -1 / 3600, "CDELT2": 1 / 3600,
    })  # fmt: skip
    pixels = np.random.default_rng(0).normal(size=(128, 128)).astype("f4")
    fits.writeto("field.fits", pixels, header)
    Path("objects.csv").write_text("id,ra,dec\na,150.0,2.0\nb,10.0,2.0\n")
    code, printed, _ = run_command("cutouts", "field.fits", "objects.csv", "-o", "cut")
    assert code == 0 and "1 cutout in cut; 1 object without one" in printed
    code, printed, said = run_command("classify", "cut/cutouts.csv", "-o", "p.csv")
    said = " ".join(said.split())
    assert code == 0 and "2 rows in p.csv" in printed
    assert "The catalogue in 'cut' has no path in row 2." in said and "There is no file" not in said
