"""What a map lacks, and the empty values in its catalogue that follow."""

from __future__ import annotations

import numpy as np
from astropy.table import MaskedColumn, Table

from galaxtool_detect.catalog.maps import PixelMap
from galaxtool_detect.catalog.noise_grid import NoiseGrid
from galaxtool_detect.catalog.units import is_per_beam


def describe_missing(image: PixelMap, noise: NoiseGrid) -> list[str]:
    """Return what a map lacks and what its catalogue therefore does not have, a sentence for each.

    Parameters
    ----------
    image : PixelMap
        The map.
    noise : NoiseGrid
        Its background and noise.
    """
    if np.isnan(noise.rms).all():
        return ["No part of it has data (its pixels are NaN), so there is nothing to find; --hdu names another."]
    notes = []
    if image.unit != "display" and not noise.rms.any():
        notes.append("Its pixels have no noise (nearly all are equal), so faint sources cannot be told from artefacts.")
    if image.pixel_scale is None:
        why = getattr(image, "wcs_problem", "")
        notes.append(
            f"There is no WCS{f' ({why})' if why else ''}, so sources have no positions and no sizes in arcsec."
        )
    if is_per_beam(image.unit) and image.beam is None:
        notes.append("The unit is per beam, but no beam is stated (BMAJ, BMIN), so there are no integrated fluxes.")
    elif is_per_beam(image.unit) and image.pixel_scale is None:
        notes.append("The size of the beam in pixels is unknown without a WCS, so there are no integrated fluxes.")
    return notes


def mask_missing(table: Table) -> Table:
    """Return a table for writing: its NaN are masked, so that they are empty in formats that can say so."""
    shown = table.copy(copy_data=False)
    for name in table.colnames:
        values = np.asarray(table[name])
        if values.dtype.kind == "f" and (missing := np.isnan(values)).any():
            shown[name] = MaskedColumn(values, mask=missing, unit=table[name].unit)
    return shown
