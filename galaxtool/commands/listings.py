"""The listing commands."""

from __future__ import annotations

from galaxtool.diagnostics.listing import ComponentListing, list_collection, list_plugins
from galaxtool.plugins.registry import get_registry


def backbones() -> ComponentListing:
    """List the image encoders (backbones)."""
    return list_collection(get_registry().backbones)


def datasets() -> ComponentListing:
    """List the registered data sets."""
    return list_collection(get_registry().datasets)


def heads() -> ComponentListing:
    """List the classification heads."""
    return list_collection(get_registry().heads)


def methods() -> ComponentListing:
    """List the training methods and their papers."""
    return list_collection(get_registry().methods)


def models() -> ComponentListing:
    """List the trained models that come with galaxtool and its plugins."""
    return list_collection(get_registry().models)


def taxonomies() -> ComponentListing:
    """List the taxonomies with their classes, prompts and coarser classes."""
    return list_collection(get_registry().taxonomies)


def plugins() -> ComponentListing:
    """List the plugins, what each provides, and why a plugin failed."""
    return list_plugins()
