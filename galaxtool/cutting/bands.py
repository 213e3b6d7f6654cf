"""Which images show the same sky in other bands, to be stacked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from galaxtool.cutting.images import SkyImage
from galaxtool.errors import ConfigError, InputError

_SEPARATOR = re.compile(r"[\s,;/+|]")


@dataclass(frozen=True, slots=True)
class BandGroups:
    """What becomes the planes of a cutout.

    Parameters
    ----------
    bands : tuple of str
        Names of the bands that are stacked, in order; empty where each object is cut from a single image.
    members : list of list of int
        Numbers of the images of each band; a single list without bands.
    note : str
        One line to tell the user, or empty.
    """

    bands: tuple[str, ...]
    members: list[list[int]]
    note: str = ""


def group_by_band(images: Sequence[SkyImage], wanted: Sequence[str], said: bool) -> BandGroups:
    """Decide whether images are stacked as bands.

    Parameters
    ----------
    images : sequence of SkyImage
    wanted : sequence of str
        Bands asked for, in this order; empty to take what the images name.
    said : bool
        Whether the command line itself gives bands to files: then those are stacked, in the order of appearance.

    Returns
    -------
    Channels
        Bands are stacked where they are asked for or given, or where all images name a single band and the names are
        two or more. A cube is not stacked with anything: its planes are its bands.

    Raises
    ------
    ConfigError
        If a name cannot be a band's, an image that is to be stacked names none, or only some name theirs.
    InputError
        If no image is in a band that was asked for.
    """
    for name in wanted:
        if _SEPARATOR.search(name) or wanted.count(name) > 1:
            raise ConfigError(f"--bands has '{name}', where a band is one word and comes once.", hint="--bands g,r,z")
    names = [image.bands[0] if len(image.bands) == 1 else "" for image in images]
    there = list(dict.fromkeys(name for name in names if name))
    if wanted or said:
        return _stacked(images, names, tuple(wanted or there))
    if len(there) < 2:
        return BandGroups((), [list(range(len(images)))])
    unnamed = [image for image, name in zip(images, names, strict=True) if not name]
    if unnamed:
        raise ConfigError(
            f"Some images name their bands ({', '.join(there)}), and others, such as '{unnamed[0].place}', do not.",
            hint=f"Say which it is, as in {there[0]}=FILE, or take one band with --bands {there[0]}.",
        )
    note = f"Stacking the bands {', '.join(there)}, as the headers name them; --bands chooses others or one alone."
    return BandGroups(tuple(there), _members(names, there), note)


def _stacked(images: Sequence[SkyImage], names: list[str], bands: tuple[str, ...]) -> BandGroups:
    for image, name in zip(images, names, strict=True):
        if len(image.bands) > 1:
            raise ConfigError(
                f"'{image.place}' is a cube of {len(image.bands)} bands, which cannot be stacked with others.",
                hint="Leave out --bands, and give cubes by themselves.",
            )
        if not name:
            hint = f"Say it, as in {bands[0]}={image.place.path}"
            raise ConfigError(f"The header of '{image.place}' does not name its band.", hint=hint)
    members = _members(names, bands)
    for band, numbers in zip(bands, members, strict=True):
        if not numbers:
            known = ", ".join(f"{name} ({n})" for name, n in Counter(names).items())
            hint = f"Their bands are {known}. Where headers are wrong, say it: {band}=FILE."
            raise InputError(f"No image is in the band '{band}'.", hint=hint)
    others = Counter(name for name in names if name not in bands)
    note = "Left out images in other bands: " + ", ".join(f"{n} in {name}" for name, n in others.items()) + "."
    return BandGroups(bands, members, note if others else "")


def _members(names: Sequence[str], bands: Sequence[str]) -> list[list[int]]:
    return [[number for number, name in enumerate(names) if name == band] for band in bands]
