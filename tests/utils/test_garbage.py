"""How often Python looks for unreachable cycles of objects."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from galaxtool.utils.garbage import collect_rarely


class Node:
    """An object that refers to itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def collecting() -> Iterator[None]:
    before = gc.get_threshold()
    collect_rarely()
    yield
    gc.set_threshold(*before)


@pytest.mark.usefixtures("collecting")
def test_cycles_are_found_less_often_but_are_found() -> None:
    gc.collect()
    kept = [Node() for _ in range(10_000)]
    unreachable = weakref.ref(Node())
    assert unreachable() is not None  # among the newest, which have not been looked at
    kept += [Node() for _ in range(100_000)]
    assert unreachable() is None
    assert all(node.itself is node for node in kept)
