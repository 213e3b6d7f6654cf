"""The measurement of queries by words and sketches: ``benchmarks/words_and_sketches.py``."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from support.benchmarks import import_benchmark

from galaxtool.plugins.registry import get_registry
from galaxtool.simulation.phrases import ADJECTIVES, FEATURES, NOUNS, STATEMENTS
from galaxtool.utils.words import split_words


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    return import_benchmark("words_and_sketches")


def test_precision_and_chance_of_a_query(benchmark: ModuleType) -> None:
    gallery = benchmark.Gallery("", np.array([[1, 0], [0.9, 0.4], [0, 1], [-1, 0]], dtype=np.float32))
    query = np.array([1.0, 0.1], dtype=np.float32)
    assert gallery.measure(query, np.array([True, False, True, False])) == (0.5, 0.5)
    assert gallery.measure(query, np.array([True, False, False, False])) == (1.0, 0.25)


def test_no_sentence_for_a_class_is_read_in_a_training(benchmark: ModuleType) -> None:
    read = {" ".join(split_words(p.text)) for group in (NOUNS, ADJECTIVES, FEATURES, STATEMENTS) for p in group}
    slugs = set()
    for registered in get_registry().taxonomies:
        for item in registered.create(registered.spec).classes:
            slugs.add(item.slug)
            read |= {" ".join(split_words(text)) for text in (item.name, item.prompt, *item.captions)}
    bare = {text.removeprefix("a ").removeprefix("an ") for text in read}
    for slug, sentences in benchmark.SENTENCES.items():
        assert slug in slugs and len(sentences) >= 2
        for sentence in sentences:
            text = " ".join(split_words(sentence))
            assert text not in read and text.removeprefix("a ").removeprefix("an ") not in bare, sentence
