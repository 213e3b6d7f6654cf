"""The command ``detect simulate``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galaxtool import Progress


@dataclass(frozen=True)
class SimulateResult:
    """The result of `simulate`.

    Parameters
    ----------
    output : Path
        The folder, with ``images/``, ``sources.csv`` and ``boxes.json``.
    n : int
        Number of fields.
    sources : dict
        Class -> number of sources.
    """

    output: Path
    n: int
    sources: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"output": str(self.output), "n": self.n, "sources": self.sources}


def simulate(
    *,
    output: Path,
    n: int = 100,
    seed: int = 0,
    size: int = 256,
    density: float = 20.0,
    crowded: float = 0.0,
    valid: float = 0.2,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> SimulateResult:
    """Simulate radio fields with sources whose boxes are known.

    Compact, double, bent and extended sources with fluxes from a power law, convolved with a beam, in noise that is
    correlated like the beam. Each field is a FITS file with a WCS and its beam, in Jy/beam; sources.csv lists every
    source, and boxes.json has the boxes in the COCO format.

    Parameters
    ----------
    output : Path
        Folder to create.
    n : int
        Number of fields.
    seed : int
        Random seed; the same seed gives the same fields.
    size : int
        Side of the fields in pixels.
    density : float
        Mean number of sources in a field of 256 x 256 pixels.
    crowded : float
        Share of the fields that are crowded, as for a single dish: two to fifteen times as many sources, nearly all of
        them compact, on a restless background.
    valid : float
        Share of the fields for validation.
    overwrite : bool
        Write into a folder that is not empty, and replace earlier simulated fields.
    progress : Progress, optional
        Receives the progress.

    Returns
    -------
    SimulateResult
        Number of sources of each class, and the path of the folder.

    Raises
    ------
    OutputExists
        If the folder is not empty.
    """
    from galaxtool_detect.simulation.run import SimulateOptions, simulate_fields

    options = SimulateOptions(
        output=Path(output),
        n=n,
        seed=seed,
        size=size,
        density=density,
        crowded=crowded,
        valid=valid,
        overwrite=overwrite,
    )
    sources = simulate_fields(options, progress)
    return SimulateResult(options.output, n, sources)
