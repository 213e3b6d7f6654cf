"""Records of what to cite, and of the origin and licence of pretrained weights."""

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
        Identifiers, without the URL of a resolver.
    """

    text: str
    doi: str = ""
    arxiv: str = ""
    bibcode: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """One set of pretrained weights, with their origin, licence and citation.

    Parameters
    ----------
    tag : str
        Name after the ``@`` of a backbone: ``laion2b_s34b_b88k``.
    uri : str
        Location: ``hf-hub:OWNER/NAME/FILE``, ``https://...``, ``file:PATH``, or ``package:MODULE/PATH`` for a file
        that comes with an installed Python package.
    sha256 : str, optional
        Digest of the file, which is checked if given.
    licence : str, optional
        SPDX identifier, or one sentence.
    citation : Citation, optional
        Reference to cite when these weights were used.
    image_size : int or None
        Side in pixels of the images that they were trained on; None for that of the backbone's spec.
    mean, std : tuple of 3 float, or None
        Normalization, as in `galaxtool.plugins.specs.BackboneSpec`; None for that of the spec.
    install : str, optional
        For ``package:``, the argument of ``pip install`` that installs it; by default the name of the module.
    """

    tag: str
    uri: str
    sha256: str = ""
    licence: str = ""
    citation: Citation | None = None
    image_size: int | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    install: str = ""
