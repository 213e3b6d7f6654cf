"""Write what was found in an image: catalogue, components, regions, overlay and page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from galaxtool import ConfigError, check_writable, write_table
from galaxtool_detect.catalog.build import SourceCatalogue
from galaxtool_detect.catalog.figure import draw_overlay
from galaxtool_detect.catalog.file_rows import to_file_rows
from galaxtool_detect.catalog.maps import PixelMap
from galaxtool_detect.catalog.missing import mask_missing
from galaxtool_detect.catalog.page import write_page
from galaxtool_detect.catalog.regions import CASA, DS9, write_regions

_FIGURES = (".png", ".jpg", ".jpeg", ".pdf")


@dataclass(frozen=True, kw_only=True)
class CatalogueOutputs:
    """Where to write what was found.

    Parameters
    ----------
    table : Path
        Catalogue of sources, in any format that galaxtool writes.
    components : Path, optional
        Catalogue of the detections that the sources consist of.
    regions : tuple of Path
        Regions: ``.reg`` for DS9, ``.crtf`` for CASA.
    overlay : Path, optional
        Figure of the image with the boxes.
    html : Path, optional
        Page with a picture of every source.
    """

    table: Path
    components: Path | None = None
    regions: tuple[Path, ...] = ()
    overlay: Path | None = None
    html: Path | None = None

    def list_files(self) -> list[Path]:
        """Return all files."""
        several = (self.table, self.components, *self.regions, self.overlay, self.html)
        return [path for path in several if path is not None]

    def name_for(self, image: str) -> CatalogueOutputs:
        """Return the outputs of one of several images: the tables are common, the rest has the name of the image."""

        def name(path: Path) -> Path:
            return path.with_name(f"{path.stem}-{image.replace('/', '-')}{path.suffix}")

        return replace(
            self,
            regions=tuple(name(path) for path in self.regions),
            overlay=None if self.overlay is None else name(self.overlay),
            html=None if self.html is None else name(self.html),
        )

    def check(self) -> None:
        """Raise an error if a suffix is unknown or a file cannot be written, before any work is done.

        So is a file that two of the outputs would be.
        """
        files = [path.resolve() for path in self.list_files()]
        for path in self.list_files():
            if files.count(path.resolve()) > 1:
                raise ConfigError(f"'{path}' is named for two outputs.", hint="Give each output a name of its own.")
        for path in self.regions:
            if path.suffix.lower() not in (*DS9, *CASA):
                raise ConfigError(f"'{path}' has no suffix of regions.", hint="Use .reg for DS9, or .crtf for CASA.")
        if self.overlay is not None and self.overlay.suffix.lower() not in _FIGURES:
            raise ConfigError(f"'{self.overlay}' has no suffix of a figure.", hint="Use .png, .jpg or .pdf.")
        for output in (*self.regions, self.overlay, self.html):
            if output is not None:
                check_writable(output)


def write_catalogue(
    image: PixelMap,
    catalogue: SourceCatalogue,
    outputs: CatalogueOutputs,
    *,
    title: str = "",
    settings: Mapping[str, str] | None = None,
) -> None:
    """Write what was found in an image; in tables, the rows of a picture count from its top.

    Parameters
    ----------
    image : PixelMap
        The image.
    catalogue : SourceCatalogue
        What was found in it.
    outputs : CatalogueOutputs
        The files to write.
    title : str
        Heading of page and figure, such as the name of the image.
    settings : mapping of str, optional
        How the catalogue was made, for the page and the metadata of the table.
    """
    outputs.check()
    meta = dict(settings or {})
    write_table(mask_missing(to_file_rows(image, catalogue.sources)), outputs.table, meta=meta)
    if outputs.components is not None:
        write_table(mask_missing(to_file_rows(image, catalogue.components)), outputs.components, meta=meta)
    for path in outputs.regions:
        write_regions(image, catalogue.sources, path)
    if outputs.overlay is not None:
        draw_overlay(image, catalogue.sources, outputs.overlay, title=title)
    if outputs.html is not None:
        write_page(image, catalogue.sources, outputs.html, title=title or outputs.table.stem, settings=settings)
