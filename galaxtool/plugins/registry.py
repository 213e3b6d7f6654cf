"""The registry, which finds a spec and its code by kind and name."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator
from typing import Any, Generic

from galaxtool.errors import ConfigError, UnknownName
from galaxtool.plugins import kinds
from galaxtool.plugins.kinds import Kind, S
from galaxtool.plugins.manager import PluginManager
from galaxtool.plugins.own_plugins import explain_missing_plugin
from galaxtool.plugins.registration import BUILT_IN, PluginReport, Registration


class Collection(Generic[S]):
    """Everything of one kind that the plugins register, the built-in things first.

    Iterating yields a `Registration` for each. ``name in collection`` tells whether a name, plain or as
    ``plugin:name``, is registered.

    Parameters
    ----------
    kind : Kind
        What to collect.
    manager : PluginManager
        The plugins to ask. They are asked again only after a plugin was added or removed.
    """

    def __init__(self, kind: Kind[S], manager: PluginManager) -> None:
        self.kind = kind
        self._manager = manager
        self._collected: tuple[int, list[Registration[S]]] = (-1, [])

    def __iter__(self) -> Iterator[Registration[S]]:
        return iter(self.all())

    def __contains__(self, name: object) -> bool:
        return any(name in (r.spec.name, r.qualified) for r in self.all())

    def all(self) -> list[Registration[S]]:
        """Return every registration, in the order in which the plugins were loaded."""
        revision, found = self._collected
        if revision != self._manager.revision:
            revision = self._manager.revision
            found = self._manager.collect(self.kind)
            self._collected = (revision, found)
        return list(found)

    def specs(self) -> list[S]:
        """Return every spec."""
        return [r.spec for r in self.all()]

    def names(self) -> list[str]:
        """Return the name of every spec; ``plugin:name`` where several plugins use the same name.

        What galaxtool brings keeps its plain name.
        """
        found = self.all()
        uses = Counter(r.spec.name for r in found)
        return [r.spec.name if uses[r.spec.name] == 1 or r.origin == BUILT_IN else r.qualified for r in found]

    def find(self, name: str) -> Registration[S]:
        """Find a registration by its name, plain or as ``plugin:name``.

        Raises
        ------
        UnknownName
            If nothing has that name; suggests the most similar one.
        ConfigError
            If several plugins use that name, and none of them is galaxtool itself; lists the qualified names.
        """
        hits = [r for r in self.all() if name in (r.spec.name, r.qualified)]
        own = [r for r in hits if r.origin == BUILT_IN]
        if len(hits) == 1 or own:
            return (own or hits)[0]
        if hits:
            raise ConfigError(
                f"Several plugins have a {self.kind.name} called '{name}'.",
                hint=f"Choose one of them: {' or '.join(r.qualified for r in hits)}.",
            )
        failed = [report.name for report in self._manager.reports.values() if report.status == "failed"]
        note = f"These plugins failed to load: {', '.join(failed)}; see `galaxtool plugins`." if failed else ""
        missing, hint = explain_missing_plugin(self.kind.name, name)
        raise UnknownName(self.kind.name, name, self.names(), note=missing or note, hint=hint)


class Registry:
    """Everything that the plugins register, one collection for each kind.

    Parameters
    ----------
    manager : PluginManager, optional
        By default one with the built-in and the installed plugins.

    Examples
    --------
    >>> get_registry().methods.names()[:1]
    ['galaxalign']
    >>> get_registry().readers.find("fits").spec.suffixes[:2]
    ('.fits', '.fit')
    """

    def __init__(self, manager: PluginManager | None = None) -> None:
        self.plugins = plugins = manager or PluginManager()
        self.backbones = Collection(kinds.BACKBONE, plugins)
        self.datasets = Collection(kinds.DATASET, plugins)
        self.heads = Collection(kinds.HEAD, plugins)
        self.methods = Collection(kinds.METHOD, plugins)
        self.taxonomies = Collection(kinds.TAXONOMY, plugins)
        self.readers = Collection(kinds.READER, plugins)
        self.containers = Collection(kinds.CONTAINER, plugins)
        self.models = Collection(kinds.MODEL, plugins)
        self.indexes = Collection(kinds.INDEX, plugins)
        self.recipes = Collection(kinds.RECIPE, plugins)
        self.executors = Collection(kinds.EXECUTOR, plugins)
        self.table_formats = Collection(kinds.TABLE_FORMAT, plugins)
        self.metrics = Collection(kinds.METRIC, plugins)
        self.plots = Collection(kinds.PLOT, plugins)
        self.search_filters = Collection(kinds.SEARCH_FILTER, plugins)
        self.vote_schemas = Collection(kinds.VOTE_SCHEMA, plugins)
        self.anomaly_methods = Collection(kinds.ANOMALY_METHOD, plugins)

    def collections(self) -> list[Collection[Any]]:
        """Return the collection of every kind."""
        return [value for value in vars(self).values() if isinstance(value, Collection)]

    def reports(self) -> list[PluginReport]:
        """Return the state of every plugin, after calling all their registering hooks."""
        for collection in self.collections():
            collection.all()
        self.plugins.note_commands()
        return list(self.plugins.reports.values())


@functools.cache
def get_registry() -> Registry:
    """Return the registry of this process, built on first use."""
    return Registry()
