"""Galaxy10 SDSS and the development kit of Radio Galaxy Zoo, on small files of the published layout."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from galaxtool.datasets.open import open_dataset
from galaxtool.datasets.published.galaxy10_sdss import CLASSES
from galaxtool.datasets.published.voc import read_object_names
from galaxtool.errors import InputError
from galaxtool.testing.dataset import check_dataset

BOX = "<bndbox><xmin>40</xmin><ymin>41</ymin><xmax>92</xmax><ymax>93</ymax></bndbox>"
NAMES = (
    "FIRSTJ133309.4+045007",
    "FIRSTJ003615.6-123000",
    "FIRSTJ080241.9+315504",
    "FIRSTJ164147.7+260740",
    "FIRSTJ143316.1+062732",
    "FIRSTJ010230.0+010000",
)


def annotate(*labels: str, difficult: int = 0) -> str:
    objects = "".join(
        f"<object><name>{label}</name><pose>Unspecified</pose><truncated>0</truncated>"
        f"<difficult>{difficult}</difficult>{BOX}</object>"
        for label in labels
    )
    size = "<size><width>132</width><height>132</height><depth>3</depth></size>"
    return f"<annotation><folder>RGZ2017</folder><filename>x.png</filename>{size}{objects}</annotation>"


def write_kit(root: Path) -> Path:
    """Write six images in the layout of RGZdevkit2017, of which four have one object; the lists of two methods."""
    folder = root / "RGZdevkit2017" / "RGZ2017"
    for name in ("Annotations", "PNGImages", "ImageSets/Main"):
        (folder / name).mkdir(parents=True)
    labels = [("1_1",), ("2_3",), ("1_1", "1_2"), ("3_3",), ("1_1", "1_1", "2_2"), ("2_2",)]
    for method, suffix in (("D1", "logminmax"), ("D4", "infraredctmask")):
        for split, names in (("train", NAMES[:4]), ("test", NAMES[4:])):
            lines = "".join(f"{name}_{suffix}\n" for name in names)
            (folder / "ImageSets/Main" / f"{split}{method}.txt").write_text(lines)
        for number, (name, objects) in enumerate(zip(NAMES, labels, strict=True)):
            (folder / "Annotations" / f"{name}_{suffix}.xml").write_text(annotate(*objects))
            value = 10 * number + (1 if method == "D4" else 0)
            image = Image.fromarray(np.full((132, 132), value, np.uint8))
            image.save(folder / "PNGImages" / f"{name}_{suffix}.png")
    (folder / "ImageSets/Main" / "demo.txt").write_text("FIRSTJ000000.0+000000\n")
    return folder


def test_devkit_leaves_out_images_of_several_galaxies(tmp_path: Path) -> None:
    folder = write_kit(tmp_path)
    dataset = open_dataset(f"rgz:{tmp_path / 'RGZdevkit2017'}")
    assert dataset.name == "rgz"
    told = {item.id: (item.label, item.split) for item in dataset.items}
    assert told == {
        "FIRSTJ133309.4+045007_logminmax": ("1c_1p", "train"),
        "FIRSTJ003615.6-123000_logminmax": ("2c_3p", "train"),
        "FIRSTJ164147.7+260740_logminmax": ("3c_3p", "train"),
        "FIRSTJ010230.0+010000_logminmax": ("2c_2p", "test"),
    }
    assert dataset.notes == (
        "Read the images that trainD1.txt and testD1.txt list.",
        "2 images with several labelled objects are left out.",
    )
    second = dataset.items[1]
    assert (second.ra, second.dec) == (pytest.approx(15 * (36 / 60 + 15.6 / 3600)), -12.5)
    assert int(dataset.cutout(1).data.max()) == 10
    check_dataset(f"rgz:{folder}")


def test_a_list_decides_which_images_are_read(tmp_path: Path) -> None:
    folder = write_kit(tmp_path)
    dataset = open_dataset(f"rgz:{folder / 'ImageSets/Main/trainD4.txt'}")
    assert Counter(item.split for item in dataset.items) == {"train": 3, "test": 1}
    assert int(dataset.cutout(1).data.max()) == 11
    for file in (folder / "PNGImages").glob("*_logminmax.png"):
        file.unlink()
    assert open_dataset(f"rgz:{folder}").notes[0] == "Read the images that trainD4.txt and testD4.txt list."
    for file in (folder / "PNGImages").iterdir():
        file.unlink()
    with pytest.raises(InputError, match="are not in") as caught:
        open_dataset(f"rgz:{folder}")
    assert "PNGImages" in caught.value.hint


def test_annotations_are_parsed_without_entities(tmp_path: Path) -> None:
    file = tmp_path / "a.xml"
    file.write_text(annotate("1_1", "2_2").replace("<difficult>0", "<difficult>1", 1))
    assert read_object_names(file) == ["2_2"]
    bomb = '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]>'
    for text, says in (
        (bomb + annotate("&c;"), "document type"),
        ("<annotation><object></object></annotation>", "no name"),
        ("<annotation><object>", "damaged"),
        ("", "damaged"),
        ("<a>" + " " * 2**20 + "</a>", "larger than 1 MB"),
    ):
        file.write_text(text)
        with pytest.raises(InputError, match=says):
            read_object_names(file)
    with pytest.raises(InputError, match="cannot be read"):
        read_object_names(tmp_path / "missing.xml")


def test_galaxy10_sdss_has_classes_of_its_own(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 255, (12, 69, 69, 3), dtype=np.uint8)
    path = tmp_path / "Galaxy10.h5"
    with h5py.File(path, "w") as file:
        file["images"], file["ans"] = images, (np.arange(12) % 10).astype(np.uint8)
    dataset = open_dataset(f"galaxy10-sdss:{path}")
    assert [item.label for item in dataset.items] == [*CLASSES, *CLASSES[:2]]
    assert dataset.items[5].label == "disk edge-on boxy bulge" and dataset.items[5].ra is None
    assert np.array_equal(np.moveaxis(dataset.cutout(3).data, 0, -1)[::-1], images[3])
    check_dataset(f"galaxy10-sdss:{path}")
    with pytest.raises(InputError) as caught:
        open_dataset(f"galaxy10:{path}")
    assert f"galaxy10-sdss:{path}" in caught.value.hint
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["images"], file["ans"] = images[:, :64, :64], np.zeros(12)
    with pytest.raises(InputError, match="64 x 64"):
        open_dataset(f"galaxy10-sdss:{tmp_path}/b.h5")
