"""Tokenizers without PyTorch."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from galaxtool.backbones.tokens import ByteTokenizer, PairTokenizer, restore_tokenizer, split_words
from galaxtool.errors import ModelError

_A, _R, _G = (ord(letter) - 33 for letter in "arg")  # ids of printed bytes start at 33
MERGES = np.array([[_A, _R], [512, _A + 256], [_G, 513]])  # ar, ar+a at the end of a word, g+ara


def test_pairs_by_hand() -> None:
    tokenizer = PairTokenizer(MERGES, 8)
    start, end = 515, 516
    assert tokenizer(["gara"])[0].tolist() == [start, 514, end, 0, 0, 0, 0, 0]
    assert tokenizer(["ARA  ar"])[0].tolist() == [start, 513, _A, _R + 256, end, 0, 0, 0]
    assert tokenizer(["a r a r a r a r"])[0].tolist() == [start, *[_A + 256, _R + 256] * 3, end]


@pytest.mark.parametrize("tokenizer", [ByteTokenizer(12), PairTokenizer(MERGES, 12)])
def test_a_tokenizer_survives_json(tokenizer: ByteTokenizer | PairTokenizer) -> None:
    again = restore_tokenizer(json.loads(json.dumps(tokenizer.as_dict())), "x")
    assert np.array_equal(again(["gara", "ring ©"]), tokenizer(["gara", "ring ©"]))


@settings(max_examples=20)
@given(st.text(max_size=40))
def test_any_text_is_framed_and_of_one_length(text: str) -> None:
    for tokenizer, start, end in ((ByteTokenizer(16), 256, 257), (PairTokenizer(MERGES, 16), 515, 516)):
        (row,) = tokenizer([text]).tolist()
        last = row.index(end)
        assert row[0] == start and len(row) == 16 and not any(row[last + 1 :])
    assert "".join(split_words(text)) == "".join("".join(split_words(text)).split())


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "words", "context": 9}, {"kind": "bytes"}, {"kind": "bytes", "context": 10**9},
        {"kind": "pairs", "context": 9, "merges": "AAAA"}, {"kind": "pairs", "context": 9}, {"context": 9},
    ],
)  # fmt: skip
def test_damaged_tokenizers(values: dict[str, object]) -> None:
    with pytest.raises(ModelError, match="tokenizer in 'x' is damaged"):
        restore_tokenizer(values, "x")


@pytest.mark.slow
def test_as_open_clip() -> None:
    import open_clip

    from galaxtool.backbones.openclip.text import make_tokenizer

    theirs = open_clip.get_tokenizer("ViT-B-16")
    ours = restore_tokenizer(make_tokenizer(theirs, None).as_dict(), "x")
    texts = [
        "a picture of a ring galaxy", "A galaxy's two ARMS, isn't it?!", "Ω≈3 μm naïve café 星系 ½ x² 12.5", "",
        "don’t “quote”", "edge-on (bulge) #42", "x" * 400, "emoji 🌌 galaxy", "&amp;amp; <b>",
        "tidal-tail's 'VE 'll!!'s",
    ]  # fmt: skip
    assert np.array_equal(ours(texts), theirs(texts).numpy())
