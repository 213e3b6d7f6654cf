"""The layers of a backbone whose features can be taken as embeddings."""

from __future__ import annotations

JOINT = "joint"
"""The embeddings themselves, in the space that images share with texts and symbols, where there are any."""

PENULTIMATE = "penultimate"
"""The features of the image tower before its projection to that space."""

CLASS_TOKENS = "cls-4"
"""The class tokens after the last four blocks of a vision transformer, one after the other."""

LAYERS = (JOINT, PENULTIMATE, CLASS_TOKENS)
