"""The command line of ``galaxtool cutouts``."""

from __future__ import annotations

from typing import Any

from galaxtool.cli.build import build_command
from galaxtool.cli.render import echo, print_table
from galaxtool.commands.cutouts import CutoutsResult, cutouts
from galaxtool.utils.counts import format_count

_PANELS = {
    "Images": ("bands", "hdu"),
    "Catalogue": ("ra_column", "dec_column", "id_column", "table"),
    "Size": ("size", "size_arcsec", "size_column", "size_unit", "size_factor"),
    "Output": ("output", "kind", "stretch", "workers", "resume", "overwrite"),
}
_EPILOG = (
    "Examples:  galaxtool cutouts field.fits catalogue.fits -o cutouts  |  "
    "galaxtool cutouts tiles/ catalogue.csv -o cutouts --size-arcsec 30  |  "
    "galaxtool cutouts g=field_g.fits r=field_r.fits z=field_z.fits catalogue.csv -o cutouts --kind hdf5"
)


def command() -> Any:
    """Build the command."""
    return build_command(cutouts, show=_show, panels=_PANELS, epilog=_EPILOG)


def _show(result: CutoutsResult) -> None:
    rows = [{"flag": flag, "objects": n} for flag, n in result.flags.items()]
    if rows:
        print_table(rows, ("flag", "objects"))
        echo("")
    stacked = f" of {','.join(result.bands)}" if result.bands else ""
    without = f"; {format_count(result.errors, 'object')} without one" if result.errors else ""
    echo(f"{format_count(result.cut, 'cutout')}{stacked} in {result.output}{without}")
    if not (result.output / "cutouts.zarr").exists():  # which is for other programs
        echo(f"Try: galaxtool classify {result.manifest}")
