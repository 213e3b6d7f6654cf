"""What a user must know before publishing: what to cite, and what pretrained weights are and under which licence."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A paper or release to cite.

    Parameters
    ----------
    text : str
        Authors, year, title and place, as printed in a reference list.
    doi, arxiv, bibcode : str, optional
        Identifiers, without a resolver's address.
    """

    text: str
    doi: str = ""
    arxiv: str = ""
    bibcode: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """One set of pretrained weights, with what a user must know before publishing with them.

    Parameters
    ----------
    tag : str
        The name after the ``@`` of a backbone: ``laion2b_s34b_b88k``.
    uri : str
        Where they come from: ``hf-hub:OWNER/NAME/FILE``, ``https://...`` or ``file:PATH``.
    sha256 : str, optional
        Digest of the file; checked when given.
    licence : str, optional
        SPDX identifier, or a sentence.
    citation : Citation, optional
        What to cite when these weights were used.
    image_size : int or None
        Side in pixels of the images that they are for; None where the backbone's spec says it.
    mean, std : tuple of 3 float, or None
        Normalisation they were trained with, as in `galaxtool.plugins.specs.BackboneSpec`; None where the spec says it.
    """

    tag: str
    uri: str
    sha256: str = ""
    licence: str = ""
    citation: Citation | None = None
    image_size: int | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
