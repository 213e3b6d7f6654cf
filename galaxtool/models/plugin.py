"""The bundled models."""

from __future__ import annotations

from pathlib import Path

from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.specs import ModelSpec

_LICENCE = "BSD-3-Clause, trained from weights under Apache-2.0"


@hookimpl
def register_models() -> list[ModelSpec]:
    folder = Path(__file__).resolve().parent
    return [
        ModelSpec(
            name="mini",
            summary="Ten classes of optical galaxies (Galaxy10), learned on SDSS, DECaLS and simulated images.",
            folder=str(folder / "mini"),
            licence=_LICENCE,
        ),
        ModelSpec(
            name="mini-radio",
            summary="FR I, FR II, compact and bent radio sources, learned on FIRST images.",
            folder=str(folder / "mini-radio"),
            licence=_LICENCE,
        ),
    ]
