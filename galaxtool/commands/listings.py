"""The listing commands."""

from __future__ import annotations

from galaxtool.diagnostics.listing import Listing, list_collection, list_plugins
from galaxtool.plugins.registry import get_registry


def backbones() -> Listing:
    """List the backbones, which encode images."""
    return list_collection(get_registry().backbones)


def datasets() -> Listing:
    """List the data sets."""
    return list_collection(get_registry().datasets)


def heads() -> Listing:
    """List the heads, which classify."""
    return list_collection(get_registry().heads)


def methods() -> Listing:
    """List the training methods and their papers."""
    return list_collection(get_registry().methods)


def models() -> Listing:
    """List the trained models that come with galaxtool and its plugins."""
    return list_collection(get_registry().models)


def taxonomies() -> Listing:
    """List the taxonomies with their classes, prompts and coarser classes."""
    return list_collection(get_registry().taxonomies)


def plugins() -> Listing:
    """List the plugins, what each provides, and why a plugin failed."""
    return list_plugins()
