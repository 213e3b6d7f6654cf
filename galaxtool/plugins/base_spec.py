"""The fields that every spec has."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

from galaxtool.plugins.citation import Citation

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")
_FACTORY = re.compile(r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """The fields that every spec has.

    Parameters
    ----------
    name : str
        Letters, digits and ``. _ + -``. Where two plugins use the same name for things of one kind, each is found only
        as ``plugin:name``.
    summary : str
        One line for the listings.
    factory : str
        ``"package.module:function"``.
    citation : Citation, optional
        Reference to cite when the thing was used.
    licence : str, optional
        Licence of what the factory returns (data, weights), where it differs from the plugin's own.
    requires : tuple of str
        Import names of packages that it needs beyond the plugin's own dependencies.

    Raises
    ------
    ValueError
        If the name or the factory does not have the form above.
    """

    name: str
    summary: str = ""
    factory: str = ""
    citation: Citation | None = None
    licence: str = ""
    requires: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise ValueError(
                f"{type(self).__name__} name {self.name!r} has characters other than letters, digits, . _ + -"
            )
        if not _FACTORY.match(self.factory):
            raise ValueError(
                f"{type(self).__name__} '{self.name}' has factory {self.factory!r}; expected 'package.module:function'"
            )

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain values, for ``--json``."""
        return asdict(self)
