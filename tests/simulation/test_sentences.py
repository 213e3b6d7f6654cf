"""Sentences about simulated galaxies: true, stable, many, and none of those that are held out."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from galaxtool.datasets.captions import read_captions
from galaxtool.datasets.open import open_dataset
from galaxtool.datasets.subset import Subset
from galaxtool.simulation.galaxy import CLASSES
from galaxtool.simulation.grid import make_grid
from galaxtool.simulation.phrases import ADJECTIVES, FEATURES, NOUNS, STATEMENTS
from galaxtool.simulation.properties import PROPERTIES, find_galaxy_properties
from galaxtool.simulation.sample import choose_class, describe_object, sample_dataset, simulate_object
from galaxtool.simulation.scene import Scene
from galaxtool.simulation.sentences import HELD_OUT, MAX_BYTES, VOCABULARY, describe
from galaxtool.simulation.write import write_cutouts
from galaxtool.utils.words import find_unknown_words, split_words

KINDS = {"smooth", "spiral", "edge_on", "disturbed", "merging"}


@pytest.fixture(scope="module")
def objects():
    return [(choose_class(k), simulate_object(3, "train", k, 64)) for k in range(100)]


def measure_axis_ratio(light):
    """Return the axis ratio of an isophote that holds three quarters of the light, from its second moments."""
    ordered = np.sort(light.ravel())[::-1]
    inside = light >= ordered[np.searchsorted(ordered.cumsum(), 0.75 * ordered.sum())]
    y, x = np.nonzero(inside)
    small, large = np.linalg.eigvalsh(np.cov(x, y))
    return float(np.sqrt(small / large))


def test_properties_agree_with_classes_and_parameters(objects):
    for slug, simulated in objects:
        properties, parameters = simulated.properties, simulated.parameters
        assert properties <= set(PROPERTIES) and properties & KINDS, slug
        assert ("barred" in properties) == (slug == "barred_spiral") == ("bar_length" in parameters)
        assert ("merging" in properties) == (slug == "merging")
        assert ("disturbed" in properties) == (slug == "disturbed")
        assert ("no_bulge" in properties) == (slug == "edge_on_without_bulge")
        if "tight" in properties:
            assert parameters["pitch_angle"] <= 14
        if "two_arms" in properties:
            assert parameters["arms"] == 2
    with_tail = [s for _, s in objects if "tail" in s.properties]
    assert with_tail and all({"disturbed", "merging"} & s.properties for s in with_tail)


def test_properties_agree_with_what_is_measured_in_the_light():
    ratios = {name: [] for name in ("round", "oval", "cigar", "edge_on")}
    colors = {name: [] for name in ("red", "blue")}
    for k in range(150):
        scene = Scene(make_grid(160, 0.4), np.random.default_rng([k, 1]))
        CLASSES[choose_class(k)](scene)
        properties = find_galaxy_properties(scene)
        for name in properties & set(ratios):
            ratios[name].append(measure_axis_ratio(scene.light[1]))
        core = scene.light[:, 70:90, 70:90].sum((1, 2))
        for name in properties & set(colors):
            colors[name].append(-2.5 * np.log10(core[0] / core[1]))
    assert min(ratios["round"]) > 0.8 and 0.45 < min(ratios["oval"]) <= max(ratios["oval"]) < 0.88
    assert max(ratios["cigar"]) < 0.6 and max(ratios["edge_on"]) < 0.5
    assert min(colors["red"]) > 0.75 > 0.65 > max(colors["blue"])


def test_every_sentence_is_made_of_phrases_that_are_true(objects):
    false = {"edge-on": "edge_on", "bar": "barred", "barred": "barred", "tidal": "tail", "round": "smooth"}
    for index, (slug, simulated) in enumerate(objects):
        captions = describe_object(3, "train", index, simulated.properties)
        assert captions == describe_object(3, "train", index, simulated.properties)
        assert 3 <= len(captions) <= 8 and len(set(captions)) == len(captions), slug
        for caption in captions:
            assert len(caption.encode()) <= MAX_BYTES
            words = split_words(caption)
            assert set(words) <= VOCABULARY
            for word, needed in false.items():
                if word in words and not {"no", "without"} & set(words):
                    assert needed in simulated.properties, (caption, sorted(simulated.properties))


def test_phrases_need_known_properties_only():
    for phrase in (*NOUNS, *ADJECTIVES, *FEATURES, *STATEMENTS, *HELD_OUT):
        assert phrase.needs and set(phrase.needs) <= set(PROPERTIES), phrase.text


def test_held_out_sentences_are_never_written(objects):
    rng = np.random.default_rng(0)
    written = {
        " ".join(split_words(text)) for _, simulated in objects for text in describe(simulated.properties, rng, n=40)
    }
    assert len(written) > 1000
    held_out = [" ".join(split_words(sentence.text)) for sentence in HELD_OUT]
    assert len(set(held_out)) == len(held_out) >= 25 and not written & set(held_out)
    new = [sentence for sentence in HELD_OUT if sentence.find_new_words()]
    assert 4 <= len(new) < len(HELD_OUT) / 2


def test_captions_reach_the_data_sets_and_the_table(tmp_path):
    sample = sample_dataset(n=4, seed=5, size=32, splits={"valid": 1})
    expected = [sample.captions(k) for k in range(4)]
    assert read_captions(Subset(sample, [2]), 0) == expected[2] != ()
    rows = write_cutouts(tmp_path, n=4, seed=5, size=32, split="valid")
    with (tmp_path / "labels.csv").open() as stream:
        assert [row["properties"].split() for row in csv.DictReader(stream)] == [
            sorted(sample.properties(k)) for k in range(4)
        ]
    opened = open_dataset(str(tmp_path))
    assert [read_captions(opened, k) for k in range(4)] == expected
    assert rows[0]["caption"] == "|".join(expected[0])


def test_unknown_words_are_named_once_in_order():
    known = {"edge-on", "spiral", "arms", "wound", "loosely"}
    assert find_unknown_words("The Spirals have a loosely-wound arm, EDGE-ON!", known) == []
    assert find_unknown_words("a strong lens, a lens near the spiral", known) == ["strong", "lens", "near"]
