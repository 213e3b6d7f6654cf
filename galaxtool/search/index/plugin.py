"""The built-in kinds of similarity index."""

from __future__ import annotations

from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.specs import Citation, IndexSpec

_FAISS = Citation(text="Douze et al. 2024, The Faiss library", arxiv="2401.08281")


@hookimpl
def register_indexes() -> list[IndexSpec]:
    """Return the exhaustive and the inverted-file indexes, each with exact and with rounded vectors."""
    return [
        IndexSpec(
            name="flat",
            summary="Exact: compares with every object; 4 bytes per dimension.",
            factory="galaxtool.search.index.flat:build_flat",
            citation=_FAISS,
        ),
        IndexSpec(
            name="sq8",
            summary="Compares with every object, stored in 1 byte per dimension.",
            factory="galaxtool.search.index.flat:build_sq8",
            citation=_FAISS,
        ),
        IndexSpec(
            name="ivf-flat",
            summary="Compares with the objects of the nearest clusters; 4 bytes per dimension.",
            factory="galaxtool.search.index.ivf:build_ivf_flat",
            citation=_FAISS,
        ),
        IndexSpec(
            name="ivf-sq8",
            summary="Compares with the objects of the nearest clusters, stored in 1 byte per dimension; for millions.",
            factory="galaxtool.search.index.ivf:build_ivf_sq8",
            citation=_FAISS,
        ),
    ]
