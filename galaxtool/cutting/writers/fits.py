"""Cutouts as FITS files, one each, written as bytes."""

from __future__ import annotations

import numpy as np

from galaxtool.cutting.cutout_pixels import CutoutPixels
from galaxtool.cutting.headers import HeaderTemplate, make_header
from galaxtool.cutting.images import HduRef
from galaxtool.cutting.tasks import CutSettings

_BLOCK = 2880
_MAX_TEMPLATES = 256


class FitsWriter:
    """Writes one primary HDU per object, with the floating-point type of the image.

    Parameters
    ----------
    settings : CutSettings
        Settings of the job.
    """

    def __init__(self, settings: CutSettings) -> None:
        self.path = settings.folder
        self._settings, self._folder = settings, str(settings.folder)
        self._templates: dict[tuple[HduRef | None, ...], HeaderTemplate] = {}

    def write(self, piece: CutoutPixels) -> None:
        """Write one cutout, replacing an existing file."""
        ny, nx = piece.data.shape[-2:]
        header = self._find_template(piece).fill(
            first=next(f for f, image in zip(piece.first, piece.images, strict=True) if image is not None),
            shift=piece.shift,
            sides=(nx, ny),
            values={
                **{f"CUTSEC{n}": text for n, text in enumerate(piece.sections(), 1)},
                "CUTROW": piece.row + 1,
                "CUTID": piece.id,
                "CUTRA": piece.ra,
                "CUTDEC": piece.dec,
                "CUTFLAG": " ".join(piece.flags),
            },
        )
        size = piece.data.nbytes
        order = piece.data.dtype.newbyteorder(">")
        header += piece.data.astype(order, copy=False).tobytes()
        header += bytes(-size % _BLOCK)
        with open(f"{self._folder}/{piece.path}", "wb") as file:  # noqa: PTH123  making a Path takes longer than writing
            file.write(header)

    def write_missing(self, slot: int) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""

    def _find_template(self, piece: CutoutPixels) -> HeaderTemplate:
        """Return the header template of the images of a cutout, building it the first time."""
        key = tuple(image.ref if image is not None else None for image in piece.images)
        if key not in self._templates:
            if len(self._templates) >= _MAX_TEMPLATES:
                self._templates.clear()
            dtype = np.dtype(f"f{piece.data.dtype.itemsize}")
            settings = self._settings
            self._templates[key] = HeaderTemplate(
                make_header(piece.images, piece.data.shape, dtype, settings.bands, settings.catalogue)
            )
        return self._templates[key]
