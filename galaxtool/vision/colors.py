"""Choose the bands that are shown in red, green and blue."""

from __future__ import annotations

from collections.abc import Sequence

from galaxtool.images.filters import find_wavelengths, order_by_wavelength, select_colored

_PREFERRED = (("g", "r", "z"), ("g", "r", "i"), ("B", "G", "R"))


def choose_colors(bands: Sequence[str]) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Choose the bands to show in red, green and blue.

    Parameters
    ----------
    bands : sequence of str
        Names of the bands of a cutout, at least one.

    Returns
    -------
    red, green, blue : tuple of int
        Indices of the bands whose mean is shown in each colour: the longest wavelength in red, the shortest in blue.
        For two bands, green is their mean. For more than three, the bands are g, r and z, or g, r and i, or R, G and B,
        or else the shortest, the middle and the longest wavelength, without luminance. Bands with unknown names are
        assumed to be in order of wavelength.

    Examples
    --------
    >>> choose_colors(("g", "r", "z"))
    ((2,), (1,), (0,))
    >>> choose_colors(("r", "g"))
    ((0,), (1, 0), (1,))
    >>> choose_colors(("R", "G", "B"))
    ((0,), (1,), (2,))
    """
    order = list(range(len(bands)))
    if None not in find_wavelengths(bands):
        order = order_by_wavelength(bands)
    if len(order) == 2:
        return (order[1],), (order[0], order[1]), (order[0],)
    wanted = next((trio for trio in _PREFERRED if all(bands.count(band) == 1 for band in trio)), None)
    if wanted and len(order) > 3:
        order = [list(bands).index(band) for band in wanted]
    elif len(order) > 3:
        colored = select_colored(bands)
        order = [index for index in order if index in colored]
    return (order[-1],), (order[len(order) // 2],), (order[0],)
