"""Which container a file is, if any."""

from __future__ import annotations

import functools
import os
from dataclasses import replace
from pathlib import Path

from galaxtool.containers.member_index import identity
from galaxtool.containers.protocols import Container
from galaxtool.containers.streams import head_of, unpacked_head
from galaxtool.errors import UnreadableImage
from galaxtool.plugins.registry import Registry, get_registry
from galaxtool.plugins.specs import ContainerSpec
from galaxtool.types import ImageRef

HDUS = "fits-hdus"
"""Name of the container that takes every HDU of a FITS file for an image of its own."""


def container_name(path: Path, registry: Registry | None = None) -> str:
    """Return the name of the container that opens a file.

    Parameters
    ----------
    path : Path
        How it begins (after gzip, bzip2 or xz) decides, its suffix only between several; where the content is that of
        none, the suffix alone.
    registry : Registry, optional
        By default the process-wide one.

    Returns
    -------
    str
        Name of a `galaxtool.plugins.specs.ContainerSpec`; empty for a single image, and for what cannot be read.
    """
    known = (registry or get_registry()).containers.specs()
    try:
        head = head_of(path)
    except UnreadableImage:
        return ""
    name = path.name.lower()
    by_name = [spec for spec in known if spec.suffixes and name.endswith(spec.suffixes)]
    by_content = [s for s in known if _begins(s, head)] or [s for s in known if _inside(s, head)]
    both = [spec for spec in by_content if spec in by_name]
    chosen = both or by_content or by_name
    return chosen[0].name if chosen else ""


def locate_image(text: str) -> ImageRef:
    """Return the image that a path, or ``archive.tar[member]``, names on this disk.

    Parameters
    ----------
    text : str
        What exists as a file is that file, whatever its name. Otherwise the text in the last brackets is a member of
        the container in front of them; a number behind a FITS file is an HDU.
    """
    if text.endswith("]") and not os.path.exists(text):  # noqa: PTH110  Path.exists raises where a name is too long
        for ref in ImageRef.splits(text):
            if ref.path.is_file():
                name = _container_of(ref.path, *identity(ref.path)) or (HDUS if ref.member.isdecimal() else "")
                if name:
                    return replace(ref, container=name)
    return ImageRef(Path(text))


@functools.lru_cache
def _container_of(path: Path, *identity: object) -> str:
    """Return `container_name`, remembered for as long as the file stays the same."""
    return container_name(path)


def container_suffixes(registry: Registry | None = None) -> tuple[str, ...]:
    """Return the suffixes of files that hold many images, lower case with the dot, sorted."""
    known = (registry or get_registry()).containers.specs()
    return tuple(sorted({suffix for spec in known for suffix in spec.suffixes}))


def make_container(name: str, registry: Registry | None = None) -> Container:
    """Return the container of a name.

    The built-in ones count what `members` passed over in ``skipped``, a Counter by reason, complete when the last
    member has been taken.

    Raises
    ------
    UnknownName
        If there is none.
    """
    registry = registry or get_registry()
    made: Container = registry.containers.find(name).create()
    return made


def _begins(spec: ContainerSpec, head: bytes) -> bool:
    return any(head.startswith(magic, offset) for magic in spec.magic for offset in spec.offsets)


def _inside(spec: ContainerSpec, head: bytes) -> bool:
    """Tell whether a compressed file begins so when it is unpacked; at its very start an image might as well."""
    return 0 not in spec.offsets and _begins(spec, unpacked_head(head))
