"""HDF5 files whose numbers are in other files, or were never written: never zeros in silence."""

import h5py
import numpy as np
import pytest

import galaxtool
from galaxtool.containers.reading import read_image
from galaxtool.datasets.open import open_dataset
from galaxtool.errors import GalaxtoolError, InputError, UnreadableImage
from galaxtool.inputs.gather import gather

N = 12
IMAGES = np.random.default_rng(0).integers(1, 255, (N, 16, 16, 3)).astype(np.uint8)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for part in (0, 1):
        with h5py.File(f"part{part}.h5", "w") as file:
            file["images"] = IMAGES[6 * part : 6 * part + 6]
    return tmp_path


def write_virtual(name, sources, n=N, dataset="images"):
    """Write a virtual array; `sources` are the first row, the one after the last, and the file."""
    layout = h5py.VirtualLayout(shape=(n, *IMAGES.shape[1:]), dtype="u1")
    for start, stop, file in sources:
        layout[start:stop] = h5py.VirtualSource(file, dataset, shape=(stop - start, *IMAGES.shape[1:]))
    with h5py.File(name, "w") as file:
        file.create_virtual_dataset("images", layout)
        file["labels"] = np.arange(n) % 2


def read(name):
    """Return the images that can be read by their number, and the messages of the others."""
    images, errors = {}, {}
    for row, item in enumerate(gather([name]).items):
        try:
            images[row] = read_image(item.ref).data[:, ::-1]
        except UnreadableImage as error:
            errors[row] = error.message
    return images, errors


def check_images(images, rows):
    assert sorted(images) == list(rows)
    for row, planes in images.items():
        np.testing.assert_array_equal(planes, IMAGES[row].transpose(2, 0, 1))


@pytest.mark.parametrize(
    ("sources", "rows"),
    [
        ([(0, 6, "part0.h5"), (6, 12, "part1.h5")], range(12)),
        ([(0, 6, "part0.h5"), (6, 12, "gone.h5")], range(6)),
        ([(0, 6, "part0.h5")], range(6)),
    ],
)
def test_rows_of_a_virtual_array_that_are_there(sources, rows):
    write_virtual("all.h5", sources)
    images, errors = read("all.h5")
    check_images(images, rows)
    assert sorted(errors) == list(range(len(rows), N))
    for message in errors.values():
        assert "'gone.h5', which does not exist" in message or "no source of the virtual array fills it" in message


def test_no_source_at_all_is_an_error_everywhere(folder):
    write_virtual("all.h5", [(0, N, "gone.h5")])
    said = "the values are in 'gone.h5', which does not exist"
    assert said in read("all.h5")[1][0]
    with pytest.raises(UnreadableImage, match=said):
        read_image("all.h5[images/3]")
    with pytest.raises(InputError, match=said):
        open_dataset("all.h5")
    for command in (galaxtool.classify, galaxtool.embed):
        with pytest.raises(GalaxtoolError):
            command(["all.h5"], output=folder / f"{command.__name__}.parquet")
    with pytest.raises(GalaxtoolError, match=r"gone\.h5"):
        galaxtool.index(["all.h5"], output=folder / "index")


def test_sources_that_are_wrong():
    write_virtual("name.h5", [(0, 6, "part0.h5")], 6, dataset="pixels")
    assert "'part0.h5', which has no array 'pixels'" in read("name.h5")[1][0]
    write_virtual("short.h5", [(0, N, "part0.h5")])
    assert "whose array 'images' has only the shape 6 x 16 x 16 x 3" in read("short.h5")[1][0]
    write_virtual("inner.h5", [(0, N, "gone.h5")])
    write_virtual("outer.h5", [(0, N, "inner.h5")])
    assert "in 'inner.h5', but the values are in 'gone.h5'" in read("outer.h5")[1][0]


def test_sources_in_the_same_file_and_in_another_folder(folder):
    (folder / "sub").mkdir()
    (folder / "part1.h5").rename("sub/part1.h5")
    write_virtual("down.h5", [(0, 6, "part0.h5"), (6, 12, "sub/part1.h5")])
    check_images(read("down.h5")[0], range(12))
    write_virtual("sub/up.h5", [(0, 6, "../part0.h5")], 6)
    assert "points to '../part0.h5', which is outside its folder" in read("sub/up.h5")[1][0]
    with h5py.File("same.h5", "w") as file:
        file["raw"] = IMAGES
        layout = h5py.VirtualLayout(shape=IMAGES.shape, dtype="u1")
        for row in range(16):  # row by row, so that each source has a part of every image
            layout[:, row] = h5py.VirtualSource(file["raw"])[:, row]
        file.create_virtual_dataset("images", layout)
    check_images(read("same.h5")[0], range(N))


def test_links():
    with h5py.File("link.h5", "w") as file:
        file["images"] = h5py.ExternalLink("part0.h5", "images")
        file["labels"] = np.arange(6) % 2
    check_images(read("link.h5")[0], range(6))
    assert [item.label for item in open_dataset("link.h5").items] == ["0", "1"] * 3
    with h5py.File("group.h5", "w") as file:
        file["survey"] = h5py.ExternalLink("part0.h5", "/")
    check_images(read("group.h5")[0], range(6))
    with h5py.File("gone.h5", "w") as file:
        file["images"] = h5py.ExternalLink("nowhere.h5", "images")
    assert "is a link to 'images' in 'nowhere.h5', which cannot be opened" in read("gone.h5")[1][0]
    with h5py.File("soft.h5", "w") as file:
        file["images"] = h5py.SoftLink("/nothing")
    assert "is a link to '/nothing', which does not exist" in read("soft.h5")[1][0]


def test_external_files(folder):
    for name in ("whole", "cut", "lost"):
        with h5py.File(f"{name}.h5", "w") as file:
            array = file.create_dataset("images", IMAGES.shape, "u1", external=[(f"{name}.raw", 0, IMAGES.nbytes)])
            array[:] = IMAGES
    (folder / "lost.raw").unlink()
    with (folder / "cut.raw").open("r+b") as stream:
        stream.truncate(100)
    check_images(read("whole.h5")[0], range(N))
    assert "the values are in 'lost.raw', which does not exist" in read("lost.h5")[1][0]
    assert "the values are in 'cut.raw', which is cut short" in read("cut.h5")[1][0]


def test_chunks_that_were_never_written():
    with h5py.File("a.h5", "w") as file:
        file.create_dataset("images", IMAGES.shape, "u1", chunks=(2, 8, 16, 3))[:6] = IMAGES[:6]
    images, errors = read("a.h5")
    check_images(images, range(6))
    assert all("the values were never written" in message for message in errors.values()) and len(errors) == 6
    with h5py.File("b.h5", "w") as file:
        file.create_dataset("images", IMAGES.shape, "u1")
    assert "the values were never written" in read("b.h5")[1][0]


def test_columns_that_are_not_there():
    with h5py.File("a.h5", "w") as file:
        file["images"] = IMAGES
        file.create_dataset("redshift", (N,), "f4")
    assert "'redshift' is left out, because the values were never written" in gather(["a.h5"]).pixel_notes[0]
    layout = h5py.VirtualLayout(shape=(N,), dtype="i4")
    layout[:] = h5py.VirtualSource("gone.h5", "labels", shape=(N,))
    with h5py.File("b.h5", "w") as file:
        file["images"] = IMAGES
        file.create_virtual_dataset("labels", layout)
    with pytest.raises(InputError, match=r"The array .labels. in .b\.h5. cannot be read: the values are in .gone\.h5."):
        open_dataset("b.h5")


def test_a_filter_that_is_not_installed_is_named():
    settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    settings.set_chunk((1, 16, 16, 3))
    settings.set_filter(32001, h5py.h5z.FLAG_OPTIONAL, (2, 2, 1, 768, 5, 1, 1))
    with h5py.File("a.h5", "w") as file:
        h5py.h5d.create(file.id, b"images", h5py.h5t.NATIVE_UINT8, h5py.h5s.create_simple(IMAGES.shape), settings)
    if h5py.h5z.filter_avail(32001):
        pytest.skip("blosc is installed")
    assert "compressed by blosc, which is not installed (pip install hdf5plugin)" in read("a.h5")[1][0]
