"""The names of a new plugin: of its distribution, its package and what it registers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from galaxtool.errors import ConfigError

PREFIX = "galaxtool-"
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 40


@dataclass(frozen=True, slots=True)
class PluginName:
    """The names of a new plugin.

    Parameters
    ----------
    short : str
        Name of the entry point and of the thing that the plugin registers: ``my-net``.

    Examples
    --------
    >>> name = PluginName.parse("galaxtool-my-net")
    >>> name.short, name.distribution, name.package
    ('my-net', 'galaxtool-my-net', 'galaxtool_my_net')
    """

    short: str

    @classmethod
    def parse(cls, text: str) -> PluginName:
        """Return the names for what the user typed, with or without the prefix ``galaxtool-``.

        Raises
        ------
        ConfigError
            If it cannot be the name of a package; the hint proposes one that can.
        """
        short = text.removeprefix(PREFIX)
        if short == "galaxtool" or not _NAME.fullmatch(short) or len(short) > _LONGEST:
            better = (
                re.sub(r"[^a-z0-9]+", "-", short.lower().removeprefix("galaxtool")).strip("-")[:_LONGEST].strip("-")
            )
            proposal = better if _NAME.fullmatch(better) else "my-survey"
            raise ConfigError(
                f"'{text}' cannot be the name of a plugin: it must be lower-case letters, digits and single hyphens, "
                f"begin with a letter, and have at most {_LONGEST} characters.",
                hint=f"Example: galaxtool plugins new {proposal} --kind head",
            )
        return cls(short)

    @property
    def distribution(self) -> str:
        """Name for pip."""
        return PREFIX + self.short

    @property
    def package(self) -> str:
        """Name for ``import``."""
        return self.distribution.replace("-", "_")

    @property
    def variable(self) -> str:
        """The short name as a name in Python and in ``metrics.json``."""
        return self.short.replace("-", "_")
