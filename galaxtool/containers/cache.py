"""Containers that each thread keeps open."""

from __future__ import annotations

import atexit
import threading
from collections import OrderedDict

from galaxtool.containers.find import make_container
from galaxtool.containers.member_index import identify_file
from galaxtool.containers.protocols import OpenContainer
from galaxtool.images.reading import cannot_open_error
from galaxtool.types import ImageRef

_MOST_OPEN = 4


class ContainerCache:
    """The containers that one thread has open, the most recently used one last."""

    def __init__(self) -> None:
        self._open: OrderedDict[tuple[object, ...], OpenContainer] = OrderedDict()

    def get(self, ref: ImageRef) -> OpenContainer:
        """Return the open container of an image."""
        try:
            key = (ref.container, *identify_file(ref.path))
        except OSError as error:
            raise cannot_open_error(str(ref.path), error) from error
        if key not in self._open:
            self._open[key] = make_container(ref.container).open(ref.path)
            if len(self._open) > _MOST_OPEN:
                self._open.popitem(last=False)[1].close()
        self._open.move_to_end(key)
        return self._open[key]

    def clear(self) -> None:
        """Close all of them."""
        while self._open:
            self._open.popitem()[1].close()

    def __del__(self) -> None:
        self.clear()


_threads = threading.local()


def open_container(ref: ImageRef) -> OpenContainer:
    """Return the container of an image, which this thread keeps open for the next one."""
    return _cache().get(ref)


def close_containers() -> None:
    """Close the containers that this thread has open; it opens them again when it needs them."""
    _cache().clear()


atexit.register(close_containers)


def _cache() -> ContainerCache:
    if not hasattr(_threads, "cache"):
        _threads.cache = ContainerCache()
    cache: ContainerCache = _threads.cache
    return cache
