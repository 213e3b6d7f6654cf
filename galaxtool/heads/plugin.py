"""The built-in heads."""

from __future__ import annotations

from galaxtool.hookspecs import hookimpl
from galaxtool.specs import HeadSpec


@hookimpl
def register_heads() -> list[HeadSpec]:
    return [
        HeadSpec(
            name="prompt",
            summary="Similarity to each class's prompt, symbol, or both.",
            factory="galaxtool.heads.prompt:build",
        ),
        HeadSpec(
            name="linear",
            summary="A linear layer on the features.",
            factory="galaxtool.heads.linear:build",
        ),
    ]
