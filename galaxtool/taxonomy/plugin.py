"""The built-in taxonomies, one for each folder of bundled symbols, and the built-in vote schemas."""

from __future__ import annotations

from pathlib import Path

from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.specs import TaxonomySpec, VoteSchemaSpec
from galaxtool.taxonomy.assets import find_symbols_folder
from galaxtool.taxonomy.load import taxonomy_spec

_SCHEMAS = Path(__file__).resolve().parent / "votes" / "schemas"


@hookimpl
def register_taxonomies() -> list[TaxonomySpec]:
    return [taxonomy_spec(file.parent) for file in sorted(find_symbols_folder().glob("*/taxonomy.toml"))]


@hookimpl
def register_vote_schemas() -> list[VoteSchemaSpec]:
    return [
        VoteSchemaSpec(name=name, summary=summary, path=str(_SCHEMAS / f"{name}.toml"))
        for name, summary in (
            ("gz2", "Galaxy Zoo 2: eleven questions on SDSS galaxies."),
            ("gz-decals", "Galaxy Zoo DECaLS: ten questions on DECaLS and DESI Legacy Survey galaxies."),
        )
    ]
