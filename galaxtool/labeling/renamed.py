"""Labels of images whose identifiers got another number since, as where indexes with the same names were merged."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from galaxtool.inputs.names import strip_number
from galaxtool.labeling.answers import LogEntry
from galaxtool.search.features import Features
from galaxtool.types import Progress, warn
from galaxtool.utils.counts import format_count


def follow_images(
    answers: Sequence[LogEntry], row_of: Mapping[str, int], features: Features
) -> tuple[list[LogEntry], int]:
    """Return answers under the identifiers that their images have now, and how many objects have another one.

    Parameters
    ----------
    answers : sequence of LogEntry
        The log.
    row_of : mapping of str to int
        Identifier of an object -> its row.
    features : Features
        The objects.

    Notes
    -----
    Of two images with the identifier ``a``, one is called ``a-2``; which one depends on their order. An answer about
    ``a`` is one about ``a-2`` if its image has this name now, by its path. Otherwise identifiers count, because images
    may move.
    """
    paths = features.items["path"]
    doubtful = {
        (one.id, one.path)
        for one in answers
        if one.path and not (one.id in row_of and _is_at(paths[row_of[one.id]].as_py(), one.path))
    }
    wanted = {base for name, _ in doubtful for base in _list_bases(name) if base in row_of}
    if not wanted:
        return list(answers), 0
    names_at: dict[str, list[str]] = {}
    for name, path in zip(features.items["id"].to_pylist(), paths.to_pylist(), strict=True):
        if path and not wanted.isdisjoint(_list_bases(name)):
            names_at.setdefault(os.path.abspath(path), []).append(name)  # noqa: PTH100  links are not followed
    now: dict[tuple[str, str], str] = {}
    for name, path in doubtful:
        found = names_at.get(os.path.abspath(path), [])  # noqa: PTH100
        shares_base = len(found) == 1 and not wanted.isdisjoint(_list_bases(name) & _list_bases(found[0]))
        if shares_base and found[0] != name:
            now[name, path] = found[0]
    return [replace(one, id=now.get((one.id, one.path), one.id)) for one in answers], len(now)


def describe_renamed(count: int, source: str, name: str, progress: Progress) -> tuple[str, ...]:
    """Warn that some objects of a log have another identifier now, and return the sentence; nothing if none has."""
    if not count:
        return ()
    note = (
        f"{format_count(count, 'object')} of '{source}' got another number in '{name}', and are found by the paths of "
        "their images."
    )
    warn(progress, note)
    return (note,)


def _is_at(path: str | None, other: str) -> bool:
    return path is not None and os.path.abspath(path) == os.path.abspath(other)  # noqa: PTH100


def _list_bases(name: str) -> set[str]:
    """Return an identifier, and the one that it was made from if a number made it unique."""
    return {name, strip_number(name)}
