"""Check that a container follows `galaxtool.containers.protocols.Container`."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool.containers.protocols import Member
from galaxtool.errors import GalaxtoolError, UnreadableImage
from galaxtool.images.image_file import ImageFile
from galaxtool.images.read_options import PLAIN
from galaxtool.plugins.registry import get_registry
from galaxtool.testing.dataset import check_cutout
from galaxtool.testing.sending import check_sendable
from galaxtool.testing.suffixes import check_suffixes
from galaxtool.types import Cutout

_MOST = 16


def check_container(name: str, path: str | os.PathLike[str] | None = None) -> None:
    """Check a registered container, with a file of its format if one is given.

    The checks are:

    - Its members are `galaxtool.Member` with unique keys, in the same order each time.
    - Of up to 16 members, each is read as a file or a cutout, the same in any order and after opening again.
    - The container, its members and what is read from it can be sent to another process.
    - A key that does not exist raises `UnreadableImage`, and so does a damaged file or it has no members.

    Parameters
    ----------
    name : str
        Name of the container, plain or as ``plugin:name``.
    path : path, optional
        File of its format; without it, only what needs none is checked.

    Raises
    ------
    AssertionError
        If a check fails.
    """
    found = get_registry().containers.find(name)
    check_suffixes(f"The container '{name}'", found.spec.suffixes)
    container = found.create()
    for method in ("members", "open"):
        assert callable(getattr(container, method, None)), f"The container '{name}' has no {method}(path)."
    _check_junk(container, name, found.spec.suffixes)
    if path is not None:
        _check_file(container, name, Path(path))


def _check_junk(container: Any, name: str, suffixes: tuple[str, ...]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"junk{suffixes[0] if suffixes else ''}"
        file.write_bytes(bytes(range(256)) * 4)
        try:
            list(container.members(file))
        except GalaxtoolError as error:
            assert isinstance(error, UnreadableImage), (
                f"The container '{name}' raises {type(error).__name__} for random bytes; raise "
                "galaxtool.UnreadableImage."
            )
        except Exception as error:
            raise AssertionError(
                f"The container '{name}' raises {type(error).__name__} ({error}) for random bytes; raise "
                "galaxtool.UnreadableImage with one sentence."
            ) from error


def _check_file(container: Any, name: str, path: Path) -> None:
    members = list(container.members(path))
    assert members, f"The container '{name}' finds no image in '{path.name}'."
    assert all(isinstance(one, Member) for one in members), f"members of '{name}' yields other than galaxtool.Member."
    keys = [one.key for one in members]
    assert len(set(keys)) == len(keys), f"The container '{name}' has two members with the same key."
    assert keys == [one.key for one in container.members(path)], f"The members of '{name}' change their order."
    for what in (container, members):
        check_sendable(what, f"The container '{name}'" if what is container else f"The list of members of '{name}'")
    chosen = keys[:_MOST]
    opened = container.open(path)
    try:
        first = {key: _read(opened, key, name) for key in chosen}
        again = {key: _read(opened, key, name) for key in reversed(chosen)}
        try:
            opened.read("no such key", PLAIN)
        except UnreadableImage:
            pass
        except Exception as error:
            raise AssertionError(
                f"The container '{name}' raises {type(error).__name__} for a key that does not exist; raise "
                "galaxtool.UnreadableImage."
            ) from error
        else:
            raise AssertionError(f"The container '{name}' reads a key that does not exist.")
    finally:
        opened.close()
    other = container.open(path)
    try:
        later = {key: _read(other, key, name) for key in chosen}
    finally:
        other.close()
    assert first == again == later, f"A member of '{name}' is different the second time."


def _read(opened: Any, key: str, name: str) -> bytes:
    """Return the content of a member."""
    result = opened.read(key, PLAIN)
    check_sendable(result, f"The member '{key}' of '{name}'")
    if isinstance(result, Cutout):
        check_cutout(result, f"The member '{key}' of '{name}'")
        return np.ascontiguousarray(result.data).tobytes()
    assert isinstance(result, ImageFile), (
        f"The member '{key}' of '{name}' is a {type(result).__name__}, not a galaxtool.ImageFile or galaxtool.Cutout."
    )
    return result.content()
