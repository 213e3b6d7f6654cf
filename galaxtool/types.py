"""The types that most packages share: Cutout, ImageRef, Item, Progress.

NumPy appears in annotations only, so this module is cheap to import.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np

Temperature: TypeAlias = float | list[float]
"""Divisor of a model's logits. Of a model of numbers: the factor for all error bars, or for those of each quantity."""

_URI = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+):/(?=[^/])")  # pathlib makes s3:/a of s3://a

NAN_PIXELS = "NAN_PIXELS"
OFF_EDGE = "OFF_EDGE"
UPSAMPLED = "UPSAMPLED"
SATURATED = "SATURATED"
BLANK = "BLANK"
NO_SCALE = "NO_SCALE"
NAME_MISMATCH = "NAME_MISMATCH"
BAD_WCS = "BAD_WCS"
SIP_IGNORED = "SIP_IGNORED"
NOT_LINEAR = "NOT_LINEAR"
BAYER_MOSAIC = "BAYER_MOSAIC"
OTHER_IMAGES = "OTHER_IMAGES"
MISSING_BAND = "MISSING_BAND"
MISALIGNED = "MISALIGNED"
COUNTS = "COUNTS"
AS_PICTURE = "AS_PICTURE"
FEW_LEVELS = "FEW_LEVELS"
FIRST_FRAME = "FIRST_FRAME"
NO_COUNTERPART = "NO_COUNTERPART"
UNLIKE_TRAINING = "UNLIKE_TRAINING"

FLAGS = {
    NAN_PIXELS: "some pixels are not finite and are shown as sky",
    OFF_EDGE: "the cutout extends beyond the image that it was cut from",
    UPSAMPLED: "the image has fewer pixels than the input of the model, and was enlarged",
    SATURATED: "pixels of the central object are saturated, or masked as saturated",
    BLANK: "every pixel has the same value",
    NO_SCALE: "the image does not state its pixel scale, so the whole image was used",
    NAME_MISMATCH: "the content does not match the suffix of the file; the content was used",
    BAD_WCS: "the header gives a position that cannot be read or contradicts itself; the position is unknown",
    SIP_IGNORED: "the header has SIP coefficients that its CTYPE does not name; they were not applied",
    NOT_LINEAR: "the header says that pixels are magnitudes, logarithms or roots; they were used as they are",
    BAYER_MOSAIC: "the image is the raw mosaic of a colour camera, and was used as one band",
    OTHER_IMAGES: "the file has further images of the sky, which were not read; --hdu names one",
    MISSING_BAND: "the object lies in no image of one of the bands that its cutout stacks",
    MISALIGNED: "the bands of the cutout are more than a pixel apart on the sky",
    COUNTS: "16-bit values fill less than a quarter of their range and were taken for measured data; see --pixels",
    AS_PICTURE: "numbers were taken for the gray levels of a picture; --pixels data reads measured data",
    FEW_LEVELS: "a 16-bit picture fills less than a quarter of its range, so that few levels of its colours are left",
    FIRST_FRAME: "the file has several frames or pages; the first was used",
    NO_COUNTERPART: "more than half of the probability is in classes that the coarser terms do not have",
    UNLIKE_TRAINING: "the image looks unlike those that the model was trained on, so its label means little",
}
"""Quality flags of a prediction, and the meaning of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutout:
    """One image of one object, as read, before any stretch.

    Parameters
    ----------
    data : ndarray, shape (bands, ny, nx)
        Native byte order; row 0 is the bottom row, as FITS displays it. float32 in `unit`, NaN where there are no
        data; or uint8 display values where `unit` is ``"display"`` (a JPEG or PNG).
    bands : tuple of str
        Names in the order of `data`'s first axis: ``("g", "r", "z")``, ``("R", "G", "B")``, ``("",)`` if unknown.
    unit : str
        FITS unit string, ``"display"``, or empty if the file has none.
    mask : ndarray of bool, shape (ny, nx), or None
        True for pixels to ignore.
    ra, dec : float or None
        Position of the centre in degrees, ICRS; None where the file has no celestial WCS.
    pixel_scale : float or None
        Pixel scale in arcsec per pixel; None where unknown.
    source : str
        Path of the file, followed by ``[hdu]`` if it has several images.
    flags : tuple of str
        Keys of `FLAGS`.
    extent : (float, float) or None
        Height and width of what a picture shows, from its top left corner, in pixels of `data`, where it was read at a
        reduced size and ends within the last row and column; None where it ends with them.
    is_radio : bool
        Whether the header says that this is a radio map.
    """

    data: np.ndarray
    bands: tuple[str, ...]
    unit: str = ""
    mask: np.ndarray | None = None
    ra: float | None = None
    dec: float | None = None
    pixel_scale: float | None = None
    source: str = ""
    flags: tuple[str, ...] = ()
    extent: tuple[float, float] | None = None
    is_radio: bool = False

    def with_flags(self, *flags: str) -> Cutout:
        """Return the same cutout with further flags."""
        return replace(self, flags=tuple(dict.fromkeys(self.flags + flags)))


@dataclass(frozen=True, slots=True)
class ImageRef:
    """Where one image is stored: in a file, in a container of many images, or in one file per band.

    Parameters
    ----------
    path : Path
        The file, which need not exist; the first one where there is one file per band.
    container : str
        Name of the `galaxtool.plugins.specs.ContainerSpec` that opens the file; empty for a file with one image.
    member : str
        Key of the image in its container: a path in an archive, ``images/12`` in a stack, the number of an HDU. Empty
        for a container whose members could not be listed.
    bands : tuple of (str, Path)
        Name and file of each band; empty unless every band has its own file.

    Examples
    --------
    >>> str(ImageRef(Path("cutouts.tar"), "tar", "m51.fits"))
    'cutouts.tar[m51.fits]'
    """

    path: Path
    container: str = ""
    member: str = ""
    bands: tuple[tuple[str, Path], ...] = ()

    def __str__(self) -> str:
        """Return the path, followed by ``[member]`` for an image in a container: what tables and messages show."""
        path = str(self.path)
        if ":/" in path:
            path = _URI.sub(r"\1://", path)
        return f"{path}[{self.member}]" if self.member else path

    @classmethod
    def parse(cls, text: str) -> ImageRef:
        """Return the image that a text such as ``archive.tar[member]`` names, going by the text alone.

        The text is split at its first opening bracket, and `container` stays empty.
        `galaxtool.containers.find.locate_image` also looks at the disk: it fills in the container, and finds files and
        folders with brackets in their own names.

        Examples
        --------
        >>> ImageRef.parse("cutouts.tar[m51.fits]").member
        'm51.fits'
        """
        return next(cls.splits(text), cls(Path(text)))

    @classmethod
    def splits(cls, text: str) -> Iterator[ImageRef]:
        """Yield every way to split a text into a path and a ``[member]``, from left to right."""
        if text.endswith("]"):
            for match in re.finditer(re.escape("["), text):
                yield cls(Path(text[: match.start()]), member=text[match.end() : -1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One image of a data set, with its label and other metadata.

    Parameters
    ----------
    id : str
        Identifier, unique in the data set.
    ref : ImageRef or None
        Location of the image; None for a data set that generates its images.
    label : str or None
        Name or slug of the class, as written in the data set; None if unlabelled.
    split : str
        ``train``, ``valid``, ``test``, or empty if the data set has no split.
    ra, dec : float or None
        Position in degrees, ICRS.
    columns : dict
        All other columns of the labels file.
    units : dict of str
        Units of these columns, as far as the file states them.
    """

    id: str
    ref: ImageRef | None = None
    label: str | None = None
    split: str = ""
    ra: float | None = None
    dec: float | None = None
    columns: dict[str, Any] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)


class Progress(Protocol):
    """Receives the progress of a long task: the command line shows a bar, a notebook may pass its own object."""

    def start(self, what: str, total: int | None = None) -> None:
        """Begin the task `what` with `total` steps."""

    def advance(self, n: int = 1, note: str = "") -> None:
        """Advance by `n` steps; `note` is shown beside the bar."""

    def say(self, message: str) -> None:
        """Show a message of one line."""


class Silent:
    """A `Progress` that shows nothing."""

    def start(self, what: str, total: int | None = None) -> None:
        """Do nothing."""

    def advance(self, n: int = 1, note: str = "") -> None:
        """Do nothing."""

    def say(self, message: str) -> None:
        """Do nothing."""


def warn(progress: Progress, message: str) -> None:
    """Show a warning: with the method ``warn`` of a progress that has one, else as any other message."""
    show = getattr(progress, "warn", None)
    if callable(show):
        show(message)
    else:
        progress.say(f"Warning: {message}")


def batches(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Yield consecutive slices of at most `size` items."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
