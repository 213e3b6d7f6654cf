"""HDF5 files that point elsewhere: only regular files below their own folder are opened."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from galaxtool.containers.reading import read_image
from galaxtool.errors import GalaxtoolError
from galaxtool.types import ImageRef

IMAGES = np.random.default_rng(0).integers(1, 255, (4, 16, 16)).astype(np.uint8)
Write = Callable[[h5py.File, str], None]


def link(file: h5py.File, target: str) -> None:
    file["images"] = h5py.ExternalLink(target, "/images")


def link_group(file: h5py.File, target: str) -> None:
    file["deep/group"] = h5py.ExternalLink(target, "/")


def store(file: h5py.File, target: str) -> None:
    file.create_dataset("images", IMAGES.shape, "u1", external=[(target, 0, IMAGES.nbytes)])


def compose(file: h5py.File, target: str) -> None:
    layout = h5py.VirtualLayout(shape=IMAGES.shape, dtype="u1")
    layout[:] = h5py.VirtualSource(target, "images", shape=IMAGES.shape)
    file.create_virtual_dataset("images", layout)


def compose_endlessly(file: h5py.File, target: str) -> None:
    layout = h5py.VirtualLayout(shape=IMAGES.shape, dtype="u1", maxshape=(None, 16, 16))
    source = h5py.VirtualSource(target, "images", shape=IMAGES.shape, maxshape=(None, 16, 16))
    layout[0 : h5py.h5s.UNLIMITED] = source[0 : h5py.h5s.UNLIMITED]
    file.create_virtual_dataset("images", layout)


WAYS = [link, link_group, store, compose, compose_endlessly]


@pytest.fixture
def private(tmp_path: Path) -> Path:
    (tmp_path / "private").mkdir()
    with h5py.File(tmp_path / "private" / "secret.h5", "w") as file:
        file.create_dataset("images", data=IMAGES, maxshape=(None, 16, 16), chunks=(1, 16, 16))
    (tmp_path / "mailed").mkdir()
    return tmp_path / "private" / "secret.h5"


def write(path: Path, way: Write, target: str) -> Path:
    with h5py.File(path, "w") as file:
        way(file, target)
    return path


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("form", ["absolute", "relative", "symlink"])
def test_files_outside_are_not_opened(
    way: Write, form: str, private: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "mailed"
    monkeypatch.chdir(folder)
    if form == "symlink":
        (folder / "part.h5").symlink_to(private)
    target = {"absolute": str(private), "relative": "../private/secret.h5", "symlink": "part.h5"}[form]
    path = write(folder / "a.h5", way, target)
    with pytest.raises(GalaxtoolError, match="outside its folder"):
        read_image(ImageRef(path, "hdf5", "images/0"))


@pytest.mark.parametrize("way", WAYS)
def test_pipes_are_not_opened(way: Write, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.h5")
    path = write(tmp_path / "a.h5", way, str(tmp_path / "pipe.h5"))
    with pytest.raises(GalaxtoolError, match="not a regular file"):
        read_image(ImageRef(path, "hdf5", "images/0"))
    with pytest.raises(GalaxtoolError, match="pipe"):
        read_image(ImageRef(tmp_path / "pipe.h5", "hdf5", "images/0"))


@pytest.mark.parametrize("way", [link, store, compose])
def test_files_below_the_folder_are_read(way: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "parts").mkdir()
    with h5py.File("parts/p.h5", "w") as file:
        file.create_dataset("images", data=IMAGES, maxshape=(None, 16, 16), chunks=(1, 16, 16))
    (tmp_path / "parts/p.raw").write_bytes(IMAGES.tobytes())
    path = write(tmp_path / "a.h5", way, "parts/p.raw" if way is store else "parts/p.h5")
    image = read_image(ImageRef(path, "hdf5", "images/2"))
    np.testing.assert_array_equal(image.data[0, ::-1], IMAGES[2])


def test_a_name_that_is_no_hdf5_beside_the_file_does_not_lead_to_one_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, folder = tmp_path / "home", tmp_path / "mailed"
    home.mkdir()
    folder.mkdir()
    with h5py.File(home / "data.h5", "w") as file:
        file["images"] = IMAGES
    (folder / "data.h5").write_text("HDF5 tries the working folder after this")
    path = write(folder / "a.h5", link, "data.h5")
    monkeypatch.chdir(home)
    with pytest.raises(GalaxtoolError, match="outside its folder"):
        read_image(ImageRef(path, "hdf5", "images/0"))


def test_a_part_may_not_lead_out_either(private: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mailed"
    write(folder / "b.h5", link, str(private))
    path = write(folder / "a.h5", link, "b.h5")
    with pytest.raises(GalaxtoolError, match=r"b\.h5' points to .*outside its folder"):
        read_image(ImageRef(path, "hdf5", "images/0"))


@pytest.mark.parametrize(
    "seeds", [range(25), pytest.param(range(1000, 4000), marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_random_pointers_never_lead_out(
    seeds: range, private: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "mailed"
    monkeypatch.chdir(folder)
    (folder / "sub").mkdir()
    targets = ["../private/secret.h5", str(private), "sub/../../private/secret.h5", "./../private/./secret.h5"]
    for seed in seeds:
        rng = random.Random(seed)
        path = folder / f"{seed}.h5"
        with h5py.File(path, "w") as file:
            group = file.create_group("/".join(rng.choices("abc", k=rng.randrange(1, 4))))
            rng.choice([link, store, compose])(group, rng.choice(targets))
            file["soft"] = h5py.SoftLink(f"{group.name}/images")
        for key in ("soft/0", f"{group.name}/images/0"):
            with pytest.raises(GalaxtoolError, match="outside its folder"):
                read_image(ImageRef(path, "hdf5", key))
