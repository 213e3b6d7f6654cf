"""The command ``detect reproduce``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from galaxtool import Progress


@dataclass(frozen=True)
class ReproduceResult:
    """The result of `reproduce`.

    Parameters
    ----------
    output : Path
        The folder with ``table.csv`` and ``table.md``.
    rows : list of dict
        The table.
    """

    output: Path
    rows: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"output": str(self.output), "rows": self.rows}


def reproduce(
    *,
    output: Path = Path("reproduction/lastufka2024-table4"),
    scale: str = "small",
    data: Sequence[str] = (),
    seeds: int = 3,
    only: str = "",
    epochs: int | None = None,
    fields: int | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> ReproduceResult:
    """Measure table 4 of Lastufka et al. 2024 again: detectors on frozen, tuned and random backbones.

    At the small scales, a ResNet-18 and a small vision transformer are trained on simulated cutouts and then as
    detectors on simulated fields; tiny takes half an hour on one core. The full scale needs the data of the paper, the
    weights of its backbones, and a GPU. A training that is finished is not repeated, and the same command resumes an
    interrupted one.

    Parameters
    ----------
    output : Path
        Folder for the table and the runs.
    scale : {"tiny", "small", "full"}
        Simulated fields, few and small or more and larger, or the data of the paper.
    data : sequence of str
        Where the data are, for the full scale: rgz=FOLDER, mgcls=FOLDER.
    seeds : int
        Trainings of each cell.
    only : str
        Compute the rows with this text in their names.
    epochs : int, optional
        Number of epochs, to try it out; by default that of the recipe.
    fields : int, optional
        Number of simulated fields, to try it out.
    device : str
        auto, cpu, cuda, cuda:1 or mps.
    progress : Progress, optional
        Receives the progress.

    Returns
    -------
    ReproduceResult
        The table.

    Raises
    ------
    ConfigError
        If there are no data for the full scale, or no such row.
    OutputExists
        If the folder has the trainings of another scale, or with other numbers of epochs or fields.
    """
    from galaxtool import Silent
    from galaxtool_detect.reproduction.run import ReproduceOptions, parse_data, reproduce_table

    options = ReproduceOptions(
        output=Path(output),
        scale=scale,
        data=parse_data(data),
        seeds=seeds,
        only=only,
        epochs=epochs,
        fields=fields,
        device=device,
    )
    return ReproduceResult(Path(output), reproduce_table(options, progress or Silent()))
