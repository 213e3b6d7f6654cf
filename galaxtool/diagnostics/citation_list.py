"""What `cite` returns; this file imports nothing heavy."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class CitationList:
    """What to cite when results are published.

    Parameters
    ----------
    name : str
        What it is for.
    citations : list of dict
        ``text``, ``doi``, ``arxiv`` and ``bibcode`` of the papers on the method, the data and the weights.
    bibtex : str
        The same and galaxtool itself, as BibTeX entries.
    licences : list of str
        Licences of the weights that were used.
    notes : list of str
        What is not known.
    """

    name: str
    citations: list[dict[str, str]]
    bibtex: str
    licences: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return asdict(self)
