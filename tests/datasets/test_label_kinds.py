"""Labels as astronomers' programs write them: missing ones, numbers, vectors, and numbers with names in the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import MaskedColumn, Table
from support.training_helpers import run_command, run_failing

from galaxtool.datasets.clean_labels import clean_labels, find_measurements
from galaxtool.datasets.files import find_split
from galaxtool.datasets.open import open_dataset
from galaxtool.errors import GalaxtoolError
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.finetuning.data import LabeledImages, gather_labeled

N = 24
FORMATS = {"vot": "votable", "ecsv": "ascii.ecsv"}


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder with pictures ``0.png`` to ``23.png``, no two alike."""
    from PIL import Image

    for i in range(N):
        pixels = np.random.default_rng(i).integers(0, 255, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    return tmp_path


def repeat(values: list[Any]) -> list[Any]:
    return [values[i % len(values)] for i in range(N)]


def gather(path: Path, **settings: Any) -> LabeledImages:
    return gather_labeled(FinetuneConfig(dataset=[str(path)], method="linear-probe", **settings))


def write_csv(folder: Path, labels: list[str]) -> Path:
    lines = [f"{i}.png,{label}" for i, label in enumerate(repeat(labels))]
    (folder / "labels.csv").write_text("\n".join(["path,label", *lines]) + "\n", encoding="utf-8")
    return folder / "labels.csv"


@pytest.mark.parametrize(
    "word",
    ["", "nan", "NaN", "None", "null", "NULL", "N/A", "NA", "-", "--", "?", "<NA>", "-999", "-99.0", "unlabeled"],
)
def test_words_for_no_label_are_no_class(images: Path, word: str) -> None:
    labeled = gather(write_csv(images, ["ring", "disc", word]))
    assert labeled.taxonomy.slugs == ("disc", "ring") and len(labeled.items) == 16
    assert labeled.notes[0].startswith("8 of 24 images have no label")
    assert (word or "no label") in labeled.notes[0]


@pytest.mark.parametrize("word", ["none", "unknown", "NAT", "nat", "other", "0", "E?"])
def test_words_that_may_be_classes_are_classes(images: Path, word: str) -> None:
    labeled = gather(write_csv(images, ["ring", "disc", word]))
    assert len(labeled.taxonomy) == 3 and len(labeled.items) == N
    warnings = [warning for warning in labeled.warnings if "say little" not in warning]
    assert any(word in warning for warning in warnings) == (word in ("none", "unknown"))


@pytest.mark.parametrize(
    ("written", "slugs"),
    [
        (["1.0", "2.0", "nan"], ["1", "2"]),
        (["1.0", "2.0", "N/A"], ["1", "2"]),
        (["1", "1.0", "2"], ["1", "2"]),
        (["01", "02", "10"], ["01", "02", "10"]),
        (["0.5", "1.0", "nan"], ["0_5", "1_0"]),
        (["-5", "5", "-999"], ["5", "minus_5"]),
        (["-5", "10", "-1", "3"], ["10", "3", "minus_1", "minus_5"]),
        (["True", "False", ""], ["false", "true"]),
        (["b'ring'", "b'disc'"], ["disc", "ring"]),
        (["'ring'", "'disc'"], ["disc", "ring"]),
        (["S0-", "S0", "S0+", "E"], ["e", "s0", "s0_minus", "s0_plus"]),
        (["E ", " E", "S "], ["e", "s"]),
        (["e\u0301", "\u00e9", "o"], ["e", "o"]),
        (["\"['ring']\"", "\"['disc']\"", ""], ["disc", "ring"]),
        (['"[""ring""]"', '"[""disc""]"', "[NaN]"], ["disc", "ring"]),
        (["[1 0]", "[0 1]", "[0 0]"], ["0", "1"]),
        (["Spiral", "Spiral?", "Elliptical"], ["elliptical", "spiral", "spiral_question"]),
    ],
)
def test_labels_of_a_csv(images: Path, written: list[str], slugs: list[str]) -> None:
    assert sorted(gather(write_csv(images, written)).taxonomy.slugs) == slugs


def test_t_types_are_in_order_of_size(images: Path) -> None:
    assert gather(write_csv(images, ["10", "-5", "3", "-1"])).taxonomy.slugs == ("minus_5", "minus_1", "3", "10")


def test_a_lone_minus_one_is_a_class_with_a_warning(images: Path) -> None:
    labeled = gather(write_csv(images, ["0", "1", "-1"]))
    assert labeled.taxonomy.slugs == ("minus_1", "0", "1")
    (warning,) = [text for text in labeled.warnings if "'-1' (8 images)" in text]
    assert "--where \"label <> '-1'\"" in warning
    assert gather(images / "labels.csv", where="label <> '-1'").taxonomy.slugs == ("0", "1")


@pytest.mark.parametrize("suffix", ["fits", "vot", "ecsv", "parquet"])
def test_masked_and_nan_labels_of_tables(images: Path, suffix: str) -> None:
    paths = [f"{i}.png" for i in range(N)]
    table = Table({"path": paths, "label": np.array(repeat([0.0, 1.0, np.nan])), "other": np.arange(N)})
    table["masked"] = MaskedColumn(repeat([3, -4, 7]), mask=[i % 3 == 2 for i in range(N)])
    table["type"] = np.array(repeat([2.3, -0.5, np.nan]), dtype=np.float32)
    table.write(images / f"t.{suffix}", format=FORMATS.get(suffix), overwrite=True)
    for column, slugs in (("label", ("0", "1")), ("masked", ("minus_4", "3")), ("type", ("minus_0_5", "2_3"))):
        labeled = gather(images / f"t.{suffix}", label_column=column)
        assert (labeled.taxonomy.slugs, len(labeled.items)) == (slugs, 16), column


@pytest.mark.parametrize("suffix", ["fits", "vot", "parquet"])
def test_one_hot_vectors_are_classes_and_others_an_error(images: Path, suffix: str) -> None:
    hot = np.eye(3, dtype=np.int16)[np.arange(N) % 3]
    hot[5] = 0
    table = Table({"path": [f"{i}.png" for i in range(N)], "label": hot, "p": hot * 0.75 + 0.125})
    table.write(images / f"t.{suffix}", format=FORMATS.get(suffix), overwrite=True)
    labeled = gather(images / f"t.{suffix}")
    assert labeled.taxonomy.slugs == ("0", "1", "2") and len(labeled.items) == N - 1
    assert [slug for slug, item in zip(labeled.slugs, labeled.items, strict=True) if item.ref.path.stem == "7"] == ["1"]
    assert any("is one-hot: the class is the position of the one, from 0 to 2" in text for text in labeled.warnings)
    with pytest.raises(GalaxtoolError, match="arrays of 3 numbers that are not one-hot") as caught:
        gather(images / f"t.{suffix}", label_column="p")
    assert "--votes" in caught.value.hint


def test_lists_of_arrow(images: Path) -> None:
    paths = [f"{i}.png" for i in range(N)]
    columns = {
        "path": paths,
        "label": pa.array([[name] for name in repeat(["ring", "disc"])]),
        "hot": pa.array([[float(i % 2), float(1 - i % 2)] for i in range(N)]),
        "many": pa.array(repeat([["a", "b"], ["a"]])),
        "raw": pa.array(repeat([b"ring", b"disc", None]), type=pa.binary()),
    }
    pq.write_table(pa.table(columns), images / "t.parquet")
    assert gather(images / "t.parquet").taxonomy.slugs == ("disc", "ring")
    assert gather(images / "t.parquet", label_column="hot").slugs[:2] == ["1", "0"]
    assert gather(images / "t.parquet", label_column="raw").taxonomy.slugs == ("disc", "ring")
    with pytest.raises(GalaxtoolError, match="lists of several values"):
        gather(images / "t.parquet", label_column="many")


def test_names_of_numbers_in_parquet_of_hugging_face(images: Path) -> None:
    features = {"label": {"names": ["disc", "ring"], "_type": "ClassLabel"}}
    table = pa.table({"path": [f"{i}.png" for i in range(N)], "label": repeat([1, 0])})
    table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    pq.write_table(table, images / "t.parquet")
    assert gather(images / "t.parquet").slugs[:2] == ["ring", "disc"]


def test_columns_of_zeros_and_ones(images: Path) -> None:
    table = Table({"path": [f"{i}.png" for i in range(N)], "n": np.arange(N)})
    for k, name in enumerate(("ring", "disc", "S0-")):
        table[name] = [int(i % 3 == k) for i in range(N)]
    table.write(images / "t.csv")
    with pytest.raises(GalaxtoolError) as caught:
        gather(images / "t.csv")
    assert caught.value.hint.endswith("--label-column ring,disc,S0-")
    labeled = gather(images / "t.csv", label_column="ring,disc,S0-")
    assert labeled.slugs[:3] == ["ring", "disc", "s0_minus"]
    with pytest.raises(GalaxtoolError, match="are not one-hot"):
        gather(images / "t.csv", label_column="ring,n")
    with pytest.raises(GalaxtoolError, match="no column 'dsc'"):
        gather(images / "t.csv", label_column="ring,dsc")


def write_hdf5(path: Path, labels: Any, *, name: str = "ans", **more: Any) -> Path:
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        file["images"] = rng.integers(0, 255, (N, 8, 8, 3), dtype=np.uint8)
        file[name] = labels
        for key, value in more.items():
            if key.startswith("attr_"):
                file[name].attrs[key[5:]] = value
            else:
                file[key] = value
    return path


def test_labels_of_hdf5_and_their_names(tmp_path: Path) -> None:
    numbers = np.array(repeat([1, 0]))
    enum = h5py.enum_dtype({"S0-": 0, "S0+": 1}, basetype="i1")
    names = np.array([b"disc", b"ring"])
    for labels, more, first in (
        (numbers, {}, ["1", "0"]),
        (numbers.astype(enum), {}, ["s0_plus", "s0_minus"]),
        (numbers, {"attr_classes": ["disc", "ring"]}, ["ring", "disc"]),
        (numbers, {"attr_mapping": '{"disc": 0, "ring": 1}'}, ["ring", "disc"]),
        (numbers, {"class_names": names}, ["ring", "disc"]),
        (numbers, {"attr_names": ["only one"]}, ["1", "0"]),
        (np.eye(2)[numbers], {}, ["1", "0"]),
        (np.array(repeat(["ring ", "disc"]), dtype=h5py.string_dtype()), {}, ["ring", "disc"]),
        (np.array(repeat([1.0, 0.0, np.nan])), {}, ["1", "0"]),
        (np.array(repeat([True, False])), {}, ["true", "false"]),
    ):
        labeled = gather(write_hdf5(tmp_path / "stack.h5", labels, **more))
        assert labeled.slugs[:2] == first, (labels.dtype, more)
    with pytest.raises(GalaxtoolError, match="not one-hot"):
        gather(write_hdf5(tmp_path / "stack.h5", np.full((N, 3), 0.3)))


def test_labels_beside_a_numpy_stack(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (N, 8, 8, 3), dtype=np.uint8)
    np.save(tmp_path / "x_train.npy", pixels)
    with pytest.raises(GalaxtoolError, match="has no labels"):
        gather(tmp_path / "x_train.npy")
    np.save(tmp_path / "y_train.npy", repeat([-1, 3]))
    labeled = gather(tmp_path / "x_train.npy")
    assert labeled.slugs[:2] == ["minus_1", "3"] and any("y_train.npy" in text for text in labeled.warnings)
    np.save(tmp_path / "y_train.npy", np.array(repeat([b"S0-", b"S0+"])))
    assert gather(tmp_path / "x_train.npy").slugs[:2] == ["s0_minus", "s0_plus"]
    np.save(tmp_path / "y_train.npy", [0, 1])
    with pytest.raises(GalaxtoolError, match=r"has 2 labels, but .* has 24 images"):
        gather(tmp_path / "x_train.npy")
    np.savez(tmp_path / "stack.npz", images=pixels, labels=np.eye(2, dtype=int)[repeat([1, 0])])
    assert gather(tmp_path / "stack.npz").slugs[:2] == ["1", "0"]


def test_measurements_are_no_classes(images: Path) -> None:
    values = np.random.default_rng(0).normal(0, 3, 40)
    assert len(find_measurements([f"{value:.3f}" for value in values])) == 40
    assert find_measurements([str(value) for value in range(100)]) == []
    assert find_measurements([f"{value / 2:g}" for value in range(-10, 20)]) == []
    with pytest.raises(GalaxtoolError, match=r"None of the 24 images has a label \('nan': 12"):
        gather(write_csv(images, ["nan", "--"]))


def test_numbers_are_those_of_a_taxonomy_only_if_it_is_named(images: Path) -> None:
    path = write_csv(images, ["0", "1", "9"])
    assert gather(path).taxonomy.name == "own"
    labeled = gather(path, taxonomy="galaxy10")
    assert labeled.slugs[:3] == ["disturbed", "merging", "edge_on_with_bulge"]
    assert "0 is disturbed, 1 is merging, 9 is edge_on_with_bulge" in labeled.notes[-1]


def test_labels_that_a_taxonomy_merges_are_named(images: Path) -> None:
    labeled = gather(write_csv(images, ["FRI", "FR I", "FRII"]))
    assert labeled.taxonomy.name == "radio-fr" and labeled.notes[-1] == (
        "Labels of the same class: 'FR I' and 'FRI' are fri."
    )
    own = gather(write_csv(images, ["SA", "Sa", "Sb"]))
    assert own.taxonomy.slugs == ("sa_upper", "sa", "sb")
    assert "'SA' (sa_upper), 'Sa' (sa)" in own.warnings[0]


def test_clean_labels_of_other_programs() -> None:
    assert clean_labels([None, "b'E'", 'b"S"', "nan"]).labels == [None, "E", "S", None]
    assert clean_labels(["b'E'", "S"]).labels == ["b'E'", "S"]
    assert clean_labels(["\ufeffE", "E\u200b ", "1e+20"]).labels == ["E", "E", None]
    assert clean_labels(["+1.0", "-0.0", "2."]).labels == ["1", "-0", "2"]
    assert "99" in clean_labels(["1", "2", "99"]).warnings[0] and not clean_labels(["1", "98", "99"]).warnings


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train_images", "train"), ("Test-Set", "test"), ("images_training_rev1", "train"), ("VAL", "valid"),
        ("validation data", "valid"), ("trainset", "train"), ("train", "train"), ("strain", ""), ("test tubes", ""),
        ("contest", ""), ("images", ""), ("data", ""),
    ],
)  # fmt: skip
def test_folders_of_splits(name: str, split: str) -> None:
    assert find_split(name) == split


def test_a_column_called_set_that_has_no_splits(images: Path) -> None:
    lines = [f"{i}.png,{'ring' if i % 2 else 'disc'},{'north' if i < 9 else 'south'}" for i in range(N)]
    (images / "t.csv").write_text("\n".join(["path,label,set", *lines]))
    dataset = open_dataset(images / "t.csv")
    assert {item.split for item in dataset.items} == {""} and "'set'" in dataset.notes[0]
    (images / "t.csv").write_text("\n".join(["path,label,set", *lines, "0.png,ring,train"]))
    with pytest.raises(GalaxtoolError, match="'north', which is unknown"):
        open_dataset(images / "t.csv")


@pytest.mark.slow
def test_names_are_the_same_in_every_file_of_a_run(images: Path, tmp_path: Path) -> None:
    path, run = write_csv(images, ["S0-", "S0+", "-5", "nan"]), tmp_path / "run"
    code, out, said = run_command(
        "finetune", path, "--method", "linear-probe", "--epochs", "1", "--device", "cpu", "-o", run
    )
    assert code == 0, said
    assert "6 of 24 images have no label ('nan': 6)." in out + said
    slugs = {"s0_minus", "s0_plus", "minus_5"}
    assert {c["slug"] for c in json.loads((run / "model" / "model.json").read_text())["taxonomy"]["classes"]} == slugs
    assert set(Table.read(run / "split.csv", format="ascii.csv")["label"]) == slugs
    for name in ("p.csv", "p.fits", "p.parquet"):
        assert run_command("classify", path, "--model", run, "-o", tmp_path / name)[0] == 0
        table = Table.read(tmp_path / name)
        assert {f"p_{slug}" for slug in slugs} <= set(table.colnames)
        assert {str(label).strip() for label in table["label"]} <= slugs
    code, _, said = run_command(
        "finetune", run / "split.csv", "--method", "linear-probe", "--epochs", "1", "-o", tmp_path / "b"
    )
    assert code == 0, said
    assert set(Table.read(tmp_path / "b" / "split.csv", format="ascii.csv")["label"]) == slugs


def test_the_command_line_names_one_hot_probabilities_in_one_sentence(images: Path) -> None:
    table = Table({"path": [f"{i}.png" for i in range(N)], "label": np.full((N, 3), 0.25)})
    table.write(images / "t.fits")
    said = run_failing("finetune", images / "t.fits", "--method", "linear-probe", "-o", images / "run")
    assert "The column 'label' of" in said and "arrays of 3 numbers" in said


def test_files_in_a_folder_below_are_found_for_the_hint(images: Path) -> None:
    (images / "train_images").mkdir()
    for file in images.glob("*.png"):
        file.rename(images / "train_images" / file.name)
    with pytest.raises(GalaxtoolError, match="24 files that do not exist") as caught:
        gather(write_csv(images, ["ring", "disc"]))
    assert caught.value.hint.endswith("write the paths in the table as train_images/0.png.")


def test_nan_in_galaxy10_is_no_label(tmp_path: Path) -> None:
    path = write_hdf5(tmp_path / "g.h5", np.array(repeat([0.0, 9.0, np.nan])))
    labels = [item.label for item in open_dataset(f"galaxy10:{path}").items]
    assert labels[:3] == ["disturbed", "edge_on_with_bulge", None]
