"""What a plugin provides, grouped by kind, for tables of the command line."""

from __future__ import annotations

from collections.abc import Iterable

from galaxtool.plugins.kinds import KINDS

_PLURALS = {**{kind.name: kind.plural for kind in KINDS}, "command": "commands", "hook": "hooks"}


def describe_provided(provides: Iterable[str], *, most: int | None = None) -> str:
    """Return a line for each kind of thing.

    Parameters
    ----------
    provides : iterable of str
        Kind and name of each thing: ``"backbone mini"``.
    most : int, optional
        Number of names of a kind from which they are only counted.

    Examples
    --------
    >>> print(describe_provided(["head a", "head b", "head c", "vote schema d"], most=3))
    3 heads
    vote schema d
    """
    groups: dict[str, list[str]] = {}
    for one in provides:
        kind = max((known for known in _PLURALS if one.startswith(f"{known} ")), key=len, default="")
        groups.setdefault(kind, []).append(one.removeprefix(f"{kind} "))
    return "\n".join(_describe(kind, names, most) for kind, names in groups.items())


def _describe(kind: str, names: list[str], most: int | None) -> str:
    if most is not None and len(names) >= most:
        return f"{len(names)} {_PLURALS.get(kind, kind)}"
    return f"{kind if len(names) == 1 else _PLURALS.get(kind, kind)} {', '.join(names)}".strip()
