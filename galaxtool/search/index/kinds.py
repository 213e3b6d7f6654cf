"""Choose a kind of index, and make an empty index of it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from galaxtool.errors import ConfigError, PluginError
from galaxtool.plugins.registration import Registration
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import IndexSpec
from galaxtool.search.index.ivf import choose_cluster_count
from galaxtool.utils.counts import format_count
from galaxtool.utils.memory import measure_available_memory

MAX_EXACT = 100_000
"""Number of images up to which ``auto`` builds an exact index."""

_SHARE = 0.5  # of the available memory that an index may take
_MAX_SAMPLE_BYTES = 2**30
_MIN_SAMPLE, _PER_CLUSTER = 100_000, 40


class KindChoice(NamedTuple):
    """The name of a kind of index, and why it was chosen, as the end of a sentence; empty if the user named it."""

    name: str
    reason: str = ""


def find_kind(name: str) -> Registration[IndexSpec]:
    """Return the kind of index of a name; raise `UnknownName` with the nearest name if there is none."""
    return get_registry().indexes.find(name)


def check_count(name: str, count: int) -> None:
    """Raise `ConfigError` if a kind of index cannot be built from so few vectors."""
    least = find_kind(name).spec.min_count
    if count < least:
        raise ConfigError(
            f"An index of the kind {name} needs at least {least:,} images; these are {count:,}.",
            hint="Use --kind flat, which is exact and fast for so few.",
        )


def choose_kind(name: str, count: int, dim: int, *, available: int | None = None) -> KindChoice:
    """Return the kind that a user named, or for ``auto`` one that fits the number of images and the memory.

    Parameters
    ----------
    name : str
        Name of a kind, or ``auto``.
    count, dim : int
        Number of vectors, and their length.
    available : int, optional
        Bytes of memory that are available; by default those of this machine.

    Examples
    --------
    >>> choose_kind("auto", 5000, 512)
    KindChoice(name='flat', reason='comparing 5,000 images one by one is quick and exact')
    >>> choose_kind("auto", 1_000_000, 512, available=2**34).name
    'ivf-sq8'
    >>> choose_kind("auto", 10_000_000, 512, available=2**32).name
    'opq-ivf-pq'
    """
    if name != "auto":
        check_count(name, count)
        return KindChoice(name)
    images = format_count(count, "image")
    if count <= MAX_EXACT:
        return KindChoice("flat", f"comparing {images} one by one is quick and exact")
    size = count * (dim + 8)
    available = measure_available_memory() if available is None else available
    if available is None:
        return KindChoice("ivf-sq8", f"{images} are too many to compare one by one, and take {_format_size(size)}")
    if size <= _SHARE * available:
        return KindChoice(
            "ivf-sq8",
            f"{images} are too many to compare one by one, and take {_format_size(size)} of the "
            f"{_format_size(available)} of memory that are available",
        )
    return KindChoice(
        "opq-ivf-pq",
        f"{images} would take {_format_size(size)} as ivf-sq8, more than half of the {_format_size(available)} of "
        f"memory that are available; as opq-ivf-pq they take {_format_size(count * (dim // 8 + 8))}",
    )


def choose_sample_size(count: int, dim: int) -> int:
    """Return the number of vectors that an index of `count` vectors is trained on.

    It is bounded: 40 for each cluster, but at least 100,000 and at most 1 GiB.

    Examples
    --------
    >>> [choose_sample_size(n, 512) for n in (5000, 1_000_000, 100_000_000)]
    [5000, 160000, 524288]
    """
    wanted = max(_MIN_SAMPLE, _PER_CLUSTER * choose_cluster_count(count))
    return max(1, min(count, wanted, _MAX_SAMPLE_BYTES // (4 * dim)))


def make_faiss_index(kind: Registration[IndexSpec], vectors: np.ndarray) -> Any:
    """Return a FAISS index of a kind; raise `PluginError` if it does not hold all vectors."""
    index = kind.create(vectors)
    count = getattr(index, "ntotal", None)
    if count != len(vectors):
        raise PluginError(
            f"The index '{kind.spec.name}' of the plugin '{kind.plugin}' was given {len(vectors)} vectors and holds "
            f"{'none' if count is None else count}.",
            hint="Choose another --kind, such as flat.",
        )
    return index


def _format_size(size: int) -> str:
    return f"{size / 1e9:.2g} GB"
