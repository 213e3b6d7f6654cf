"""The built-in taxonomies: one for each folder of bundled symbols."""

from __future__ import annotations

from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.specs import TaxonomySpec
from galaxtool.taxonomy.assets import find_symbols_folder
from galaxtool.taxonomy.load import taxonomy_spec


@hookimpl
def register_taxonomies() -> list[TaxonomySpec]:
    return [taxonomy_spec(file.parent) for file in sorted(find_symbols_folder().glob("*/taxonomy.toml"))]
