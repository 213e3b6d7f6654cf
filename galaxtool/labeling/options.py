"""What ``galaxtool label`` does, and how; this file imports nothing heavy."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from galaxtool.errors import ConfigError
from galaxtool.plugins.registry import get_registry
from galaxtool.utils.useless_options import refuse_beside

WANTED, UNWANTED = "wanted", "unwanted"
"""Labels where there is one question: wanted or not."""

START_QUERIES = ("text", "symbol", "image", "id")
"""Options that name something that objects can resemble."""

MOST_CLASSES = 30
"""The first nine have a key, the others are clicked."""


@dataclass(frozen=True, kw_only=True)
class LabelQuestion:
    """What is asked about each object.

    Parameters
    ----------
    classes : tuple of str
        The possible labels; the first is the one to look for, unless `all_equal`.
    all_equal : bool
        Whether all classes are looked for, not just the first.
    are_grades : bool
        Whether the classes are grades of interest, the highest first.
    """

    classes: tuple[str, ...]
    all_equal: bool = False
    are_grades: bool = False


def make_question(
    classes: Sequence[str], scale: str | None, wanted: str | None, taxonomy: str | None = None
) -> LabelQuestion:
    """Return what to ask.

    Parameters
    ----------
    classes : sequence of str
        Names, perhaps several in a text with commas; empty for one question, wanted or not.
    scale : str or None
        Lowest and highest grade: ``0-5``.
    wanted : str or None
        Name of what is looked for.
    taxonomy : str or None
        Registered taxonomy whose classes are the possible labels.

    Raises
    ------
    ConfigError
        If options contradict each other, or are not valid.
    """
    if taxonomy is not None:
        if classes:
            raise ConfigError("Both --classes and --taxonomy are given.", hint="Give one of them.")
        found = get_registry().taxonomies.find(taxonomy)
        classes = found.create(found.spec).slugs
    names = tuple(name.strip() for text in classes for name in text.split(",") if name.strip())
    if scale is not None:
        if names or wanted is not None:
            raise ConfigError(
                "--scale asks for grades of interest, and names of classes are given too.",
                hint="Leave --scale out, or --classes, --taxonomy and --wanted.",
            )
        return LabelQuestion(classes=_list_grades(scale), are_grades=True)
    if not names:
        if wanted == UNWANTED:
            raise ConfigError(f"--wanted cannot be '{UNWANTED}', the label of all others.", hint="Choose another name.")
        return LabelQuestion(classes=(wanted or WANTED, UNWANTED))
    if wanted is not None:
        if wanted not in names:
            raise ConfigError(
                f"--wanted is '{wanted}', which is not one of the classes.", hint=f"Give one of {', '.join(names)}."
            )
        names = (wanted, *(name for name in names if name != wanted))
    _check_names(names)
    return LabelQuestion(classes=names, all_equal=wanted is None)


def _check_names(names: Sequence[str]) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None or not 2 <= len(names) <= MOST_CLASSES:
        what = f"names '{twice}' twice" if twice is not None else f"has {len(names)} names"
        raise ConfigError(f"The list of classes {what}.", hint=f"Give 2 to {MOST_CLASSES} different names.")


def _list_grades(scale: str) -> tuple[str, ...]:
    """Return the grades of a scale, the highest first."""
    match = re.fullmatch(r"\s*([0-8])\s*-\s*([1-9])\s*", scale)
    if match is None or int(match[1]) >= int(match[2]):
        raise ConfigError(f"--scale is '{scale}', which is not a range of grades.", hint="Give it as --scale 0-5.")
    return tuple(str(grade) for grade in range(int(match[2]), int(match[1]) - 1, -1))


@dataclass(frozen=True, kw_only=True)
class Start:
    """What to look for before there are labels; at most one is given, by default the oddest objects.

    Parameters
    ----------
    text, symbol, image, id : str, optional
        A description; a class of the model or a drawing; an image file; an object.
    labels : Path, optional
        An earlier log of labels, or any table of labels of these objects.
    label_column : str, optional
        Its column of labels.
    """

    text: str | None = None
    symbol: str | None = None
    image: str | None = None
    id: str | None = None
    labels: Path | None = None
    label_column: str | None = None

    def __post_init__(self) -> None:
        given = [f"--{name}" for name in START_QUERIES if getattr(self, name) is not None]
        if len(given) > 1:
            raise ConfigError(f"Several starts are given: {' and '.join(given)}.", hint="Give one of them.")

    @property
    def is_query(self) -> bool:
        """Whether something is given that objects can resemble."""
        return any(getattr(self, name) is not None for name in START_QUERIES)


@dataclass(frozen=True, kw_only=True)
class LabelOptions:
    """How objects are labelled.

    Parameters
    ----------
    output : Path
        The log of labels.
    question : LabelQuestion
        What is asked.
    by : str
        Who answers.
    start : Start
        What to look for first.
    rank : Path, optional
        Table of all objects, ranked by the labels; no page is opened then.
    seed : int
        Random seed of the objects that are drawn at random.
    """

    output: Path
    question: LabelQuestion
    by: str = "me"
    start: Start = field(default_factory=Start)
    rank: Path | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        check_seed(self.seed)
        if not self.by.strip() or not self.by.isprintable():
            raise ConfigError("--by is not a name.", hint="Give a name or initials: --by anna")
        if self.rank is not None:
            start = {name: getattr(self.start, name) for name in START_QUERIES}
            refuse_beside("rank", "a ranking follows from the labels alone", start)


@dataclass(frozen=True, kw_only=True)
class ReplayOptions:
    """How the loop is measured with a table as the person.

    Parameters
    ----------
    output : Path
        Folder to write.
    truth : Path
        Table with the labels.
    label_column : str, optional
        Its column of labels.
    wanted : str
        Label to look for.
    pages : int
        Number of pages that are answered.
    runs : int
        Number of repetitions, each from another example.
    seed : int
        Random seed of the first one.
    """

    output: Path
    truth: Path
    label_column: str | None = None
    wanted: str
    pages: int = 3
    runs: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        check_seed(self.seed)
        for name in ("pages", "runs"):
            if getattr(self, name) < 1:
                raise ConfigError(f"--{name} is {getattr(self, name)}; it must be at least 1.", hint="Leave it out.")


def make_replay_options(
    truth: Path,
    wanted: str | None,
    output: Path | None,
    *,
    label_column: str | None,
    pages: int,
    runs: int,
    seed: int,
    others: Mapping[str, object],
) -> ReplayOptions:
    """Return the options of a replay.

    Raises
    ------
    ConfigError
        If it is not said what to look for, a number is not valid, or one of the `others` is given: options by their
        names that a replay would leave out.
    """
    refuse_beside("replay", "a replay only asks its table", others)
    if wanted is None:
        raise ConfigError("--replay needs the label to look for.", hint="Give it with --wanted LABEL.")
    return ReplayOptions(
        output=output or Path("replay"), truth=truth, label_column=label_column, wanted=wanted, pages=pages, runs=runs,
        seed=seed,
    )  # fmt: skip


def check_seed(seed: int) -> None:
    """Raise `ConfigError` if a random seed is negative."""
    if seed < 0:
        raise ConfigError(f"--seed is {seed}; it must not be negative.", hint="Leave it out for 0.")
