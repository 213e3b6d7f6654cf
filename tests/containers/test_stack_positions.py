"""Positions of stacks that are not read, or may be in another unit, are said."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from galaxtool.containers.hdf5.container import Hdf5Container


@pytest.mark.parametrize(
    ("arrays", "unit", "words"),
    [
        ({"ra": [187.7, 187.8], "dec": [12.4, 12.5]}, "", ""),
        ({"coord_ra": [187.7, 187.8], "coord_dec": [12.4, 12.5]}, "", ""),
        ({"coord_ra": [3.27, 3.28], "coord_dec": [0.21, 0.22]}, "rad", ""),
        ({"coord_ra": [3.27, 3.28], "coord_dec": [0.21, 0.22]}, "", "would fit radians"),
        ({"ra": [187.7, 187.8], "dec": [12.4, 12.5]}, "parsec", "their unit is 'parsec'"),
        ({"ra": [b"12:30:48"] * 2, "dec": [b"+12:24:00"] * 2}, "", "they are not numbers"),
        ({"GLON": [187.7, 187.8], "GLAT": [12.4, 12.5]}, "", "their frame is not ICRS"),
    ],
)
def test_doubtful_arrays_are_said(arrays: dict[str, list[float]], unit: str, words: str, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "s.h5", "w") as file:
        file["images"] = np.zeros((2, 3, 12, 12), np.uint8)
        for name, values in arrays.items():
            file[name] = values
            if unit:
                file[name].attrs["unit"] = unit
    container = Hdf5Container()
    (first, _) = container.members(tmp_path / "s.h5")
    notes = [note for note in container.notes if "the arrays" in note]
    assert len(notes) == bool(words) and words in "".join(notes)
    assert (first.ra is None) == (bool(words) and "radians" not in words)
