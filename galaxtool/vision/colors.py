"""Choice of the bands that are shown in red, green and blue."""

from __future__ import annotations

from collections.abc import Sequence

_PREFERRED = (("g", "r", "z"), ("g", "r", "i"))
_MICROMETRES = {
    **{"FUV": 0.153, "NUV": 0.227, "u": 0.355, "U": 0.365, "B": 0.44, "g": 0.475, "G": 0.53, "V": 0.55, "r": 0.622},
    **{"R": 0.65, "i": 0.763, "I": 0.8, "z": 0.905, "y": 0.96, "Y": 1.02, "J": 1.235, "H": 1.66, "K": 2.16},
    **{"Ks": 2.16, "W1": 3.4, "W2": 4.6, "W3": 12.0, "W4": 22.0},
}
"""Central wavelengths of common filters, and of the R, G and B of a picture."""

BY_WAVELENGTH = tuple(_MICROMETRES)
"""The same filters, in order of increasing wavelength."""


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
        For two bands, green is their mean. For more than three, the bands are g, r and z, or g, r and i, or else the
        shortest, the middle and the longest wavelength. Bands with unknown names are assumed to be in order of
        wavelength.

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
    if all(band in _MICROMETRES for band in bands):
        order.sort(key=lambda index: _MICROMETRES[bands[index]])
    if len(order) == 2:
        return (order[1],), (order[0], order[1]), (order[0],)
    wanted = next((trio for trio in _PREFERRED if all(bands.count(band) == 1 for band in trio)), None)
    if wanted and len(order) > 3:
        order = [list(bands).index(band) for band in wanted]
    return (order[-1],), (order[len(order) // 2],), (order[0],)
