"""One image to work on, wherever it lies: a file, a member of a container, or a file for each band."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class InputItem:
    """One image to work on.

    Parameters
    ----------
    id : str
        Unique among the inputs: the catalogue's identifier, else the path relative to the INPUT without suffix.
    path : Path
        The file, which need not exist or be readable; of several files, one for each band, the first.
    ra, dec : float or None
        Degrees, ICRS, from a catalogue; None where there is none or it does not say.
    container : str
        Name of the `galaxtool.specs.ContainerSpec` that opens the file, where it holds many images; else empty.
    member : str
        Which image of a container: a path in an archive, ``images/12`` of a stack, the number of an HDU.
    bands : tuple of (str, Path)
        Name and file of each band, where an object has a file for each; else empty.
    """

    id: str
    path: Path
    ra: float | None = None
    dec: float | None = None
    container: str = ""
    member: str = ""
    bands: tuple[tuple[str, Path], ...] = ()

    @property
    def place(self) -> str:
        """What tables and messages call it: the path, and ``[member]`` behind it within a container."""
        return f"{self.path}[{self.member}]" if self.container else str(self.path)
