"""Embed the text of a query, and find out whether the model understands it.

A small text encoder that was trained with captions knows their words, which its model lists: a text with other words
has a warning. One that was trained without captions knows the prompts of its classes and nothing else: it maps any
other text, even another wording of a class, to an arbitrary place. Whether an encoder understands other wordings is
then measured on the classes of the model.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from galaxtool.models.engines.text import TextEncoder
from galaxtool.taxonomy.classes import Taxonomy
from galaxtool.taxonomy.matching import match_label
from galaxtool.utils.words import find_unknown_words

_LEAD = re.compile(
    r"^(?:(?:an?|the) )?(?:(?:picture|image|photo|photograph|drawing) of )?(?:(?:an?|the) )?", re.IGNORECASE
)
_WORDINGS = ("{name}", "a photo of a {name}", "an astronomical image showing a {name}")
_NAMED = 3  # prompts in a warning
_MOST_WORDS = 5  # unknown words in a warning
_UNDERSTOOD = 0.8  # share of the other wordings that must be nearest to the prompt of their own class


@dataclass(frozen=True)
class EmbeddedText:
    """The vector of a text.

    Parameters
    ----------
    vector : ndarray of float32, shape (dim,)
        Embedding of unit length.
    note : str
        What was embedded instead of the text; else empty.
    warning : str
        Why the results mean little; else empty.
    """

    vector: np.ndarray
    note: str = ""
    warning: str = ""


def embed_query_text(text: str, encoder: TextEncoder) -> EmbeddedText:
    """Embed a text.

    The prompt of a class is embedded as it is. If the model lists its words, so is any other text, with a warning if it
    has others. If the model understands nothing but its prompts, a text that names a class, such as "barred spiral", is
    replaced by the prompt of the class, and any other text has a warning with the nearest prompts.
    """
    if words := encoder.record.words:
        unknown = find_unknown_words(text, words)
        warning = _describe_unknown(encoder.record.name, unknown, text) if unknown else ""
        return EmbeddedText(encoder.embed_text([text])[0], warning=warning)
    taxonomy = encoder.record.make_taxonomy()
    slug = find_named_class(text, taxonomy)
    prompts = encoder.embed_text(taxonomy.prompts)
    own, others = _compare_wordings(taxonomy, prompts, encoder)
    is_understood = len(taxonomy) < 2 or bool((own > others).mean() >= _UNDERSTOOD)
    if slug is not None and not is_understood:
        prompt = taxonomy.get(slug).prompt
        is_prompt = " ".join(text.split()).casefold() == prompt.casefold()
        note = "" if is_prompt else f"The text names the class {slug}, and is searched for as the prompt '{prompt}'."
        return EmbeddedText(prompts[taxonomy.slugs.index(slug)], note)
    vector = encoder.embed_text([text])[0]
    similarities = prompts @ vector
    if slug is not None or (is_understood and similarities.max() >= own.min()):
        return EmbeddedText(vector)
    order = np.argsort(-similarities) if is_understood else _rank_by_words(text, taxonomy.prompts)
    nearest = [taxonomy.prompts[i] for i in order[:_NAMED]]
    return EmbeddedText(vector, warning=_describe_distance(encoder.record.name, nearest, is_understood))


def find_named_class(text: str, taxonomy: Taxonomy) -> str | None:
    """Return the slug of the class that a text names, or None.

    Examples
    --------
    >>> from galaxtool.taxonomy.load import build_taxonomy
    >>> find_named_class("A picture of a ring galaxy", build_taxonomy(["ring", "lens"]))
    'ring'
    """
    folded = " ".join(text.split()).rstrip(".")
    for item in taxonomy.classes:
        if folded.casefold() == item.prompt.casefold():
            return item.slug
    bare = _LEAD.sub("", folded)
    for words in (folded, bare, re.sub(r" galax(y|ies)$", "", bare, flags=re.IGNORECASE)):
        if words and (slug := match_label(words, taxonomy)) is not None:
            return slug
    return None


def _compare_wordings(taxonomy: Taxonomy, prompts: np.ndarray, encoder: TextEncoder) -> tuple[np.ndarray, np.ndarray]:
    """Return the similarity of other wordings of each class to its own prompt, and to the nearest other prompt."""
    texts = [wording.format(name=item.name.lower()) for wording in _WORDINGS for item in taxonomy.classes]
    similarities = encoder.embed_text(texts) @ prompts.T
    rows, columns = np.arange(len(texts)), np.tile(np.arange(len(taxonomy)), len(_WORDINGS))
    own = similarities[rows, columns]
    similarities[rows, columns] = -np.inf
    return own, similarities.max(axis=1)


def _rank_by_words(text: str, prompts: Sequence[str]) -> list[int]:
    """Return the indices of prompts, those with the most words and letters in common with a text first."""
    bare = _LEAD.sub("", " ".join(text.split())).casefold()
    words = set(re.findall(r"\w+", bare)) - {"galaxy", "galaxies"}

    def count(i: int) -> tuple[int, float]:
        prompt = _LEAD.sub("", prompts[i]).casefold()
        return len(words & set(re.findall(r"\w+", prompt))), difflib.SequenceMatcher(None, bare, prompt).ratio()

    return sorted(range(len(prompts)), key=count, reverse=True)


def _describe_unknown(model: str, unknown: Sequence[str], text: str) -> str:
    """Return the warning about words that a model never read."""
    named = ", ".join(f"'{word}'" for word in unknown[:_MOST_WORDS]) + (" ..." if len(unknown) > _MOST_WORDS else "")
    word, them = ("the word", "it means") if len(unknown) == 1 else ("the words", "they mean")
    left = len(find_unknown_words(text, ())) > len(unknown)
    effect = "the results go by the other words" if left else "the results mean nothing"
    return (
        f"'{model}' never read {word} {named} in its training, so {them} nothing to it and {effect}. "
        "Ask with other words, with an image or with a drawing."
    )


def _describe_distance(model: str, nearest: Sequence[str], is_understood: bool) -> str:
    """Return the warning about a text that is far from what a model learned."""
    why = (
        f"This text is farther from the prompts that '{model}' was trained with than other wordings of them are"
        if is_understood
        else f"'{model}' understands only the prompts that it was trained with, and this text is not one of them"
    )
    names = ", ".join(f'"{prompt}"' for prompt in nearest)
    return (
        f"{why}, so the results may mean nothing. The nearest prompts are {names}; or ask with an image or a drawing."
    )
