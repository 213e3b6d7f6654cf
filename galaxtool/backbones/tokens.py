"""Tokenizers without PyTorch: texts to the token ids of a text encoder, with everything they need in plain values."""

from __future__ import annotations

import html
import re
import unicodedata
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from galaxtool.errors import ModelError

_CONTRACTION = re.compile(r"'(?:s|t|re|ve|m|ll|d)", re.IGNORECASE)
_RUN = re.compile(r"L+|N|o+")
_CURLED = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"'})
_MOST_MERGES, _LONGEST_CONTEXT = 1 << 20, 4096


class Tokenizer(Protocol):
    """Converts texts to token ids.

    Attributes
    ----------
    context : int
        Number of tokens of a text; shorter texts are padded with zeros, longer ones are cut.
    """

    context: int

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Return the token ids of texts, int64 (N, context)."""

    def as_dict(self) -> dict[str, Any]:
        """Return the tokenizer as plain values, from which `restore_tokenizer` makes it again."""


class ByteTokenizer:
    """The bytes of a text in UTF-8 between a start and an end token: no vocabulary.

    Parameters
    ----------
    context : int
        Number of tokens of a text.
    """

    PAD, START, END = 0, 256, 257  # a NUL byte does not occur in a prompt

    def __init__(self, context: int) -> None:
        self.context = context

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Return the token ids of texts, int64 (N, context)."""
        rows = np.full((len(texts), self.context), self.PAD, dtype=np.int64)
        for row, text in zip(rows, texts, strict=True):
            data = [byte for byte in text.encode("utf-8") if byte != self.PAD][: self.context - 2]
            row[: len(data) + 2] = [self.START, *data, self.END]
        return rows

    def as_dict(self) -> dict[str, Any]:
        """Return the tokenizer as plain values."""
        return {"kind": "bytes", "context": self.context}


class PairTokenizer:
    """Byte-pair encoding as in CLIP (Sennrich et al. 2016, arXiv:1508.07909; Radford et al. 2021, arXiv:2103.00020).

    The ids 0 to 255 are the bytes within a word, 256 to 511 the bytes that end one; 512 + i is the pair of ids in row i
    of `merges`; a start and an end token follow. Texts are in lower case.

    Parameters
    ----------
    merges : ndarray of int, shape (M, 2)
        Pairs of ids that become one, the most frequent pair first.
    context : int
        Number of tokens of a text.
    """

    def __init__(self, merges: np.ndarray, context: int) -> None:
        self.merges, self.context = merges, context
        self.start, self.end = 512 + len(merges), 513 + len(merges)

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Return the token ids of texts, int64 (N, context)."""
        rows = np.zeros((len(texts), self.context), dtype=np.int64)
        for row, text in zip(rows, texts, strict=True):
            ids = [one for word in split_words(text) for one in self._encode(word)][: self.context - 2]
            row[: len(ids) + 2] = [self.start, *ids, self.end]
        return rows

    def as_dict(self) -> dict[str, Any]:
        """Return the tokenizer as plain values, with its pairs packed."""
        packed = zlib.compress(self.merges.astype("<u4").T.tobytes(), 9)
        return {"kind": "pairs", "context": self.context, "merges": b64encode(packed).decode("ascii")}

    def _encode(self, word: str) -> list[int]:
        ids = [_BYTE_IDS[byte] for byte in word.encode("utf-8")]
        ids[-1] += 256
        while len(ids) > 1:
            made = [self._made.get(pair, self.start) for pair in pairwise(ids)]
            best = min(made)
            if best == self.start:
                break
            joined, place = [], 0
            while place < len(ids):
                is_pair = place < len(made) and made[place] == best
                joined.append(best if is_pair else ids[place])
                place += 2 if is_pair else 1
            ids = joined
        return ids

    @cached_property
    def _made(self) -> dict[tuple[int, int], int]:
        """The id that a pair of ids becomes."""
        return {(left, right): 512 + i for i, (left, right) in enumerate(self.merges.tolist())}


def split_words(text: str) -> list[str]:
    """Split a text, in lower case, into runs of letters, single digits, and runs of other characters.

    Examples
    --------
    >>> split_words("A galaxy&#39;s 2 arms!?")
    ['a', 'galaxy', "'s", '2', 'arms', '!?']
    """
    plain = html.unescape(html.unescape(unicodedata.normalize("NFC", text).translate(_CURLED)))
    plain = " ".join(plain.split()).lower()
    kinds = "".join(" " if one.isspace() else _KINDS.get(unicodedata.category(one)[0], "o") for one in plain)
    words, place = [], 0
    while place < len(plain):
        found = _CONTRACTION.match(plain, place) or _RUN.match(kinds, place)
        if found is not None:
            words.append(plain[place : found.end()])
        place = found.end() if found is not None else place + 1
    return words


def restore_tokenizer(values: Mapping[str, Any], where: str) -> Tokenizer:
    """Make a tokenizer from what `Tokenizer.as_dict` returned; `where` is named in errors.

    Raises
    ------
    ModelError
        If the values are damaged.
    """
    try:
        context = int(values["context"])
        if not 3 <= context <= _LONGEST_CONTEXT:
            raise ValueError(f"texts of {context} tokens")
        if values["kind"] == "bytes":
            return ByteTokenizer(context)
        if values["kind"] != "pairs":
            raise ValueError(f"the kind '{values['kind']}'")
        unpacker = zlib.decompressobj()
        packed = unpacker.decompress(b64decode(values["merges"]), 8 * _MOST_MERGES)
        return PairTokenizer(np.frombuffer(packed, "<u4").reshape(2, -1).T.astype(np.int64), context)
    except (KeyError, TypeError, ValueError, zlib.error) as error:
        raise ModelError(
            f"The tokenizer in '{where}' is damaged: {error}.",
            hint="Write the file again with `galaxtool export --what text`.",
        ) from error


_KINDS = {"L": "L", "N": "N"}
_PRINTED = [*range(33, 127), *range(161, 173), *range(174, 256)]  # bytes that are a visible character of Latin-1
_BYTE_IDS = {byte: i for i, byte in enumerate([*_PRINTED, *sorted(set(range(256)) - set(_PRINTED))])}
