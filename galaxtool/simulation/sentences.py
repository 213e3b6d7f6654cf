"""True sentences about simulated galaxies, in many wordings, and sentences that no training ever reads."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from galaxtool.simulation.phrases import ADJECTIVES, FEATURES, FRAMES, NOUNS, STATEMENTS, Phrase
from galaxtool.utils.words import find_unknown_words, split_words

MAX_BYTES = 94
"""Longest sentence, which the small text encoder reads whole."""


@dataclass(frozen=True, slots=True)
class HeldOutSentence:
    """A sentence to ask with, which `describe` never writes.

    Parameters
    ----------
    text : str
        The sentence.
    needs : tuple of str
        Properties of the galaxies of which it is true.
    """

    text: str
    needs: tuple[str, ...]

    def find_new_words(self) -> list[str]:
        """Return the words in it that `describe` never writes either."""
        return find_unknown_words(self.text, VOCABULARY)


VOCABULARY = frozenset(
    word
    for text in (
        *(p.text for group in (NOUNS, ADJECTIVES, FEATURES, STATEMENTS) for p in group),
        *(f.format(a="a", bare="an") for f in FRAMES),
    )
    for word in split_words(text)
)
"""The words that `describe` writes, in lower case."""

HELD_OUT = tuple(
    HeldOutSentence(text, tuple(needs.split()))
    for text, needs in (
        ("galaxy that is smooth and circular", "smooth round"),
        ("an elliptical, oval in shape", "smooth oval"),
        ("thin cigar without any arms", "smooth cigar"),
        ("spiral galaxies whose arms are loosely wound", "spiral loose"),
        ("arms wound tightly around a core", "spiral tight"),
        ("two open arms of a spiral", "spiral loose two_arms"),
        ("a single arm", "spiral one_arm"),
        ("a spiral that has many arms", "spiral many_arms"),
        ("a spiral that we look at face-on", "spiral face_on"),
        ("a bar with spiral arms at its ends", "barred"),
        ("galaxy with a bar and a ring", "barred ring"),
        ("its center has a ring around it", "ring"),
        ("spirals with a big central bulge", "spiral large_bulge"),
        ("disc seen from its side, with dust", "edge_on dust_lane"),
        ("no bulge, seen edge-on", "edge_on no_bulge"),
        ("a bulge and a thin disk seen edge-on", "edge_on large_bulge"),
        ("a dark band cuts the galaxy in half", "dust_lane"),
        ("spindle", "edge_on"),
        ("a long tidal tail that leaves a galaxy", "tail"),
        ("tails of stars, two of them", "two_tails"),
        ("a galaxy and its companion are joined by a bridge", "bridge"),
        ("a smash-up of two systems", "merging"),
        ("the merging of two disks", "merging"),
        ("this galaxy has a very distorted shape", "disturbed"),
        ("irregular, with clumps and knots", "irregular"),
        ("faint shells surround an elliptical", "shells"),
        ("one galaxy, two nuclei", "double_nucleus"),
        ("this elliptical is red", "smooth red"),
        ("a spiral, blue in color", "spiral blue"),
        ("a blue spiral that is inclined", "spiral blue tilted"),
    )
)
"""Queries for measuring how well a model understands sentences; `describe` writes none of them."""


def describe(properties: Collection[str], rng: np.random.Generator, *, n: int = 8) -> tuple[str, ...]:
    """Write sentences that are true of a galaxy.

    Parameters
    ----------
    properties : collection of str
        Its properties, names of `galaxtool.simulation.properties.PROPERTIES`.
    rng : numpy.random.Generator
        Random number generator; the same state writes the same sentences.
    n : int
        Largest number of sentences.

    Returns
    -------
    tuple of str
        Different sentences of at most `MAX_BYTES` bytes, in no order. There are fewer than `n` if little is known.

    Examples
    --------
    >>> describe({"edge_on", "dust_lane", "no_bulge", "red"}, np.random.default_rng(6), n=2)
    ('disk galaxy seen edge-on with a dust lane', 'A bulgeless edge-on disk with a dark lane of dust.')
    """
    known = set(properties)
    nouns, adjectives, features, statements = (
        [phrase for phrase in phrases if known.issuperset(phrase.needs)]
        for phrases in (NOUNS, ADJECTIVES, FEATURES, STATEMENTS)
    )
    written: dict[str, None] = {}
    for _ in range(4 * n):
        if len(written) == n or not nouns:
            break
        if statements and rng.random() < 0.12:
            sentence = _choose(statements, rng).text
        else:
            sentence = _write_sentence(nouns, adjectives, features, rng)
        if len(sentence.encode()) <= MAX_BYTES:
            written[sentence] = None
    return tuple(written)


def _write_sentence(
    nouns: Sequence[Phrase], adjectives: Sequence[Phrase], features: Sequence[Phrase], rng: np.random.Generator
) -> str:
    """Write a noun with some adjectives before it and some features after it, none of them on the same topic."""
    noun = _choose(nouns, rng)
    topics = set(noun.topics)
    before = _choose_some(adjectives, int(rng.choice(3, p=[0.4, 0.4, 0.2])), topics, rng)
    after = [] if " with" in noun.text else _choose_some(features, int(rng.choice(3, p=[0.35, 0.4, 0.25])), topics, rng)
    words = " ".join([phrase.text for phrase in adjectives if phrase in before] + [noun.text])
    if after:
        words += " with " + " and ".join(phrase.text for phrase in after)
    article = "" if noun.is_plural else "an " if words[0] in "aeiou" and not words.startswith("one") else "a "
    sentence = FRAMES[int(rng.integers(len(FRAMES)))].format(a=article + words, bare=words)
    return sentence[0].upper() + sentence[1:] + "." if rng.random() < 0.3 else sentence


def _choose_some(phrases: Sequence[Phrase], n: int, topics: set[str], rng: np.random.Generator) -> list[Phrase]:
    """Choose up to `n` phrases on topics other than `topics`, to which those of the chosen are added."""
    chosen: list[Phrase] = []
    for _ in range(n):
        left = [phrase for phrase in phrases if not (phrase.topics - {"kind"} or phrase.topics) & topics]
        if not left:
            break
        chosen.append(_choose(left, rng))
        topics |= chosen[-1].topics
    return chosen


def _choose(phrases: Sequence[Phrase], rng: np.random.Generator) -> Phrase:
    return phrases[int(rng.integers(len(phrases)))]
