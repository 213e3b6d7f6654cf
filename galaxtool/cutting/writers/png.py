"""Cutouts as PNG pictures, stretched as `classify` shows images."""

from __future__ import annotations

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from galaxtool import __version__
from galaxtool.cutting.shown import as_cutout
from galaxtool.cutting.tasks import CutoutPixels, CutSettings
from galaxtool.vision.stretch import to_display


class PngWriter:
    """Writes a picture for each object: 8 bits, colours from the bands, gray for a single one, north as in the image.

    Parameters
    ----------
    settings : Settings
    """

    def __init__(self, settings: CutSettings) -> None:
        self._settings = settings

    def write(self, piece: CutoutPixels) -> None:
        """Write one; what stood there is replaced."""
        cutout = as_cutout(piece, self._settings.bands)
        picture = to_display(cutout, self._settings.stretch)
        about = PngInfo()
        places = "; ".join(
            f"{image.place}{section}" for image, section in zip(piece.images, piece.sections(), strict=True) if image
        )
        known = {"ID": piece.id, "RA": piece.ra, "DEC": piece.dec, "Source": places}
        known |= {"Catalogue": self._settings.catalogue, "Software": f"galaxtool {__version__}"}
        for key, value in known.items():
            about.add_itxt(key, str(value).encode("utf-8", "backslashreplace").decode())
        gray = len(cutout.bands) == 1
        Image.fromarray(picture[..., 0] if gray else picture).save(
            self._settings.folder / piece.path, pnginfo=about, compress_level=4
        )  # noise is packed as well at 4 as at 6, and faster

    def missing(self, slot: int) -> None:
        """Do nothing."""

    def finish(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""
