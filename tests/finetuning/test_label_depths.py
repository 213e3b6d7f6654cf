"""Data sets whose labels are coarser or finer than the classes that are trained."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.training_helpers import run_command, run_failing, write_class_folders

from galaxtool.errors import InputError, TrainingError
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.finetuning.data import LabeledImages, gather_labeled
from galaxtool.finetuning.split_table import read_split
from galaxtool.plugins.registry import get_registry
from galaxtool.taxonomy.classes import Taxonomy
from galaxtool.taxonomy.coarse import find_children, find_parents
from galaxtool.taxonomy.coarse_labels import coarsen_labels
from galaxtool.taxonomy.label_depths import match_at_any_depth

pytestmark = pytest.mark.usefixtures("narrow", "in_an_empty_folder")

SPIRALS = ("barred_spiral", "unbarred_tight_spiral", "unbarred_loose_spiral")
EDGES = ("edge_on_without_bulge", "edge_on_with_bulge")
QUICK = ("--backbone", "small-resnet@none", "--epochs", "1", "--batch-size", "8", "--device", "cpu")


def registered(*names: str) -> list[Taxonomy]:
    return [entry.create(entry.spec) for entry in get_registry().taxonomies if not names or entry.spec.name in names]


def gather(*datasets: Path, taxonomy: str | None = "galaxy10", **settings: Any) -> LabeledImages:
    return gather_labeled(FinetuneConfig(dataset=[*datasets], taxonomy=taxonomy, method="supervised", **settings))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("depths")
    classes = {
        "fine": ("Round Smooth Galaxies", "barred_spiral", "unbarred_loose_spiral", "edge_on_with_bulge"),
        "medium": ("smooth_round", "smooth_inbetween", "spiral", "edge_on"),
        "coarse": ("elliptical", "edge_on", "spiral", "merger"),
    }
    return {
        name: write_class_folders(root / name, classes=slugs, each=4, first=number)
        for number, (name, slugs) in enumerate(classes.items())
    }


@pytest.mark.parametrize(("fine", "coarse"), [(a.name, b.name) for a in registered() for b in registered() if a != b])
def test_children_are_those_that_name_their_parent(fine: str, coarse: str) -> None:
    (a,), (b,) = registered(fine), registered(coarse)
    children = find_children(b, a)
    assert {child: slug for slug, own in children.items() for child in own} == find_parents(a, b)
    assert all(children.values()) and [*children] == [slug for slug in b.slugs if slug in children]


@pytest.mark.parametrize(
    ("labels", "chosen", "terms", "meaning"),
    [
        (["Barred Spirals", "4"], "galaxy10", "galaxy10", {"barred_spiral": (), "cigar_shaped_smooth": ()}),
        (
            ["smooth_round", "smooth_cigar", "spiral"],
            "galaxy10",
            "gz2-5",
            {"smooth_round": ("round_smooth",), "smooth_cigar": ("cigar_shaped_smooth",), "spiral": SPIRALS},
        ),
        (
            ["elliptical", "Edge-on galaxies", "merger"],
            "galaxy10",
            "gz1-coarse",
            {
                "elliptical": ("round_smooth", "in_between_round_smooth"),
                "edge_on": ("cigar_shaped_smooth", *EDGES),
                "merger": ("merging",),
            },
        ),
        (
            ["smooth_round", "smooth_inbetween", "spiral"],
            "gz1-coarse",
            "gz2-5",
            {"smooth_round": ("elliptical",), "smooth_inbetween": ("elliptical",), "spiral": ("spiral",)},
        ),
        (["gz1-coarse:edge_on"], "galaxy10", "gz1-coarse", {"edge_on": ("cigar_shaped_smooth", *EDGES)}),
        (["disturbed", "merging"], "gz1-coarse", "galaxy10", {"disturbed": (), "merging": ("merger",)}),
        (["spiral"], "galaxy10", "gz1-coarse", {"spiral": SPIRALS}),  # the same in gz2-5
        (
            ["elliptical", "disturbed"],
            "gz1-coarse",
            "galaxy10",
            {"disturbed": (), "gz1-coarse:elliptical": ("elliptical",)},
        ),
        (
            ["galaxy10:3", "galaxy10:5"],
            "gz2-5",
            "galaxy10",
            {"in_between_round_smooth": ("smooth_inbetween",)} | {"barred_spiral": ("spiral",)},
        ),
        (["1C_1P", "2c-3p"], "rgz-peaks", "rgz", {"1c_1p": ("1p",), "2c_3p": ("3p",)}),
        (["1C_1P", "2c-3p"], "rgz-components", "rgz", {"1c_1p": ("1c",), "2c_3p": ("2c",)}),
        (
            ["merger", "barred_spiral", "gz1-coarse:edge_on"],
            "gz1-coarse",
            "galaxy10",
            {"barred_spiral": ("spiral",)} | {f"gz1-coarse:{slug}": (slug,) for slug in ("merger", "edge_on")},
        ),
    ],
)
def test_labels_are_matched_at_any_depth(
    labels: list[str], chosen: str, terms: str, meaning: dict[str, tuple[str, ...]]
) -> None:
    (taxonomy,) = registered(chosen)
    found = match_at_any_depth(labels, taxonomy, registered())
    assert found.terms.name == terms and sorted(found.slug_of) == sorted(labels)
    expected = {slug: classes or (slug,) for slug, classes in meaning.items()} if terms == chosen else meaning
    assert found.classes_of == expected
    # a label is a class if it has a parent among them: one that contains only `merging` need not be it
    (own,) = registered(terms)
    parents = find_parents(own, taxonomy)
    assert found.is_class == {slug for slug in meaning if slug in parents or ":" in slug}


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["spiral", "edge_on"], "fit several taxonomies related to it: gz1-coarse, gz2-5"),
        (["fri", "bent"], "2 labels are not in the taxonomy 'galaxy10': 'fri', 'bent'."),
        (["spiral", "spirral"], "2 labels are not in the taxonomy 'galaxy10'"),
        (
            ["smooth_round", "smooth_inbetween", "star", "round_smooth", "star"],
            "1 label is neither in 'galaxy10' nor in 'gz2-5', to which the others belong: 'star' (2 images).",
        ),
    ],
)
def test_labels_that_cannot_be_matched_are_named(labels: list[str], said: str) -> None:
    with pytest.raises(InputError) as caught:
        match_at_any_depth(labels, registered("galaxy10")[0], registered())
    assert said in caught.value.message
    assert caught.value.hint


def test_numbers_of_another_taxonomy_need_its_name() -> None:
    with pytest.raises(InputError, match=r"no classes of these numbers: '5' \(1 image\), '0' \(2 images\)") as caught:
        match_at_any_depth(["5", "0", "0"], registered("gz1-coarse")[0], registered())
    assert "galaxy10:5 is barred_spiral" in str(caught.value.hint)


def test_labels_without_any_counterpart_are_counted() -> None:
    with pytest.raises(InputError) as caught:
        match_at_any_depth(["FRI", "bent", "FRI"], registered("rgz-peaks")[0], registered())
    assert caught.value.message == "No label has a counterpart in 'rgz-peaks': 'FRI' (2 images), 'bent' (1 image)."
    assert "--taxonomy radio-fr" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("labels", "coarse", "slugs", "without"),
    [
        (
            ["Barred Spirals", None, "disturbed", "merging"],
            "gz1-coarse",
            ["spiral", None, None, "merger"],
            {"disturbed": 1},
        ),
        (["edge_on", "spiral"], "gz2-5", ["edge_on", "spiral"], {}),
        (["1c_2p", "3C_3P", "1c_2p"], "rgz-peaks", ["2p", "3p", "2p"], {}),
        (["smooth_round", "spiral", "spiral"], "galaxymnist", ["smooth_round", None, None], {"spiral": 2}),  # broader
    ],
)
def test_labels_are_converted_to_coarser_classes(
    labels: list[str | None], coarse: str, slugs: list[str | None], without: dict[str, int]
) -> None:
    (taxonomy,) = registered(coarse)
    found = coarsen_labels(labels, taxonomy, registered())
    assert list(found.slugs) == slugs and found.without_parent == without
    said = " ".join(found.describe())
    assert all(f"{slug} ({n})" in said for slug, n in without.items())
    assert (found.terms.name == coarse) == (" in the classes of " not in said)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (
            ["compact", "fri", "fri"],
            "The labels give 1 class of 'rgz-peaks', and 2 are needed: fri (2) have no counterpart",
        ),
        ([None], "There are no labels to convert to the classes of 'rgz-peaks'."),
        (["fri", "bent"], "No label has a counterpart in 'rgz-peaks': 'fri' (1 image), 'bent' (1 image)."),
    ],
)
def test_labels_that_leave_too_few_coarse_classes(labels: list[str | None], said: str) -> None:
    with pytest.raises(InputError) as caught:
        coarsen_labels(labels, registered("rgz-peaks")[0], registered(), min_classes=2)
    assert said in caught.value.message and caught.value.hint


def test_one_class_that_is_left_names_the_images_left_out(tmp_path: Path) -> None:
    radio = write_class_folders(tmp_path / "radio", classes=("fri", "frii", "compact"), each=3)
    with pytest.raises(TrainingError, match="one class, '1p'") as caught:
        gather(radio, taxonomy="rgz-peaks")
    assert "6 images are left out, because 'rgz-peaks' has no class for the label: fri (3), frii (3)" in str(
        caught.value.hint
    )


def test_targets_of_data_sets_of_three_depths(folders: dict[str, Path]) -> None:
    labeled = gather(*folders.values())
    assert labeled.taxonomy.slugs == (
        "merging",
        "round_smooth",
        "in_between_round_smooth",
        "cigar_shaped_smooth",
        *SPIRALS,
        *EDGES,
    )
    k = len(labeled.taxonomy)
    sets = labeled.label_sets()
    assert sets is not None
    np.testing.assert_array_equal(sets[:k], np.eye(k))
    classes = {
        label: {slug for slug, own in zip(labeled.taxonomy.slugs, row, strict=True) if own}
        for label, row in zip(labeled.label_names, sets, strict=True)
    }
    assert classes["gz2-5:spiral"] == classes["gz1-coarse:spiral"] == {*SPIRALS}
    assert classes["gz2-5:edge_on"] == {*EDGES}
    assert classes["gz1-coarse:edge_on"] == {"cigar_shaped_smooth", *EDGES}
    assert classes["gz1-coarse:merger"] == {"merging"}
    targets = labeled.targets()
    assert [labeled.label_names[t] for t in targets] == labeled.slugs
    assert (targets < k).sum() == 4 * 4 + 2 * 4  # smooth_round and smooth_inbetween are classes
    assert [terms.taxonomy for terms in labeled.terms] == ["galaxy10", "gz2-5", "gz1-coarse"]
    for (d, _), target, item in zip(labeled.locations, targets, labeled.items, strict=True):
        term = labeled.terms[d].of_label[target]
        written = {"Round Smooth Galaxies": "round_smooth"}.get(str(item.label), str(item.label))
        assert labeled.terms[d].slugs[term] == written
    assert {*labeled.counts()["valid"].values()} == {1}  # one of each label
    said = " ".join(labeled.notes)
    assert "coarse: 4 coarse labels stand for classes of 'galaxy10'" in said
    assert "elliptical is round_smooth or in_between_round_smooth" in said
    assert "smooth_inbetween is in_between_round_smooth" in said
    assert "No training image has the label 'merging', 'cigar_shaped_smooth', 'unbarred_tight_spiral'" in " ".join(
        labeled.warnings
    )


def test_finer_labels_become_their_parents(folders: dict[str, Path]) -> None:
    labeled = gather(folders["medium"], folders["coarse"], folders["fine"], taxonomy="gz1-coarse")
    assert labeled.label_sets() is None and labeled.taxonomy.slugs == ("elliptical", "edge_on", "spiral", "merger")
    counts = {slug: labeled.slugs.count(slug) for slug in labeled.taxonomy.slugs}
    assert counts == {"elliptical": 16, "edge_on": 12, "spiral": 16, "merger": 4}
    assert [terms.taxonomy for terms in labeled.terms] == ["gz1-coarse"] * 3


def test_images_of_labels_without_a_class_are_left_out(folders: dict[str, Path], tmp_path: Path) -> None:
    other = write_class_folders(tmp_path / "other", classes=("disturbed", "merging", "barred_spiral"), each=3)
    labeled = gather(folders["coarse"], other, taxonomy="gz1-coarse")
    assert len(labeled.items) == len(labeled.slugs) == len(labeled.locations) == 16 + 6
    said = "other: 3 images are left out, because 'gz1-coarse' has no class for the label: disturbed (3)."
    assert said in labeled.warnings


def test_a_data_set_of_another_kind_is_an_error_that_names_it(folders: dict[str, Path], tmp_path: Path) -> None:
    other = write_class_folders(tmp_path / "radio", classes=("fri", "bent"), each=3)
    with pytest.raises(InputError, match="radio: 2 labels are not in the taxonomy 'galaxy10'"):
        gather(folders["fine"], other)


def test_data_sets_of_different_terms_are_pointed_out(folders: dict[str, Path]) -> None:
    labeled = gather(folders["medium"], folders["coarse"], taxonomy=None)
    (said,) = [warning for warning in labeled.warnings if "different terms" in warning]
    assert "medium in those of gz2-5, coarse in those of gz1-coarse" in said and "--taxonomy" in said
    assert not [w for w in gather(folders["medium"], taxonomy=None).warnings if "different terms" in w]


@pytest.mark.parametrize("method", [pytest.param("supervised", marks=pytest.mark.slow), "clip"])
def test_a_model_of_three_depths(method: str, folders: dict[str, Path]) -> None:
    given = ("--taxonomy", "galaxy10", "--method", method, "--out", "run")
    code, out, said = run_command("finetune", *folders.values(), *given, *QUICK)
    assert code == 0, said
    assert "9 classes and 6 coarser labels" in said
    record = json.loads(Path("run/model/model.json").read_text())
    assert [item["slug"] for item in record["taxonomy"]["classes"]][:2] == ["merging", "round_smooth"]
    assert record["data"]["coarse_labels"]["gz1-coarse:merger"] == ["merging"]
    assert sum(record["prior"].values()) == pytest.approx(1, abs=1e-4)
    metrics = json.loads(Path("run/metrics.json").read_text())
    with Path("run/split.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert {row["label"] for row in rows} >= {"gz1-coarse:merger", "gz2-5:edge_on", "round_smooth"}
    valid = [row for row in rows if row["split"] == "valid"]
    assert metrics["n"] == sum(":" not in row["label"] for row in valid)
    entries = metrics["datasets"]
    assert {name: own["taxonomy"] for name, own in entries.items()} == {
        "fine": "galaxy10",
        "medium": "gz2-5",
        "coarse": "gz1-coarse",
    }
    for number, own in enumerate(entries.values()):
        assert own["n"] == sum(row["id"].startswith(f"{number}:") for row in valid)
    assert "gz1-coarse" in out  # the table of the data sets
    with Path("run/history.csv").open() as stream:
        (row,) = csv.DictReader(stream)
    shares = [float(row[f"valid_f1_{name}"]) for name in ("fine", "medium", "coarse")]
    assert float(row["valid_f1_mean"]) == pytest.approx(np.mean(shares), abs=1e-6)
    resumed = read_split(Path("run/split.csv"), gather(*folders.values()))
    assert resumed.splits.tolist() == [row["split"] for row in rows]


def test_coarse_labels_alone(folders: dict[str, Path]) -> None:
    given = ("--taxonomy", "galaxy10", "--method", "supervised")
    code, out, said = run_command("finetune", folders["coarse"], *given, *QUICK, "--out", "run")
    assert code == 0, said
    metrics = json.loads(Path("run/metrics.json").read_text())
    assert (metrics["taxonomy"], metrics["n"]) == ("gz1-coarse", 4)
    assert next(iter(metrics["classes"])) == "elliptical"
    assert "accuracy" in out
    said = run_failing("finetune", folders["coarse"], *given, *QUICK, "--head", "knn", "--out", "knn")
    assert "all labels are coarser" in said


# --- noisy labels ----------------------------------------------------------------------------------------------------


def test_noisy_labels_are_rows_of_their_own(folders: dict[str, Path]) -> None:
    labeled = gather(*folders.values(), noisy=["coarse=0.2", "medium"])
    (medium, coarse), k = labeled.noisy, len(labeled.taxonomy)
    assert (medium.dataset, medium.rate, coarse.dataset, coarse.rate) == ("medium", 0.1, "coarse", 0.2)
    assert medium.labels == ("medium/smooth_round", "medium/smooth_inbetween", "medium/edge_on", "medium/spiral")
    assert coarse.labels == tuple(f"coarse/{slug}" for slug in ("elliptical", "edge_on", "spiral", "merger"))
    assert labeled.label_names[k:] == (*medium.labels, *coarse.labels)  # none of the data sets is coarse and clean
    sets = labeled.label_sets()
    assert sets is not None
    of_cigar = sets[k + 4 :, labeled.taxonomy.slugs.index("cigar_shaped_smooth")]
    np.testing.assert_allclose(of_cigar, [0.2 / 3, 0.8, 0.2 / 3, 0.2 / 3], rtol=1e-6)
    of_merging = sets[k : k + 4, labeled.taxonomy.slugs.index("merging")]  # without a counterpart in gz2-5
    np.testing.assert_allclose(of_merging, 0.25)
    for (d, _), target, item in zip(labeled.locations, labeled.targets(), labeled.items, strict=True):
        assert (target < k) == (d == 0)
        term = labeled.terms[d].slugs[labeled.terms[d].of_label[target]]
        assert term == {"Round Smooth Galaxies": "round_smooth"}.get(str(item.label), str(item.label))


@pytest.mark.parametrize("method", ["supervised", pytest.param("clip", marks=pytest.mark.slow)])
def test_the_noise_of_a_data_set_is_learned(method: str, folders: dict[str, Path]) -> None:
    given = ("--taxonomy", "galaxy10", "--method", method, "--noisy", "coarse=0.2", "--out", "run")
    code, out, said = run_command("finetune", *folders.values(), *given, *QUICK)
    assert code == 0, said
    assert "coarse: labels are noisy" in said and "Labels of coarse, learned probability given the class" in out
    entry = json.loads(Path("run/metrics.json").read_text())["noise"]["coarse"]
    assert entry["rate"] == 0.2
    shares = np.array([[*row.values()] for row in entry["classes"].values()])
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=2e-4)
    start = gather(*folders.values(), noisy=["coarse=0.2"]).noisy[0].start
    assert 1e-4 < np.abs(shares - start).max() < 0.1  # it has moved, and not far in one epoch
    record = json.loads(Path("run/model/model.json").read_text())
    assert record["data"]["noisy"] == {"coarse": 0.2}
    code, _, said = run_command("classify", folders["fine"], "--model", "run", "-o", "p.csv", "--device", "cpu")
    assert code == 0, said


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--noisy", "cuarse"), "Did you mean 'coarse'?"),
        (("--noisy", "coarse=1"), "must be above 0 and below 1"),
        (("--noisy", "coarse=much"), "'much' is not a number"),
        (("--noisy", "coarse", "--method", "dino-lora"), "changes nothing with the method 'dino-lora'"),
    ],
)
def test_noise_that_cannot_be_learned(given: tuple[str, ...], said: str, folders: dict[str, Path]) -> None:
    assert said in run_failing("finetune", folders["coarse"], "--method", "supervised", *given, *QUICK)
