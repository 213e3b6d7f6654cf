"""Chunks of HDF5 files are read in a child process: one that ends it, or takes too long, costs the images in it."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from galaxtool.containers.hdf5 import child as hdf5_child
from galaxtool.containers.hdf5.container import Hdf5Container
from galaxtool.containers.hdf5.values import Hdf5Values
from galaxtool.errors import UnreadableImage
from galaxtool.images.read_options import PLAIN
from galaxtool.utils.guarded_child import GuardedChild

IMAGES = np.random.default_rng(0).normal(size=(12, 16, 16)).astype(np.float32)

# stands for a library that dies over one chunk, or never ends it
DEADLY = """
import os, signal, time
import galaxtool.containers.hdf5.child as child
def answer(request):
    rows = range(12)[request.part] if request.name and isinstance(request.part, slice) else ()
    if 5 in rows: HARM
    return child.answer(request)
"""


def write(path: Path, **layout: object) -> Path:
    with h5py.File(path, "w") as file:
        file.create_dataset("images", data=IMAGES, **layout)
        file["id"] = [f"n{i}" for i in range(12)]
        file.create_dataset("z", data=np.arange(12.0), chunks=(4,), compression="gzip")
    return path


@pytest.mark.parametrize(
    ("layout", "plain"),
    [({}, True), ({"chunks": (4, 16, 16)}, False), ({"chunks": (1, 8, 8), "compression": "lzf"}, False)],
)
def test_values_are_the_same_in_a_child(layout: dict[str, object], plain: bool, tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", **layout)
    with h5py.File(path) as file:
        assert Hdf5Values(path, "images", file["images"]).is_plain == plain
    members = list(Hdf5Container().members(path))
    assert [(member.name, member.columns["z"]) for member in members] == [(f"n{i}", i) for i in range(12)]
    stack = Hdf5Container().open(path)
    for row, member in enumerate(members):
        np.testing.assert_array_equal(stack.read(member.key, PLAIN).data, IMAGES[row][None])
    if not plain:
        with h5py.File(path, "a") as file:  # the child holds no lock
            file["more"] = 1


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "was ended by SIGSEGV"),
        pytest.param("time.sleep(60)", "without an end within 5 s", marks=pytest.mark.slow),
    ],
    ids=["ends", "delays"],
)
def test_a_chunk_that_ends_or_delays_the_child_costs_its_images(
    harm: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deadly_hdf5.py").write_text(DEADLY.replace("HARM", harm))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(hdf5_child, "_child", GuardedChild("deadly_hdf5:answer"))
    monkeypatch.setattr(hdf5_child, "_SECONDS", 5.0)
    path = write(tmp_path / "a.h5", chunks=(2, 16, 16), compression="gzip")
    stack = Hdf5Container().open(path)
    errors = {}
    for row in range(12):
        try:
            np.testing.assert_array_equal(stack.read(f"images/{row}", PLAIN).data, IMAGES[row][None])
        except UnreadableImage as error:
            errors[row] = error.message
    assert sorted(errors) == [4, 5] and says in errors[5]
    hdf5_child._child._stop()
