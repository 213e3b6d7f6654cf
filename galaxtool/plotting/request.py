"""What a kind of figure is asked to draw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from galaxtool.errors import ConfigError
from galaxtool.plugins.options import OptionValue
from galaxtool.types import Progress, Silent

ONE_COLUMN, TWO_COLUMNS = 3.4, 7.0
"""Widths in inches of a figure across one column and across both columns of a journal page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlotRequest:
    """What a kind of figure is asked to draw; the input of the factory of a `galaxtool.PlotSpec`.

    Parameters
    ----------
    kind : str
        Name of the kind.
    inputs : tuple of str
        Paths or names, as the user gave them.
    columns : {1, 2}
        Columns of a journal page that the figure spans.
    split : str or None
        Split of a run; None to let the kind choose.
    truth : str
        Column of a table with the true class.
    by : str or None
        Column of a catalogue to divide or colour by.
    label : tuple of str
        Names of the inputs in the legend; empty, or one for each input.
    model : str or None
        Name or path of a model.
    options : mapping
        Values of the kind's own settings, with their defaults.
    log : Progress
        Receives progress and messages.
    """

    kind: str
    inputs: tuple[str, ...] = ()
    columns: int = 1
    split: str | None = None
    truth: str = "truth"
    by: str | None = None
    label: tuple[str, ...] = ()
    model: str | None = None
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    log: Progress = field(default_factory=Silent)

    @property
    def width(self) -> float:
        """Width of the figure in inches."""
        return ONE_COLUMN if self.columns == 1 else TWO_COLUMNS

    def single_input(self) -> Path:
        """Return the path of the only input.

        Raises
        ------
        ConfigError
            If there is not exactly one.
        """
        if len(self.inputs) != 1:
            raise ConfigError(
                f"'{self.kind}' draws one input, and {len(self.inputs)} were given.",
                hint=f"Write: galaxtool plot {self.kind} INPUT -o FILE. `galaxtool plot --list` says what it takes.",
            )
        return Path(self.inputs[0])

    def name_inputs(self) -> list[str]:
        """Return a name for each input, for the legend: the given one, or else the name of the file or folder.

        Raises
        ------
        ConfigError
            If two inputs have the same given name.
        """
        if twice := [name for name, n in Counter(self.label).items() if n > 1]:
            raise ConfigError(
                f"--label '{twice[0]}' is given {self.label.count(twice[0])} times, and '{self.kind}' draws each input "
                "by itself.",
                hint="Give each input a --label of its own.",
            )
        paths = [Path(text) for text in self.inputs]
        names = [path.resolve().name if path.is_dir() else path.stem for path in paths]
        return list(self.label or (names if len(set(names)) == len(names) else self.inputs))
