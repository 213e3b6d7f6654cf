"""Fixtures of a model and of images that several test files score."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.helpers import SLUGS, make_model, write_fits


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("evaluate") / "model")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a labels.csv of 12 labelled images, one without a label, and one that is broken."""
    folder = tmp_path_factory.mktemp("images")
    lines = ["path,label,mag,truth,p_value"]
    for seed in range(12):
        write_fits(folder / f"{seed}.fits", seed, size=24)
        lines.append(f"{seed}.fits,{SLUGS[seed % 3]},{15 + seed},x,0.5")
    write_fits(folder / "unknown.fits", 99, size=24)
    (folder / "broken.fits").write_bytes(b"SIMPLE  = no")
    lines += ["unknown.fits,,20,x,0.5", f"broken.fits,{SLUGS[0]},21,x,0.5"]
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder
