"""The built-in kinds of similarity index."""

from __future__ import annotations

from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.specs import Citation, IndexSpec

_MIN_CODED = 1000  # fewer vectors do not suffice to learn the codes
_FAISS = Citation(text="Douze et al. 2024, The Faiss library", arxiv="2401.08281")


@hookimpl
def register_indexes() -> list[IndexSpec]:
    """Return the exhaustive and the inverted-file indexes, the graph, and the one for the least memory."""
    return [
        IndexSpec(
            name="flat",
            summary="Exact: compares with every object; 4 bytes per dimension.",
            factory="galaxtool.search.index.flat:build_flat",
            prepare="galaxtool.search.index.flat:prepare_flat",
            citation=_FAISS,
        ),
        IndexSpec(
            name="sq8",
            summary="Compares with every object, stored in 1 byte per dimension.",
            factory="galaxtool.search.index.flat:build_sq8",
            prepare="galaxtool.search.index.flat:prepare_sq8",
            refine=2,
            citation=_FAISS,
        ),
        IndexSpec(
            name="ivf-flat",
            summary="Compares with the objects of the nearest clusters; 4 bytes per dimension.",
            factory="galaxtool.search.index.ivf:build_ivf_flat",
            prepare="galaxtool.search.index.ivf:prepare_ivf_flat",
            citation=_FAISS,
        ),
        IndexSpec(
            name="ivf-sq8",
            summary="Compares with the objects of the nearest clusters, stored in 1 byte per dimension; for millions.",
            factory="galaxtool.search.index.ivf:build_ivf_sq8",
            prepare="galaxtool.search.index.ivf:prepare_ivf_sq8",
            refine=2,
            citation=_FAISS,
        ),
        IndexSpec(
            name="ivf-pq",
            summary="As ivf-sq8, in 1/8 byte per dimension, compared 32 at a time and ranked again by stored vectors.",
            factory="galaxtool.search.index.ivf_pq:build_ivf_pq",
            prepare="galaxtool.search.index.ivf_pq:prepare_ivf_pq",
            refine=8,
            min_count=_MIN_CODED,
            citation=_FAISS,
        ),
        IndexSpec(
            name="opq-ivf-pq",
            summary="As ivf-sq8, in 1/8 byte per dimension, ranked again by vectors on the disk; for little memory.",
            factory="galaxtool.search.index.ivf_pq:build_opq_ivf_pq",
            prepare="galaxtool.search.index.ivf_pq:prepare_opq_ivf_pq",
            refine=8,
            min_count=_MIN_CODED,
            citation=_FAISS,
        ),
        IndexSpec(
            name="hnsw",
            summary="Walks a graph of objects, stored in 1 byte per dimension and 0.3 kB of links; slow to build.",
            factory="galaxtool.search.index.hnsw:build_hnsw",
            prepare="galaxtool.search.index.hnsw:prepare_hnsw",
            refine=2,
            citation=_FAISS,
        ),
    ]
