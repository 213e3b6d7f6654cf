"""The captions of training images: own ones, those of their class, and none."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.helpers import write_png
from support.training_helpers import make_task

from galaxtool.backbones.byte_text import TextTower
from galaxtool.finetuning.captions import collect_captions, list_words
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.finetuning.data import gather_labeled
from galaxtool.plugins.registry import get_registry
from galaxtool.simulation.sample import sample_dataset
from galaxtool.simulation.sentences import HELD_OUT
from galaxtool.utils.words import split_words


def write_table(folder: Path) -> Path:
    with (folder / "labels.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "label", "Caption"])
        for k in range(12):
            write_png(folder / f"{k}.png", k)
            label = ("spiral", "elliptical", "edge_on")[k % 3]
            writer.writerow([f"{k}.png", label, "two arms |  a  blue disc| two arms" if k == 0 else ""])
    return folder


def test_captions_are_read_from_a_column_and_from_the_taxonomy(tmp_path):
    labeled = gather_labeled(FinetuneConfig(dataset=(str(write_table(tmp_path)),)))
    rows = [labeled.items.index(next(i for i in labeled.items if i.id == name)) for name in ("0", "1")]
    assert collect_captions(labeled, rows, of_classes=False) == [("two arms", "a blue disc"), ()]
    assert collect_captions(labeled, rows[1:], of_classes=False) is None
    own, elliptical = collect_captions(labeled, rows, of_classes=True)
    assert own[:3] == ("two arms", "a blue disc", "A picture of a spiral galaxy") and "a spiral galaxy" in own
    assert elliptical == (
        "A picture of an elliptical galaxy", "an elliptical galaxy", "a smooth galaxy", "an elliptical",
        "a galaxy without arms",
    )  # fmt: skip


def test_a_simulated_image_has_its_sentences():
    labeled = gather_labeled(FinetuneConfig(dataset=("sample:n=20,size=32",)))
    expected = sample_dataset(n=20, size=32)
    captions = collect_captions(labeled, range(20), of_classes=False)
    assert captions == [expected.captions(k) for k in range(20)]


def test_captions_of_classes_are_texts_that_are_not_held_out():
    held_out = {" ".join(split_words(sentence.text)) for sentence in HELD_OUT}
    captions = {
        " ".join(split_words(text))
        for registered in get_registry().taxonomies
        for item in registered.create(registered.spec).classes
        for text in item.captions
    }
    assert len(captions) > 40 and not captions & held_out


@pytest.mark.parametrize("captions", [None, [("a Barred spiral",), (), ("two arms",)]])
def test_the_words_of_a_training_are_listed_for_the_small_text_encoder_only(captions):
    task = make_task(items=3)
    task = replace(task, train=replace(task.train, captions=captions))
    assert list_words(task) == []
    small = replace(task, backbone=SimpleNamespace(text_tower=TextTower(8)))
    expected = ["a", "arms", "barred", "disc", "of", "picture", "ring", "smudge", "spiral", "two"]
    assert list_words(small) == ([] if captions is None else expected)
    lent = replace(task, backbone=SimpleNamespace(text=small.backbone))
    assert list_words(lent) == list_words(small)
