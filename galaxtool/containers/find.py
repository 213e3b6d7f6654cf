"""Find the container that opens a file, and the image that a text names."""

from __future__ import annotations

import functools
import os
from dataclasses import replace
from pathlib import Path

from galaxtool.containers.member_index import identify_file
from galaxtool.containers.protocols import Container
from galaxtool.containers.streams import read_head, read_packed_head
from galaxtool.errors import UnreadableImage
from galaxtool.plugins.registry import Registry, get_registry
from galaxtool.plugins.specs import ContainerSpec
from galaxtool.types import ImageRef

HDUS = "fits-hdus"
"""Name of the container that treats every HDU of a FITS file as a separate image."""

PARQUET_IMAGES, FITS_CELLS = "parquet-images", "fits-cells"
"""Names of the containers for images in the cells of tables."""


def find_container_name(path: Path, registry: Registry | None = None) -> str:
    """Return the name of the container that opens a file.

    Parameters
    ----------
    path : Path
        Path of the file. Its first bytes decide (also those of a tar packed by gzip, bzip2, xz or Zstandard), and its
        suffix only between several containers. If no container knows the content, the suffix alone decides.
    registry : Registry, optional
        Registry of the containers; by default the process-wide one.

    Returns
    -------
    str
        Name of a `galaxtool.plugins.specs.ContainerSpec`; empty for a single image, and for a file that cannot be
        read.
    """
    known = (registry or get_registry()).containers.specs()
    try:
        head = read_head(path)
    except UnreadableImage:
        return ""
    name = path.name.lower()
    by_name = [spec for spec in known if spec.suffixes and name.endswith(spec.suffixes)]
    by_content = [spec for spec in known if _has_magic(spec, head)]
    if not by_content and (unpacked := read_packed_head(path, head)):
        by_content = [spec for spec in known if _has_packed_magic(spec, unpacked)]
    both = [spec for spec in by_content if spec in by_name]
    chosen = both or by_content or by_name
    return chosen[0].name if chosen else ""


def locate_image(text: str) -> ImageRef:
    """Return the image that a path, or ``archive.tar[member]``, names on this disk.

    Parameters
    ----------
    text : str
        A path, or the path of a container followed by a member in brackets. A text that exists as a file is that file,
        regardless of its name. A number in brackets after a FITS file is an HDU.

    Returns
    -------
    ImageRef
        With a container if one was found; otherwise the whole text is the path.
    """
    if text.endswith("]") and not os.path.exists(text):  # noqa: PTH110  Path.exists raises where a name is too long
        for ref in ImageRef.splits(text):
            if ref.path.is_file():
                name = _find_container(ref.path, *identify_file(ref.path)) or _find_requested(ref)
                if name:
                    return replace(ref, container=name)
    return ImageRef(Path(text))


def _find_requested(ref: ImageRef) -> str:
    """Return the container that is used only for a member of its kind: an HDU, or a cell of a table."""
    if ref.member.isdecimal():
        return HDUS
    _, slash, row = ref.member.rpartition("/")
    if not slash or not row.isdecimal():
        return ""
    return PARQUET_IMAGES if ref.path.name.lower().endswith((".parquet", ".parq", ".pq")) else FITS_CELLS


@functools.lru_cache
def _find_container(path: Path, *identity: object) -> str:
    """Return `find_container_name` from a cache, until the file changes."""
    return find_container_name(path)


def list_container_suffixes(registry: Registry | None = None) -> tuple[str, ...]:
    """Return the suffixes of containers, in lower case with the dot, sorted."""
    known = (registry or get_registry()).containers.specs()
    return tuple(sorted({suffix for spec in known for suffix in spec.suffixes}))


def make_container(name: str, registry: Registry | None = None) -> Container:
    """Create the container with a name.

    The built-in containers count the files that `members` skips in a Counter ``skipped``, by reason. It is complete
    after the last member.

    Raises
    ------
    UnknownName
        If no container has this name.
    """
    registry = registry or get_registry()
    container: Container = registry.containers.find(name).create()
    return container


def _has_magic(spec: ContainerSpec, head: bytes) -> bool:
    return any(head.startswith(magic, offset) for magic in spec.magic for offset in spec.offsets)


def _has_packed_magic(spec: ContainerSpec, unpacked: bytes) -> bool:
    """Tell whether a packed file has the magic after it is unpacked.

    Magic at offset 0 does not count: a packed file that begins with it may be a single image.
    """
    return 0 not in spec.offsets and _has_magic(spec, unpacked)
