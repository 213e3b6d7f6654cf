"""Check that a reader of image files follows `galaxtool.images.protocols.Reader`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool.errors import GalaxtoolError, UnreadableImage
from galaxtool.images.image_file import ImageFile
from galaxtool.images.protocols import Reader
from galaxtool.images.read_options import PLAIN
from galaxtool.images.reading import read_file
from galaxtool.plugins.registry import get_registry
from galaxtool.testing.dataset import check_cutout
from galaxtool.testing.sending import check_sendable
from galaxtool.testing.suffixes import check_suffixes
from galaxtool.vision.preprocess import Preprocess

_JUNK = {"an empty file": b"", "random bytes": bytes(range(256)) * 4}


def check_reader(name: str, path: str | os.PathLike[str] | None = None) -> None:
    """Check a registered reader, with a file of its format if one is given.

    The checks are:

    - The suffixes are in lower case and begin with a dot.
    - What it reads follows `galaxtool.types.Cutout`, is reproducible, the same from a file in memory (a member of an
      archive), and can be preprocessed for a backbone.
    - The reader and what it reads can be sent to another process.
    - The file is recognized by its content under a name without a suffix, if the spec has `magic`, and by its suffix.
    - A file that is empty, cut short or full of random bytes raises `UnreadableImage` or is read; it raises nothing
      else.

    Parameters
    ----------
    name : str
        Name of the reader, plain or as ``plugin:name``.
    path : path, optional
        File of its format; without it, only what needs none is checked.

    Raises
    ------
    AssertionError
        If a check fails.
    """
    found = get_registry().readers.find(name)
    spec = found.spec
    check_suffixes(f"The reader '{name}'", spec.suffixes)
    assert spec.suffixes or spec.magic, f"The reader '{name}' has neither suffixes nor magic, so it is never chosen."
    reader = found.create()
    assert isinstance(reader, Reader), f"The factory of the reader '{name}' returns no object with read(file, options)."
    for what, content in _JUNK.items():
        _check_refusal(reader, name, what, content)
    if path is not None:
        _check_file(reader, name, Path(path), magic=bool(spec.magic))


def _check_refusal(reader: Any, name: str, what: str, content: bytes) -> None:
    try:
        cutout = reader.read(ImageFile("junk", content=content), PLAIN)
    except GalaxtoolError as error:
        assert isinstance(error, UnreadableImage), (
            f"The reader '{name}' raises {type(error).__name__} for {what}; raise galaxtool.UnreadableImage."
        )
    except Exception as error:
        raise AssertionError(
            f"The reader '{name}' raises {type(error).__name__} ({error}) for {what}; raise galaxtool.UnreadableImage "
            "with one sentence."
        ) from error
    else:
        check_cutout(cutout, f"What the reader '{name}' returns for {what}")


def _check_file(reader: Any, name: str, path: Path, *, magic: bool) -> None:
    content, whose = path.read_bytes(), f"The image that the reader '{name}' returns for '{path.name}'"
    cutout = reader.read(ImageFile.on_disk(path), PLAIN)
    check_cutout(cutout, whose)
    in_memory = reader.read(ImageFile(path.name, content=content), PLAIN)
    other = check_sendable(reader, f"The reader '{name}'").read(ImageFile.on_disk(path), PLAIN)
    for again, when in ((in_memory, "from memory"), (other, "by a copy of the reader in another process")):
        same = np.array_equal(cutout.data, again.data, equal_nan=cutout.data.dtype.kind == "f")
        assert same, f"{whose} is different when it is read {when}."
    sent = check_sendable(cutout, whose)
    assert np.array_equal(sent.data, cutout.data, equal_nan=sent.data.dtype.kind == "f"), (
        f"{whose} is different in another process."
    )
    Preprocess(size=32).picture(cutout)
    names = [path.name, *(["object"] if magic else [])]
    for each in names:
        found = read_file(ImageFile(each, content=content))
        assert np.array_equal(found.data, cutout.data, equal_nan=found.data.dtype.kind == "f"), (
            f"A file '{each}' with the content of '{path.name}' is read by another reader than '{name}'; check its "
            "suffixes and magic."
        )
    _check_refusal(reader, name, "a file that is cut short", content[: len(content) // 2])
