"""What the registry keeps of each spec and of each plugin."""

from __future__ import annotations

from dataclasses import dataclass, field

from galaxtool.plugins.specs import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A spec with where it came from.

    Parameters
    ----------
    spec : Spec
        What was handed over.
    plugin : str
        Name of the plugin.
    origin : str
        ``built-in``, or the distribution's name and version.
    """

    spec: Spec
    plugin: str
    origin: str

    @property
    def qualified(self) -> str:
        """The name that is unique even when two plugins use the same one."""
        return f"{self.plugin}:{self.spec.name}"


@dataclass(slots=True, kw_only=True)
class PluginReport:
    """What became of one plugin.

    Parameters
    ----------
    name, origin, version : str
        Entry point's name, ``built-in`` or the distribution, and its version.
    status : {"ok", "failed"}
        A plugin may be ``ok`` in one hook and lose another; then it is ``failed`` and `problem` says which.
    problem : str
        Why, in one line.
    provides : list of str
        ``"backbone mini"`` and so on.
    load_ms : float
        Time its import took.
    """

    name: str
    origin: str
    version: str
    status: str = "ok"
    problem: str = ""
    provides: list[str] = field(default_factory=list)
    load_ms: float = 0.0
