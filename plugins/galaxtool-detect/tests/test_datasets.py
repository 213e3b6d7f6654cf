"""Images with boxes in VOC, COCO and YOLO formats, good and bad."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from galaxtool_detect import open_detection_set
from PIL import Image

from galaxtool import InputError

NY, NX = 40, 60
BOX = (10.0, 5.0, 30.0, 15.0)  # edges in pixels of the file, counted from its outer edge
FROM_TOP = (9.5, 4.5, 29.5, 14.5)  # between the centres of pixels
FROM_BOTTOM = (9.5, NY - 1 - 14.5, 29.5, NY - 1 - 4.5)


def write_image(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = np.zeros((NY, NX), np.uint8)
    data[5:15, 10:30] = 200
    if path.suffix == ".fits":
        fits.PrimaryHDU(data.astype(np.float32) / 7).writeto(path)
    else:
        Image.fromarray(data).save(path)


def voc(
    box: tuple[float, ...] = (11, 6, 30, 15), name: str = "1_2", head: str = "", size: tuple[int, int] = (NX, NY)
) -> str:
    values = "".join(
        f"<{key}>{value}</{key}>" for key, value in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
    )
    return (
        f"{head}<annotation><filename>x.png</filename><size><width>{size[0]}</width><height>{size[1]}</height>"
        f"</size><object><name>{name}</name><bndbox>{values}</bndbox></object></annotation>"
    )


def make_voc(folder: Path, ending: str = ".png") -> None:
    for stem in ("a", "b", "c"):
        write_image(folder / "RGZ2017" / "PNGImages" / f"{stem}_radio{ending}")
    place = folder / "RGZ2017" / "Annotations"
    place.mkdir()
    (place / "a.xml").write_text(voc())
    (place / "b.xml").write_text(voc(name="2_2"))
    (place / "c.xml").write_text(voc(head="<!DOCTYPE annotation>"))
    lists = folder / "RGZ2017" / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    for kind in ("D1", "D4"):
        (lists / f"train{kind}.txt").write_text("a\nb\n")
        (lists / f"test{kind}.txt").write_text("c\n")


def make_coco(folder: Path, ending: str = ".png") -> None:
    write_image(folder / "images" / f"x{ending}")
    x0, y0, x1, y1 = BOX
    document = {
        "images": [{"id": 7, "file_name": f"x{ending}", "width": NX, "height": NY}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 3, "bbox": [x0, y0, x1 - x0, y1 - y0]},
            {"id": 2, "image_id": 7, "category_id": 3, "bbox": [1, 1, 5, 5], "iscrowd": 1},
        ],
        "categories": [{"id": 1, "name": "unused"}, {"id": 3, "name": "compact"}],
    }
    (folder / "annotations.json").write_text(json.dumps(document))


def make_yolo(folder: Path, ending: str = ".png") -> None:
    for split in ("train", "val"):
        write_image(folder / "images" / split / f"{split}{ending}")
        (folder / "labels" / split).mkdir(parents=True)
    write_image(folder / "images" / "val" / f"empty{ending}")
    x0, y0, x1, y1 = BOX
    line = f"1 {(x0 + x1) / 2 / NX} {(y0 + y1) / 2 / NY} {(x1 - x0) / NX} {(y1 - y0) / NY}\n"
    (folder / "labels" / "train" / "train.txt").write_text(line)
    polygon = " ".join(f"{x / NX} {y / NY}" for x, y in ((x0, y0), (x1, y0), (x1, y1)))
    (folder / "labels" / "val" / "val.txt").write_text(f"1 {polygon}\n")
    (folder / "data.yaml").write_text("path: .\ntrain: images/train\nval: images/val\nnames: {0: bent, 1: compact}\n")


MAKERS = {"voc": make_voc, "coco": make_coco, "yolo": make_yolo}


@pytest.mark.parametrize("ending", [".png", ".fits"])
@pytest.mark.parametrize("kind", MAKERS)
def test_the_same_box_in_every_format(tmp_path: Path, kind: str, ending: str) -> None:
    MAKERS[kind](tmp_path, ending)
    for source in (tmp_path, f"{kind}:{tmp_path}"):
        fields = open_detection_set(source)
        for field in fields:
            if len(field.boxes):
                np.testing.assert_allclose(field.boxes, [FROM_TOP if ending == ".fits" else FROM_BOTTOM], atol=1e-4)
                x0, y0, x1, y1 = np.rint(field.boxes[0] + 0.5).astype(int)
                assert (field.pixels[0, y0:y1, x0:x1] > 0).all()
                assert (field.pixels > 0).sum() == (y1 - y0) * (x1 - x0)
    assert fields[0].pixels.max() == pytest.approx(200 / 7 if ending == ".fits" else 200)


def test_the_development_kit_of_radio_galaxy_zoo(tmp_path: Path) -> None:
    make_voc(tmp_path)
    fields = open_detection_set(tmp_path)
    assert fields.classes == ("1_2", "2_2")
    assert fields.names == ("a_radio", "b_radio", "c_radio") and fields.splits == ("train", "train", "test")
    assert [field.labels.tolist() for field in fields] == [[0], [1], [0]]
    (tmp_path / "RGZ2017/ImageSets/Main/trainD4.txt").write_text("a\n")
    with pytest.raises(InputError, match="several lists of images: D1, D4"):
        open_detection_set(tmp_path)
    assert open_detection_set(f"voc:{tmp_path}#D4").splits == ("train", "test")
    with pytest.raises(InputError, match=r"no list 'trainD9\.txt'"):
        open_detection_set(f"voc:{tmp_path}#D9")


def test_a_list_of_images_for_training_and_validation(tmp_path: Path) -> None:
    make_voc(tmp_path)
    lists = tmp_path / "RGZ2017/ImageSets/Main"
    for file in lists.iterdir():
        file.unlink()
    (lists / "trainval.txt").write_text("a\nb\n")
    assert open_detection_set(tmp_path).names == ("a_radio", "b_radio")
    (lists / "test.txt").write_text("b\nc\n")
    assert open_detection_set(tmp_path).splits == ("train", "test", "test")
    (lists / "train.txt").write_text("a\n")
    assert open_detection_set(tmp_path).splits == ("train", "test", "test")


def test_pixels_that_count_from_zero(tmp_path: Path) -> None:
    make_voc(tmp_path)
    (tmp_path / "RGZ2017/Annotations/b.xml").write_text(voc((0, 0, 9, 4)))
    fields = open_detection_set(tmp_path)
    np.testing.assert_allclose(fields[1].boxes, [(-0.5, NY - 5.5, 9.5, NY - 0.5)])


def test_difficult_objects_are_ignored(tmp_path: Path) -> None:
    make_voc(tmp_path)
    one, other = voc(), voc((1, 1, 5, 5)).replace("<object>", "<object><difficult>1</difficult>")
    start, end = other.index("<object>"), other.index("</annotation>")
    (tmp_path / "RGZ2017/Annotations/b.xml").write_text(
        one.replace("</annotation>", other[start:end] + "</annotation>")
    )
    field = open_detection_set(tmp_path)[1]
    np.testing.assert_allclose(field.boxes, [FROM_BOTTOM], atol=1e-4)
    np.testing.assert_allclose(field.ignored, [(-0.5, NY - 5.5, 4.5, NY - 0.5)])


def test_ignored_boxes_and_empty_images(tmp_path: Path) -> None:
    make_coco(tmp_path / "coco")
    make_yolo(tmp_path / "yolo")
    crowd = open_detection_set(tmp_path / "coco")
    assert crowd.classes == ("compact",) and crowd[0].ignored.shape == (1, 4)
    fields = open_detection_set(tmp_path / "yolo")
    assert dict(zip(fields.names, fields.splits, strict=True)) == {"train": "train", "empty": "valid", "val": "valid"}
    assert [len(field.boxes) for field in fields] == [1, 0, 1]
    assert fields.classes == ("bent", "compact")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + voc(name="&x;"), "defines XML entities"),
        ('<!DOCTYPE a [<!ENTITY x "xxx"><!ENTITY y "&x;&x;">]>' + voc(name="&y;"), "defines XML entities"),
        (voc()[:-5], "not readable XML"),
        ("<annotation/>", "it has no size/height"),
        (voc().replace("<xmin>11", "<xmin>left"), "could not convert string to float"),
        (voc().replace("<name>1_2</name>", ""), "it has no name"),
        (voc((30, 6, 11, 15)), "a box without area"),
        (voc((200, 6, 230, 15)), r"outside its image of 60 x 40 pixels, \(198\.5"),
        (voc(size=(NY, NX)), "has 60 x 40 pixels, but"),
    ],
    ids=["external", "billion laughs", "cut short", "empty", "text", "no name", "no area", "outside", "other size"],
)
def test_bad_annotations_of_voc(tmp_path: Path, text: str, message: str) -> None:
    make_voc(tmp_path)
    (tmp_path / "RGZ2017/Annotations/a.xml").write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        open_detection_set(tmp_path)[0]
    assert "a.xml" in str(caught.value) and "\n" not in str(caught.value)


def change(document: dict, key: str, value: object) -> None:
    document["annotations"][0][key] = value


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda d: d.pop("images"), "not in the COCO format"),
        (lambda d: change(d, "bbox", [1, 2]), "not in the COCO format"),
        (lambda d: change(d, "image_id", 9), "not in the COCO format"),
        (lambda d: change(d, "category_id", 9), "not in the COCO format"),
        (lambda d: change(d, "bbox", [500, 2, 10, 10]), "outside its image"),
        (lambda d: change(d, "bbox", [5, 2, 0, 10]), "without area"),
        (lambda d: d["images"][0].update(file_name="gone.png"), "does not exist"),
        (lambda d: d.update(images=[], annotations=[]), "has no images"),
    ],
)
def test_bad_coco_files(tmp_path: Path, edit: Callable[[dict], object], message: str) -> None:
    make_coco(tmp_path)
    document = json.loads((tmp_path / "annotations.json").read_text())
    edit(document)
    (tmp_path / "annotations.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match=message):
        open_detection_set(tmp_path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1 0.5 0.5 0.1", "Line 1 .* is not a box"),
        ("compact 0.5 0.5 0.1 0.1", "Line 1 .* is not a box"),
        ("1 1.5 0.5 0.1 0.1", "outside its image"),
        ("1 nan 0.5 0.1 0.1", "Line 1 .* is not a box"),
        ("7 0.5 0.5 0.1 0.1", "class 7, but names of only 2"),
        ("1 0.5 0.5 0 0.1", "without area"),
    ],
)
def test_bad_labels_of_yolo(tmp_path: Path, line: str, message: str) -> None:
    make_yolo(tmp_path)
    (tmp_path / "labels" / "train" / "train.txt").write_text(line)
    with pytest.raises(InputError, match=message):
        open_detection_set(tmp_path)


def test_what_is_not_a_data_set(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There are no images with boxes"):
        open_detection_set(tmp_path / "none")
    with pytest.raises(InputError, match="no boxes in a known format"):
        open_detection_set(tmp_path)
    (tmp_path / "boxes.json").write_text("[1, 2")
    with pytest.raises(InputError, match="not readable JSON"):
        open_detection_set(tmp_path)
    (tmp_path / "data.yaml").write_text("names: [")
    with pytest.raises(InputError, match="not the description of a data set of YOLO"):
        open_detection_set(tmp_path / "data.yaml")
