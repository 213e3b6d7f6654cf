"""Find the drawings of classes in a folder, and name those that a model keeps.

A file is named by its class, ``ring.png``. Further drawings of the class have ``@`` and any word or number after its
name: ``ring@filled.png``, ``ring@2.png``. A class may have ``@`` in its own name: the whole name of a file is compared
with the classes first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from galaxtool.errors import InputError
from galaxtool.taxonomy.names import clean_name, match_key, slugify

MARK = "@"
"""Separates the name of a class from that of a variant in the name of a file."""

_IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")


def find_drawings(slug_of: Mapping[str, str], folder: Path) -> dict[str, list[Path]]:
    """Return the images in a folder that match a class.

    Parameters
    ----------
    slug_of : mapping of str to str
        Slug of each class name.
    folder : Path
        Folder of images; files that match no class are ignored.

    Returns
    -------
    dict
        Images of each class that has any, by slug: the one without a variant first, then by variant.

    Raises
    ------
    galaxtool.errors.InputError
        If the folder does not exist, or two images match one class and variant.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder of symbols.", hint="Give a folder with one image for each class.")
    matcher = _DrawingMatcher(slug_of)
    found: dict[tuple[str, str], Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in _IMAGES or (key := matcher.match(path.stem)) is None:
            continue
        if key in found:
            slug, variant = key
            which = f", variant '{variant}'," if variant else ""
            raise InputError(
                f"The class '{slug}'{which} has two symbols in {folder}: {found[key].name} and {path.name}.",
                hint=f"Keep one, or name further drawings of it {slug}{MARK}2.png, {slug}{MARK}3.png.",
            )
        found[key] = path
    drawings: dict[str, list[Path]] = {}
    for (slug, _), path in sorted(found.items()):
        drawings.setdefault(slug, []).append(path)
    return drawings


def name_drawings(slug: str, drawings: Sequence[Path]) -> list[str]:
    """Return the file names under which a model keeps the drawings of a class.

    Examples
    --------
    >>> name_drawings("ring", [Path("Rings.jpg"), Path("Rings@filled.png"), Path("Rings@fading.png")])
    ['ring.jpg', 'ring@2.png', 'ring@3.png']
    """
    return [f"{slug}{f'{MARK}{n}' if n > 1 else ''}{path.suffix}" for n, path in enumerate(drawings, 1)]


class _DrawingMatcher:
    """Finds the class and the variant that the name of a file stands for."""

    def __init__(self, slug_of: Mapping[str, str]) -> None:
        self.by_name = {slug: slug for slug in slug_of.values()}
        self.by_name |= {clean_name(name): slug for name, slug in slug_of.items()}
        # "ring" and "rings" may both be classes; then only the exact slug matches, not the key.
        slugs = list(dict.fromkeys(slug_of.values()))
        keys = [match_key(slug) for slug in slugs]
        self.by_key = {key: slug for key, slug in zip(keys, slugs, strict=True) if keys.count(key) == 1}

    def match(self, stem: str) -> tuple[str, str] | None:
        """Return the slug of the class and the variant ("" for none), or None if no class matches."""
        if slug := self.by_name.get(clean_name(stem)):
            return slug, ""
        name, _, variant = stem.rpartition(MARK) if MARK in stem else (stem, "", "")
        slug = self.by_name.get(clean_name(name)) or self.by_name.get(slugify(name)) or self.by_key.get(match_key(name))
        return (slug, variant.strip().casefold()) if slug else None
