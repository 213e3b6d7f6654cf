"""The command ``simulate``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galaxtool.commands.shared_options import describe_shared_options
from galaxtool.types import Progress, Silent
from galaxtool.utils.path_arguments import accept_paths


@dataclass(frozen=True)
class SimulateResult:
    """The result of `simulate`.

    Parameters
    ----------
    output : Path
        The folder, with ``images/`` and ``labels.csv``.
    n : int
        Number of galaxies.
    labels : dict
        Class -> number of galaxies.
    """

    output: Path
    n: int
    labels: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"output": str(self.output), "n": self.n, "labels": self.labels}


@accept_paths
@describe_shared_options
def simulate(
    *,
    output: Path,
    n: int = 100,
    seed: int = 0,
    size: int = 256,
    split: str = "train",
    kind: str = "fits",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> SimulateResult:
    """Simulate labelled galaxies as FITS or PNG images.

    All ten classes of Galaxy10 DECaLS in equal numbers, in g, r and z, as they would appear in the DESI Legacy Imaging
    Surveys. A labels.csv lists the classes and the parameters of each galaxy. FITS files have a WCS.

    Parameters
    ----------
    output : Path
        Folder to create.
    n : int
        Number of galaxies.
    seed : int
        Random seed; the same seed gives the same galaxies.
    size : int
        Side of the images in pixels. The field of view is always 67 arcsec.
    split : str
        Split to simulate: train, valid or test. Different splits never share a galaxy.
    kind : str
        Image format: fits or png.
    overwrite : bool
        Write into a folder that is not empty, and replace earlier simulated galaxies.
    {progress}

    Returns
    -------
    SimulateResult
        Number of galaxies in each class, and the path of the folder.

    Raises
    ------
    OutputExists
        If the folder is not empty.
    """
    from galaxtool.simulation.run import SimulateOptions, simulate_galaxies

    options = SimulateOptions(
        output=Path(output), n=n, seed=seed, size=size, split=split, kind=kind, overwrite=overwrite
    )
    labels = simulate_galaxies(options, progress or Silent())
    return SimulateResult(options.output, n, labels)
