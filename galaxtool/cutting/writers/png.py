"""Cutouts as PNG pictures, with the stretch that `classify` shows images with."""

from __future__ import annotations

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from galaxtool import __version__
from galaxtool.cutting.cutout_pixels import CutoutPixels
from galaxtool.cutting.tasks import CutSettings
from galaxtool.vision.stretch import to_display


class PngWriter:
    """Writes an 8-bit picture per object: colour from bands, gray for a single band, oriented as the image.

    Parameters
    ----------
    settings : CutSettings
        Settings of the job.
    """

    def __init__(self, settings: CutSettings) -> None:
        self.path = settings.folder
        self._settings = settings

    def write(self, piece: CutoutPixels) -> None:
        """Write one cutout, replacing an existing file."""
        cutout = piece.to_cutout(self._settings.bands)
        picture = to_display(cutout, self._settings.stretch)
        sources = "; ".join(
            f"{image.ref}{section}" for image, section in zip(piece.images, piece.sections(), strict=True) if image
        )
        values = {"ID": piece.id, "RA": piece.ra, "DEC": piece.dec, "Source": sources}
        values |= {"Catalogue": self._settings.catalogue, "Software": f"galaxtool {__version__}"}
        if piece.flags:
            values["Flags"] = " ".join(piece.flags)
        info = PngInfo()
        for key, value in values.items():
            info.add_itxt(key, str(value).encode("utf-8", "backslashreplace").decode())
        gray = len(cutout.bands) == 1
        Image.fromarray(picture[..., 0] if gray else picture).save(
            self._settings.folder / piece.path, pnginfo=info, compress_level=4
        )  # level 4 compresses noise as well as level 6, and is faster

    def write_missing(self, slot: int) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""
