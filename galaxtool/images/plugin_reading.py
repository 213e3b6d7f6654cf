"""Images read by a plugin's reader, in a child process: such a reader may die or never end."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from galaxtool.errors import GalaxtoolError, UnreadableImage
from galaxtool.images.image_file import ImageFile
from galaxtool.images.read_options import ReadOptions
from galaxtool.plugins.registration import BUILT_IN, BY_HAND, Registration
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import ReaderSpec
from galaxtool.types import Cutout
from galaxtool.utils.guarded_child import ChildFailed, GuardedChild

_SECONDS = 120.0
_child = GuardedChild("galaxtool.images.plugin_reading:read_requested")


def needs_child(reader: Registration[ReaderSpec]) -> bool:
    """Tell whether a reader must not read in this process."""
    return reader.origin not in (BUILT_IN, BY_HAND)


def read_in_child(reader: Registration[ReaderSpec], file: ImageFile, options: ReadOptions) -> Cutout:
    """Read an image as the reader of a plugin does, in a child process.

    Raises
    ------
    UnreadableImage
        If the reader ends its process, or takes longer than two minutes.
    GalaxtoolError
        As the reader raises it.
    RuntimeError
        If the reader raises anything else.
    """
    content = file.content() if file.path is None else None
    request = _Request(reader.qualified, file.name, file.path, content, options)
    try:
        answer = _child.ask(request, _SECONDS)
    except ChildFailed as error:
        raise UnreadableImage(
            f"'{file.name}' cannot be read: the reader '{reader.spec.name}' of '{reader.plugin}' was {error}."
        ) from error
    if isinstance(answer, Cutout):
        return answer
    name, message, hint = answer
    if name:
        raise RuntimeError(f"{name}: {message}")
    raise UnreadableImage(message, hint=hint)


def read_requested(request: _Request) -> Cutout | tuple[str, str, str]:
    """Read the image that a request names, or return the error: the work of the child."""
    try:
        reader = get_registry().readers.find(request.reader).create()
        cutout: Cutout = reader.read(ImageFile(request.name, request.path, request.content), request.options)
    except GalaxtoolError as error:
        return "", error.message, error.hint
    except Exception as error:
        return type(error).__name__, str(error), ""
    return cutout


class _Request(NamedTuple):
    reader: str
    name: str
    path: Path | None
    content: bytes | None
    options: ReadOptions
