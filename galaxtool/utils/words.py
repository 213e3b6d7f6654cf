"""The words of texts."""

from __future__ import annotations

import re
from collections.abc import Collection

_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")

_FUNCTION_WORDS = frozenset((
    "a", "an", "and", "any", "are", "as", "at", "be", "been", "by", "for", "from", "had", "has", "have", "in",
    "into", "is", "it", "its", "like", "no", "not", "of", "on", "one", "or", "over", "shows", "some", "such",
    "that", "the", "their", "them", "there", "these", "they", "this", "those", "to", "under", "was", "we", "were",
    "where", "which", "whose", "with", "within", "without",
))  # fmt: skip


def split_words(text: str) -> list[str]:
    """Return the words of a text in lower case, in order; a word may have hyphens.

    Examples
    --------
    >>> split_words("A picture of an edge-on galaxy.")
    ['a', 'picture', 'of', 'an', 'edge-on', 'galaxy']
    """
    return _WORD.findall(text.lower())


def find_unknown_words(text: str, vocabulary: Collection[str]) -> list[str]:
    """Return the words of a text that are not in a vocabulary of words in lower case, each once and in order.

    Articles, prepositions and the like count as known, and so does the plural or the singular of a known word, and a
    word with hyphens whose parts are known.

    Examples
    --------
    >>> find_unknown_words("barred spirals with a gravitational lens", {"barred", "spiral"})
    ['gravitational', 'lens']
    """

    def is_known(word: str) -> bool:
        forms = {word, word.removesuffix("s"), word.removesuffix("es"), word + "s", word.replace("-", "")}
        if not forms.isdisjoint(vocabulary) or word in _FUNCTION_WORDS:
            return True
        return "-" in word and all(map(is_known, word.split("-")))

    return [word for word in dict.fromkeys(split_words(text)) if not is_known(word)]
