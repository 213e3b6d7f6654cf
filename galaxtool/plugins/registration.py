"""What the registry keeps about each spec and each plugin."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic

from galaxtool.errors import DependencyMissing, GalaxtoolError, PluginError
from galaxtool.plugins.containment import contain
from galaxtool.plugins.kinds import S
from galaxtool.utils.debugging import is_debugging

BUILT_IN = "built-in"
"""Origin of what galaxtool brings itself."""

BY_HAND = "added by hand"
"""Origin of what a test or a notebook registers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration(Generic[S]):
    """A spec and the plugin that registered it.

    Parameters
    ----------
    spec : Spec
        The spec, as the plugin returned it.
    plugin : str
        Name of the plugin.
    origin : str
        ``built-in``, or the name of the distribution.
    """

    spec: S
    plugin: str
    origin: str

    @property
    def qualified(self) -> str:
        """The name ``plugin:name``, unique even where two plugins use the same name."""
        return f"{self.plugin}:{self.spec.name}"

    def load(self, target: str = "") -> Callable[..., Any]:
        """Import the factory of the spec.

        Parameters
        ----------
        target : str, optional
            Another ``"package.module:function"`` that the spec names, to import in place of its factory.

        Raises
        ------
        DependencyMissing
            If a package that it imports is not installed.
        PluginError
            If the module of a third-party plugin cannot be imported for another reason, or lacks the function.
        """
        target = target or self.spec.factory
        module, _, attribute = target.partition(":")
        built_in = self.origin == BUILT_IN
        try:
            with contain():
                function: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
        except GalaxtoolError:
            raise
        except Exception as error:
            if is_debugging():
                raise
            missing = error.name if isinstance(error, ModuleNotFoundError) else None
            if missing and missing != module.partition(".")[0] and "." not in missing:
                raise DependencyMissing(
                    f"'{self.spec.name}' needs the package '{missing}', which is not installed.",
                    hint=f"Run: pip install --upgrade {'galaxtool' if built_in else self.origin}",
                ) from error
            if built_in:
                raise
            raise PluginError(
                f"The plugin '{self.plugin}' registers '{self.spec.name}', but {target} cannot be imported: "
                f"{type(error).__name__}: {error}.",
                hint=f"Update or remove {self.origin}; GALAXTOOL_DEBUG=1 shows the traceback.",
            ) from error
        return function

    def create(self, *args: Any, **kwargs: Any) -> Any:
        """Import the factory, call it, and return what it returns; raises as `load` does."""
        return self.load()(*args, **kwargs)


@dataclass(slots=True, kw_only=True)
class PluginReport:
    """The state of one plugin.

    Parameters
    ----------
    name, origin, version : str
        Name of the entry point, ``built-in`` or the distribution, and its version.
    status : {"ok", "failed"}
        ``failed`` as soon as one hook fails; the other hooks still count, and `problem` says which failed.
    problem : str
        The reason, in one line.
    provides : list of str
        What it registers: ``"backbone mini"`` and so on.
    load_ms : float
        Import time in milliseconds.
    module : str
        Module of the entry point; empty for a plugin that is not one.
    where : str
        Line of the plugin's own code that led to its first exception; empty if there was none.
    heavy : tuple of str
        Slow packages that its module imported and nothing before it had.
    """

    name: str
    origin: str
    version: str
    status: str = "ok"
    problem: str = ""
    provides: list[str] = field(default_factory=list)
    load_ms: float = 0.0
    module: str = ""
    where: str = ""
    heavy: tuple[str, ...] = ()
