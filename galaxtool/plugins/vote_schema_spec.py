"""The spec of a vote schema."""

from __future__ import annotations

from dataclasses import dataclass

from galaxtool.plugins.base_spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteSchemaSpec(Spec):
    """Questions and answers of volunteers, for ``finetune --votes NAME``: a TOML file as in docs/heads.md.

    Parameters
    ----------
    path : str
        Absolute path of the file.
    """

    path: str
    factory: str = "galaxtool.taxonomy.votes.load:load_schema"
