"""Group images by band, so that the bands of an object can be stacked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from galaxtool.cutting.images import SkyImage
from galaxtool.errors import ConfigError, InputError
from galaxtool.images.filters import match_band, order_by_wavelength

_SEPARATOR = re.compile(r"[\s,;/+|]")


@dataclass(frozen=True, slots=True)
class BandGroups:
    """The images of each plane of a cutout.

    Parameters
    ----------
    bands : tuple of str
        Names of the bands that are stacked, in order; empty where each object is cut from one image.
    members : list of list of int
        Numbers of the images of each band; a single list if `bands` is empty.
    note : str
        One line to tell the user, or empty.
    """

    bands: tuple[str, ...]
    members: list[list[int]]
    note: str = ""


def group_by_band(images: Sequence[SkyImage], requested: Sequence[str], bands_given: bool) -> BandGroups:
    """Decide whether images are stacked as bands, and group them.

    Parameters
    ----------
    images : sequence of SkyImage
        All images.
    requested : sequence of str
        Bands to stack, in this order; empty to use those that the images name.
    bands_given : bool
        Whether the command line gives the bands of files; these are then stacked in the order in which they appear.

    Returns
    -------
    BandGroups
        Bands are stacked if they are requested or given, or if each image names one band and there are two or more
        names; the shortest wavelength is the first, as far as headers or names tell. A cube is not stacked with other
        images: its planes are its bands.

    Raises
    ------
    ConfigError
        If a name cannot be that of a band, an image to be stacked does not name its band, or only some images do.
    InputError
        If no image has a requested band.
    """
    for name in requested:
        if _SEPARATOR.search(name) or requested.count(name) > 1:
            raise ConfigError(
                f"--bands contains '{name}', but each band must be one word and appear once.",
                hint="For example --bands g,r,z",
            )
    names = [image.bands[0] if len(image.bands) == 1 else "" for image in images]
    found = list(dict.fromkeys(name for name in names if name))
    if requested or bands_given:
        return _group_stacked(images, names, tuple(requested or found))
    found = _sort_by_wavelength(images, names)
    if len(found) < 2:
        return BandGroups((), [list(range(len(images)))])
    unnamed = [image for image, name in zip(images, names, strict=True) if not name]
    if unnamed:
        raise ConfigError(
            f"Some images name their bands ({', '.join(found)}), but others, such as '{unnamed[0].ref}', do not.",
            hint=f"Give the band, as in {found[0]}=FILE, or choose one band with --bands {found[0]}.",
        )
    note = f"Stacking the bands {', '.join(found)}, named in the headers. Choose others, or one, with --bands."
    return BandGroups(tuple(found), _find_members(names, found), note)


def _group_stacked(images: Sequence[SkyImage], names: list[str], bands: tuple[str, ...]) -> BandGroups:
    """Group images whose bands are requested or given."""
    for image, name in zip(images, names, strict=True):
        if len(image.bands) > 1:
            raise ConfigError(
                f"'{image.ref}' is a cube of {len(image.bands)} bands, which cannot be stacked with other images.",
                hint="Omit --bands, and cut from cubes separately.",
            )
        if not name:
            hint = f"Give it, as in {bands[0]}={image.ref.path}"
            raise ConfigError(f"The header of '{image.ref}' does not name its band.", hint=hint)
    members = _find_members(names, bands)
    for band, numbers in zip(bands, members, strict=True):
        if not numbers:
            known = ", ".join(f"{name} ({n})" for name, n in Counter(names).items())
            hint = f"The images have the bands {known}. If a header is wrong, give the band: {band}=FILE."
            raise InputError(f"No image is in the band '{band}'.", hint=hint)
    used = {number for numbers in members for number in numbers}
    others = Counter(name for number, name in enumerate(names) if number not in used)
    note = "Ignoring images in other bands: " + ", ".join(f"{n} in {name}" for name, n in others.items()) + "."
    return BandGroups(bands, members, note if others else "")


def _sort_by_wavelength(images: Sequence[SkyImage], names: list[str]) -> list[str]:
    """Return the different names, the shortest wavelength first; in order of appearance where it is not known."""
    found = list(dict.fromkeys(name for name in names if name))
    stated = [images[names.index(name)].wavelength for name in found]
    return [found[index] for index in order_by_wavelength(found, stated)]


def _find_members(names: Sequence[str], bands: Sequence[str]) -> list[list[int]]:
    known = set(names)
    meant = [match_band(band, tuple(known)) or band for band in bands]
    return [[number for number, name in enumerate(names) if name == band] for band in meant]


def describe_unused(images: Sequence[SkyImage], used: np.ndarray, seen: np.ndarray, groups: BandGroups) -> list[str]:
    """Return one line for each reason why images that could be used are not.

    Parameters
    ----------
    images : sequence of SkyImage
        All images.
    used : ndarray of int
        Numbers of the images that objects are cut from.
    seen : ndarray of bool, shape (images,)
        Whether an object lies in each image.
    groups : BandGroups
        The images of each band; those of other bands are not described.
    """
    unused = sorted({number for numbers in groups.members for number in numbers} - set(used.ravel().tolist()))
    notes = []
    for has_objects in (True, False):
        if not (numbers := [number for number in unused if seen[number] == has_objects]):
            continue
        first, others = images[numbers[0]], f" and {len(numbers) - 1} more" if len(numbers) > 1 else ""
        band = f" of the band {first.bands[0]}" if len(first.bands) == 1 and first.bands[0] and not others else ""
        it = "them" if others else "it"
        reason = f"another image{band} shows every object in {it} as far from the edge or further"
        notes.append(f"Not used: '{first.ref}'{others}; {reason if has_objects else f'no object lies in {it}'}.")
    return notes
