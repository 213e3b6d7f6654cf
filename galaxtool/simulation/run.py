"""Run `galaxtool simulate`: check the options and the output folder, and write the galaxies."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from galaxtool.errors import ConfigError, GalaxtoolError, OutputExists
from galaxtool.simulation.write import write_cutouts
from galaxtool.tables.column_names import LABELS_FILE
from galaxtool.types import Progress
from galaxtool.utils.config import check_choice
from galaxtool.utils.files.atomic_write import check_writable


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulateOptions:
    """The options of `galaxtool simulate`, described in `galaxtool.commands.simulate.simulate`."""

    output: Path
    n: int = 100
    seed: int = 0
    size: int = 256
    split: str = "train"
    kind: str = "fits"
    overwrite: bool = False


def simulate_galaxies(options: SimulateOptions, progress: Progress) -> dict[str, int]:
    """Write simulated galaxies, and return the number of galaxies of each class.

    Raises
    ------
    ConfigError
        If the value of an option is not valid.
    OutputExists
        If the folder is not empty and `overwrite` is not set.
    GalaxtoolError
        If the folder cannot be written, for example because the disk is full.
    """
    check_choice("kind", options.kind, ("fits", "png"))
    check_choice("split", options.split, ("train", "valid", "test"))
    if options.n < 1 or options.size < 16 or options.seed < 0:
        raise ConfigError(
            "-n must be at least 1, --size at least 16 and --seed at least 0.",
            hint="Leave out what you need not change.",
        )
    output = options.output
    if output.exists() and (not output.is_dir() or any(output.iterdir())) and not options.overwrite:
        raise OutputExists(f"'{output}' exists and is not empty.", hint="Choose another -o, or add --overwrite.")
    check_writable(output)
    try:
        (output / LABELS_FILE).unlink(missing_ok=True)  # an interrupted run must not leave those of other galaxies
        for old in (output / "images").glob("sim-*"):
            old.unlink()
        rows = write_cutouts(
            output,
            n=options.n,
            seed=options.seed,
            size=options.size,
            split=options.split,
            kind=options.kind,
            progress=progress,
        )
    except OSError as error:
        raise GalaxtoolError(
            f"Cannot write to the folder '{output}': {(error.strerror or str(error)).rstrip('.')}.",
            hint="Write to another folder, or check the permissions and the space on the disk.",
        ) from error
    return dict(Counter(str(row["label"]) for row in rows))
