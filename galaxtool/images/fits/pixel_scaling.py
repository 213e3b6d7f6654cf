"""From the stored values of a FITS image to physical ones: BSCALE, BZERO, BLANK and the asinh scaling of Pan-STARRS.

This is done here and not by astropy, which does not scale a part of an image that is mapped into memory, and reads a
BLANK or BSCALE that is written as another type as if it were not there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from galaxtool.images.fits.header import Keywords
from galaxtool.images.fits.numbers import parse_number

_MAGNITUDE = 2.5 / np.log(10)  # in units of which Pan-STARRS takes the inverse hyperbolic sine


@dataclass(frozen=True, slots=True)
class PixelScaling:
    """The conversion of stored values to physical ones.

    Parameters
    ----------
    bitpix : int
        BITPIX of the image.
    scale, zero : float
        BSCALE and BZERO.
    blank : int or None
        Stored value of pixels without data.
    softening, offset : float or None
        BSOFTEN and BOFFSET: the flux is ``BOFFSET + 2 BSOFTEN sinh(value / 1.0857)``.
    """

    bitpix: int
    scale: float = 1.0
    zero: float = 0.0
    blank: int | None = None
    softening: float | None = None
    offset: float = 0.0

    @classmethod
    def from_header(cls, header: Keywords, hdu: Any = None) -> PixelScaling:
        """Return the scaling that a header states.

        Parameters
        ----------
        header : Cards or Header
            Header of the image.
        hdu : astropy HDU, optional
            HDU of a compressed image, whose table may state the BLANK.
        """
        bitpix = int(header.get("BITPIX", -32))
        scale, zero = parse_number(header.get("BSCALE")), parse_number(header.get("BZERO"))
        blank = parse_number(header.get("BLANK"))
        table = getattr(hdu, "_bintable", None)
        if blank is None and bitpix > 0 and table is not None:
            blank = parse_number(table.header.get("ZBLANK"))
        return cls(
            bitpix=bitpix,
            scale=1.0 if scale is None else scale,
            zero=0.0 if zero is None else zero,
            blank=int(blank) if blank is not None and bitpix > 0 and blank == int(blank) else None,
            softening=parse_number(header.get("BSOFTEN")) or None,
            offset=parse_number(header.get("BOFFSET")) or 0.0,
        )

    @property
    def is_linear(self) -> bool:
        """Whether physical values are those that BSCALE and BZERO give."""
        return self.softening is None

    @property
    def _integer_zero(self) -> int | None:
        """The zero point of integers of the other signedness, which stay integers; None for all others."""
        usual = {8: -(2**7), 16: 2**15, 32: 2**31, 64: 2**63}
        zero = usual.get(self.bitpix)
        return zero if self.scale == 1 and zero is not None and self.zero == zero else None

    def to_physical(self, raw: np.ndarray) -> np.ndarray:
        """Return physical values; integers only where all values are integers, NaN for blanks.

        Parameters
        ----------
        raw : ndarray
            Stored values.
        """
        identity = self.scale == 1 and self.zero == 0
        blanks = None if self.blank is None else raw == self.blank
        blanks = blanks if blanks is not None and blanks.any() else None
        if identity and blanks is None and self.is_linear:
            return raw
        if self._integer_zero is not None:
            kind = np.dtype(f"{'i' if self.bitpix == 8 else 'u'}{raw.dtype.itemsize}")
            native = raw.astype(raw.dtype.newbyteorder("="))
            values = (native.view(kind.str.replace("i", "u")) ^ (1 << (self.bitpix - 1))).view(kind)
            values = values if blanks is None and self.is_linear else values.astype(self._float_type)
        else:
            values = raw.astype(self._float_type)
            if not identity:
                values *= values.dtype.type(self.scale)
                values += values.dtype.type(self.zero)
        if blanks is not None:
            values[blanks] = np.nan
        return values if self.is_linear else self._to_linear(values)

    @property
    def _float_type(self) -> np.dtype:
        return np.dtype(np.float32 if -32 <= self.bitpix <= 16 else np.float64)

    def _to_linear(self, values: np.ndarray) -> np.ndarray:
        assert self.softening is not None
        with np.errstate(over="ignore"):
            flux = self.offset + 2 * self.softening * np.sinh(values.astype(np.float64) / _MAGNITUDE)
        return np.asarray(flux, dtype=values.dtype if values.dtype.kind == "f" else np.float64)
