"""The names of registered data sets in what users write, such as ``galaxy10:FILE`` and ``plugin:name:PATH``."""

from __future__ import annotations

from galaxtool.plugins.registration import Registration
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import DatasetSpec


def list_dataset_names() -> set[str]:
    """Return all names of registered data sets, such as ``galaxy10`` and ``plugin:galaxy10``."""
    return {name for entry in get_registry().datasets for name in (entry.spec.name, entry.qualified)}


def split_dataset_name(text: str) -> tuple[str, str | None] | None:
    """Return the name of the registered data set that a text begins with, and what follows its colon.

    Returns
    -------
    tuple of (str, str or None)
        None if the text begins with no such name; the second is None if nothing follows.

    Examples
    --------
    >>> split_dataset_name("sample:n=500"), split_dataset_name("sample"), split_dataset_name("galaxies/")
    (('sample', 'n=500'), ('sample', None), None)
    """
    names = list_dataset_names()
    if text in names:
        return text, None
    ends = (at for at, letter in enumerate(text) if letter == ":")
    return next(((text[:at], text[at + 1 :]) for at in ends if text[:at] in names), None)


def find_named_dataset(text: str) -> Registration[DatasetSpec] | None:
    """Return the registered data set that a text names; None if it names none.

    Raises
    ------
    ConfigError
        If several plugins have a data set of this name.
    """
    found = split_dataset_name(text)
    return None if found is None else get_registry().datasets.find(found[0])
