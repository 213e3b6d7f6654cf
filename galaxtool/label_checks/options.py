"""What ``galaxtool doubts`` checks and writes, checked as it is made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from galaxtool.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class DoubtOptions:
    """Which labels are checked, and where the doubtful ones are written.

    Parameters
    ----------
    dataset : str
        Name, folder or catalogue, see `galaxtool.datasets.open.open_dataset`.
    output : Path
        Table to write.
    html : Path, optional
        Page to write.
    model : str
        Model whose features are used.
    folds : int
        Number of parts of the cross-validation.
    separation : float
        Images that are closer to each other on the sky than this, in arcsec, stay in one part.
    seed : int
        Random seed of the parts.
    label_column, where : str, optional
        Column of the labels; SQL condition that selects images.

    Raises
    ------
    ConfigError
        If a number is out of range, or both outputs have the same name.
    """

    dataset: str
    output: Path
    html: Path | None = None
    model: str = "mini"
    folds: int = 5
    separation: float = 60.0
    seed: int = 0
    label_column: str | None = None
    where: str | None = None

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise ConfigError(f"--folds is {self.folds}; it must be at least 2.", hint="Leave it out for 5.")
        if not self.separation >= 0:
            raise ConfigError(f"--separation is {self.separation:g}; it must be at least 0.", hint="Give it in arcsec.")
        if not 0 <= self.seed < 2**32:
            raise ConfigError(f"--seed is {self.seed}; it must be from 0 to 2^32 - 1.", hint="Leave it out for 0.")
        if self.html is not None and self.html.resolve() == self.output.resolve():
            raise ConfigError(f"--output and --html are both '{self.output}'.", hint="Give them different names.")
