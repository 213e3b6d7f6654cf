"""The bundled models."""

from __future__ import annotations

from pathlib import Path

from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.specs import ModelSpec


@hookimpl
def register_models() -> list[ModelSpec]:
    return [
        ModelSpec(
            name="mini",
            summary="The ten Galaxy10 DECaLS classes, learned on simulated galaxies: to try the tool, not to publish.",
            folder=str(Path(__file__).resolve().parent / "mini"),
            licence="BSD-3-Clause",
        )
    ]
