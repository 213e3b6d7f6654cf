"""List the names of what plugins register, without importing their code."""

from __future__ import annotations

from fnmatch import fnmatchcase

from galaxtool.plugins.registry import get_registry


def list_backbones(pattern: str = "*") -> list[str]:
    """List the names of the backbones.

    Parameters
    ----------
    pattern : str
        Glob that a name must match: ``"clip*"``.

    Returns
    -------
    list of str
        Names as other functions take them: ``plugin:name`` where two plugins use the same name.

    Examples
    --------
    >>> list_backbones("mini")
    ['mini']
    """
    return _match(get_registry().backbones.names(), pattern)


def list_datasets(pattern: str = "*") -> list[str]:
    """List the names of the data sets; `pattern` is as for `list_backbones`."""
    return _match(get_registry().datasets.names(), pattern)


def list_heads(pattern: str = "*") -> list[str]:
    """List the names of the heads; `pattern` is as for `list_backbones`."""
    return _match(get_registry().heads.names(), pattern)


def list_methods(pattern: str = "*") -> list[str]:
    """List the names of the training methods; `pattern` is as for `list_backbones`."""
    return _match(get_registry().methods.names(), pattern)


def list_models(pattern: str = "*") -> list[str]:
    """List the names of the trained models; `pattern` is as for `list_backbones`."""
    return _match(get_registry().models.names(), pattern)


def list_taxonomies(pattern: str = "*") -> list[str]:
    """List the names of the taxonomies; `pattern` is as for `list_backbones`."""
    return _match(get_registry().taxonomies.names(), pattern)


def _match(names: list[str], pattern: str) -> list[str]:
    return [name for name in names if fnmatchcase(name, pattern)]
