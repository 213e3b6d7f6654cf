"""The check of an exported file looks at images that tell its classes apart."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from PIL import Image
from support.helpers import make_model, write_png
from support.training_helpers import run_command, run_failing, write_class_folders

import galaxtool as package
from galaxtool.images.read_options import ReadOptions
from galaxtool.inputs.items import InputItem
from galaxtool.inputs.read_item import read_item
from galaxtool.models.directory import load_network
from galaxtool.models.engines.onnx import OnnxEngine
from galaxtool.models.engines.open import open_engine
from galaxtool.models.find import find_model
from galaxtool.models.onnx import export as module
from galaxtool.models.onnx.check_images import choose_check_images
from galaxtool.models.onnx.kept_images import FILE_NAME, choose_evenly, load_kept
from galaxtool.types import ImageRef

pytestmark = pytest.mark.usefixtures("narrow", "in_an_empty_folder")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_class_folders(tmp_path_factory.mktemp("images") / "set", classes=("ring", "disc"), each=40)


@pytest.fixture(scope="module")
def run(narrow: None, images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "run"
    return package.finetune(
        images, method="supervised", backbone="small-resnet@none", epochs=3, lr=3e-3, batch_size=16, device="cpu",
        valid_fraction=0.5, out=out,
    ).run  # fmt: skip


@pytest.fixture(scope="module")
def file(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the run, written once because that takes seconds."""
    path = tmp_path_factory.mktemp("files") / "m.onnx"
    module.write_onnx(path, *load_network(find_model(run)))
    return path


@pytest.fixture(autouse=True)
def _quick(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "write_onnx", lambda path, *_: shutil.copy(file, path))


def test_a_run_keeps_its_validation_images_and_export_checks_on_them(run: Path) -> None:
    code, printed, said = run_command("export", "--model", run, "-o", "m.onnx", "--json")
    assert code == 0, said
    result: dict[str, Any] = json.loads(printed)
    assert (result["checked_on"], result["images"]) == ("validation images of its training", 40)
    assert result["classes"] == 2 and result["agreement"] == 1 and result["largest_difference"] < 1e-4
    assert "on 40 validation images" in said
    assert (run / FILE_NAME).is_file() and not (run / "model" / FILE_NAME).exists()
    _, record = load_network(find_model(run))
    kept = load_kept(find_model(run / "model"), record)
    assert kept is not None and kept.pictures.shape == kept.training.shape == (40, 64, 64, 3)
    assert kept.pictures.dtype == kept.training.dtype == np.uint8
    assert FILE_NAME in json.loads((run / "manifest.json").read_text())["outputs"]


def test_kept_images_are_those_of_the_split(run: Path) -> None:
    rows = [line.split(",") for line in (run / "split.csv").read_text().splitlines()[1:]]
    _, record = load_network(find_model(run))
    preprocess = record.make_preprocess()
    wanted = np.stack([preprocess.picture(package.read_image(row[1])) for row in rows if row[3] == "valid"])
    kept = load_kept(find_model(run), record)
    assert kept is not None and np.array_equal(kept.pictures, wanted)
    classes = [record.slugs.index(row[2]) for row in rows if row[3] == "valid"]
    assert kept.targets is not None and kept.targets.tolist() == classes


def test_images_of_other_weights_are_not_used(run: Path, tmp_path: Path) -> None:
    other = make_model(tmp_path / "elsewhere" / "model")
    (other.parent / FILE_NAME).write_bytes((run / FILE_NAME).read_bytes())
    files = find_model(other)
    found = choose_check_images(files, load_network(files)[1], ())
    assert found.simulated and (found.kind, len(found.pictures)) == ("simulated galaxies", 64)
    (other.parent / FILE_NAME).write_bytes(b"damaged")
    assert choose_check_images(files, load_network(files)[1], ()).simulated


def swap_classes(path: Path) -> None:
    """Exchange the classes in the last layer of a file: an error of which images of one class say nothing."""
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.shape and values.shape[0] == 2 and values.ndim <= 2:
            tensor.CopyFrom(numpy_helper.from_array(values[::-1].copy(), tensor.name))
        elif values.ndim == 2 and values.shape[1] == 2:
            tensor.CopyFrom(numpy_helper.from_array(values[:, ::-1].copy(), tensor.name))
    onnx.save(model, path)


def test_a_file_with_exchanged_classes_is_refused(run: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_wrongly(path: Path, *args: Any) -> None:
        shutil.copy(file, path)
        swap_classes(path)

    monkeypatch.setattr(module, "write_onnx", write_wrongly)
    said = run_failing("export", "--model", run, "-o", "m.onnx")
    assert "does not compute what" in said and not Path("m.onnx").exists()


def test_check_on_images_of_ones_own(run: Path, images: Path) -> None:
    code, printed, said = run_command("export", "-m", run, "-o", "m.onnx", "--check-on", images / "ring")
    assert code == 0, said
    shown = " ".join(printed.split())
    assert "Checked on 40 images given with --check-on, in batches of 1, 2, 5, 32: they fall" in shown
    assert "they fall into 1 class, 100.0% of labels equal" in shown
    assert "all of them fall into one class" in shown and "--check-on" in shown
    result = package.export(model=run, output=Path("n.onnx"), check_on=[images / "ring", images / "disc"])
    assert (result.images, result.classes) == (64, 2)
    Path("text.png").write_text("no picture")
    assert "None of the images to check on can be read" in run_failing(
        "export", "-m", run, "-o", "o.onnx", "--check-on", "text.png"
    )
    assert not Path("o.onnx").exists()


def test_pixels_to_check_on_are_read_as_in_the_training(run: Path, tmp_path: Path) -> None:
    levels = np.random.default_rng(0).gamma(2, 2000, (64, 64)).astype(np.uint16)
    Image.fromarray(levels).save(tmp_path / "deep.png")
    files = find_model(run)
    record = load_network(files)[1]
    for kind in ("picture", "data"):
        trained = replace(record, data={**record.data, "reading": {"pixels": kind}})
        (found,) = choose_check_images(files, trained, [tmp_path]).pictures
        cutout = read_item(InputItem("deep", ImageRef(tmp_path / "deep.png")), ReadOptions(pixels=kind))
        np.testing.assert_array_equal(found, record.make_preprocess().picture(cutout), err_msg=kind)


def test_the_report_is_in_the_file_with_the_accuracy(run: Path) -> None:
    result = package.export(model=run, output=Path("m.onnx"))
    engine = OnnxEngine(find_model("m.onnx"), "cpu")
    report = json.loads(engine.metadata["galaxtool.export"])
    shown = result.as_dict()
    assert {key: report[key] for key in report if key not in ("versions", "with_preprocess")} == {
        key: value for key, value in shown.items() if key not in ("output", "bytes")
    }
    assert report["versions"]["torch"] and report["batches"] == [1, 2, 5, 32]
    kept = load_kept(find_model(run), engine.record)
    assert kept is not None and kept.targets is not None
    right = engine.run(kept.pictures).probabilities.argmax(axis=1) == kept.targets
    assert result.accuracy == result.model_accuracy == pytest.approx(right.mean())
    assert result.labeled == 40 and result.drop == 0 and result.changed == 0


def test_classes_by_the_names_of_folders(run: Path, images: Path) -> None:
    shutil.copytree(images / "ring", "mixed/ring")
    shutil.copytree(images / "disc", "mixed/unsorted")
    result = package.export(model=run, output=Path("m.onnx"), check_on="mixed")
    assert (result.images, result.labeled) == (64, 32) and result.accuracy is not None
    rows = [f"unsorted/{path.name},Discs" for path in Path("mixed/unsorted").iterdir()]
    Path("mixed/labels.csv").write_text("\n".join(["path,label", *rows]))
    result = package.export(model=run, output=Path("m.onnx"), check_on="mixed")
    assert (result.images, result.labeled) == (64, 64)


def test_int8_needs_images_of_the_kind(tmp_path: Path, images: Path) -> None:
    model = make_model(tmp_path / "lone")
    said = run_failing("export", "--model", model, "-o", "m.onnx", "--precision", "int8")
    assert "int8 needs images" in said and "comes without any" in said and "--check-on" in said
    write_png(Path("one", "a.png"), 0)
    said = run_failing("export", "--model", model, "-o", "m.onnx", "--precision", "int8", "--check-on", "one")
    assert "at least 16 images" in said and not Path("m.onnx").exists()


@pytest.mark.slow
def test_a_drop_of_the_accuracy_is_refused_unless_allowed(
    run: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_wrongly(path: Path, *args: Any) -> None:
        shutil.copy(file, path)
        swap_classes(path)

    monkeypatch.setattr(module, "write_onnx", write_wrongly)
    Path("m.onnx").write_text("earlier")
    said = run_failing("export", "--model", run, "-o", "m.onnx", "--precision", "int8")
    assert "of 40 validation images" in said and "a drop of " in said and "--allow-drop" in said
    assert Path("m.onnx").read_text() == "earlier" and [path.name for path in Path().iterdir()] == ["m.onnx"]
    result = package.export(model=run, output=Path("m.onnx"), precision="int8", allow_drop=100)
    assert result.accuracy is not None and result.accuracy < 0.5 and result.drop > 10
    assert OnnxEngine(find_model("m.onnx"), "cpu").record.name


def test_a_file_with_preprocessing(run: Path, images: Path) -> None:
    result = package.export(model=run, output=Path("raw.onnx"), with_preprocess=True, check_on=[images])
    assert (
        result.largest_level is not None
        and result.differing_pixels is not None
        and result.differing_pixels < 0.01
        and result.least_cosine > 0.9999
    )
    package.export(model=run, output=Path("plain.onnx"))
    raw, plain = (OnnxEngine(find_model(name), "cpu") for name in ("raw.onnx", "plain.onnx"))
    (given,) = raw.session.get_inputs()
    assert (given.name, given.type, given.shape[3]) == ("image", "tensor(uint8)", 3)
    pictures = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    np.testing.assert_allclose(raw.run(pictures).probabilities, plain.run(pictures).probabilities, atol=1e-6)
    found = raw.session.run(["probabilities"], {"image": np.repeat(np.repeat(pictures, 3, axis=1), 5, axis=2)})[0]
    assert found.shape == (3, 2) and np.isfinite(found).all()
    openvino = open_engine(find_model("raw.onnx"), "openvino", "cpu")
    np.testing.assert_allclose(openvino.run(pictures).probabilities, plain.run(pictures).probabilities, atol=1e-4)


def test_nothing_is_read_through_a_link_beside_the_model(run: Path, tmp_path: Path) -> None:
    whole = shutil.copytree(run, tmp_path / "mailed", symlinks=True)
    (whole / FILE_NAME).rename(tmp_path / "elsewhere.npz")
    (whole / FILE_NAME).symlink_to(tmp_path / "elsewhere.npz")
    files = find_model(whole)
    assert load_kept(files, load_network(files)[1]) is None


def test_few_images_are_repeated_in_the_batches_and_counted_once(run: Path) -> None:
    for i in range(3):
        write_png(Path("few", f"{i}.png"), i)
    result = package.export(model=run, output=Path("m.onnx"), check_on="few")
    assert result.images == 3 and result.batches == [1, 2, 5, 32] and result.agreement == 1


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_lower_precisions_are_checked_on_the_same_images(precision: str, run: Path) -> None:
    result = package.export(model=run, output=Path("m.onnx"), precision=precision, allow_drop=20)
    assert result.checked_on == "validation images of its training" and result.classes == 2
    assert result.images == result.labeled == 40
    assert result.calibrated_on == ("40 training images" if precision == "int8" else "")
    assert result.model_accuracy is not None and result.accuracy is not None and result.drop < 20
    assert result.drop == pytest.approx(100 * (result.model_accuracy - result.accuracy))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--what", "text", "--precision", "int8"), "A text encoder is exported in fp32 or fp16"),
        (("--what", "text", "--check-on", "cutouts"), "--check-on cannot be used with --what text"),
        (("--what", "text", "--with-preprocess"), "--with-preprocess cannot be used with --what text"),
        (("--what", "symbols"), "not one of image, text"),
        (("--allow-drop", "0"), "--allow-drop is 0"),
    ],
)
def test_options_that_do_not_go_together(options: tuple[str, ...], message: str, run: Path) -> None:
    assert message in run_failing("export", "--model", run, "-o", "m.onnx", *options)
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(("counts", "chosen"), [((100, 100), (32, 32)), ((3, 100), (3, 61)), ((2, 1), (2, 1))])
def test_every_class_has_its_share_of_the_kept_images(counts: tuple[int, int], chosen: tuple[int, int]) -> None:
    targets = np.random.default_rng(0).permutation(np.repeat([4, 7], counts))
    found = choose_evenly(targets)
    assert np.array_equal(found, np.unique(found))
    assert ((targets[found] == 4).sum(), (targets[found] == 7).sum()) == chosen
