"""Queries as the user gives them: examples of what to find, and of what not to find."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxtool.errors import ConfigError
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.types import ImageRef
from galaxtool.utils.counts import format_count
from galaxtool.utils.files.regular_files import read_regular_text
from galaxtool.utils.optional_imports import import_attribute

if TYPE_CHECKING:
    import numpy as np

    from galaxtool.inference.model import Image

IMAGE, TEXT, SYMBOL, ID, POSITION, VECTOR, ANY = "image", "text", "symbol", "id", "position", "vector", "image or id"
"""Kinds of example. ``ANY`` is an image file or, if there is none of this name, the identifier of an indexed object."""

UNLIKE_WEIGHT = -0.5
"""Weight of an example of what not to find, unless the user gives one."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Example:
    """One example of what to find, or of what not to find.

    Parameters
    ----------
    kind : str
        One of the kinds of this module.
    value : object
        A path or pixels, a text, a class or a drawing, an identifier, ``(ra, dec)`` in degrees, or a vector (dim,).
    weight : float
        Its share in the query; below zero for an example of what not to find.
    """

    kind: str
    value: Any
    weight: float = 1.0

    @property
    def label(self) -> str:
        """The example in words."""
        if self.kind == POSITION:
            return f"{self.value[0]} {self.value[1]:+}"
        if self.kind == VECTOR:
            return "vector"
        if isinstance(self.value, (str, os.PathLike, ImageRef, int)):
            return str(self.value)
        return getattr(self.value, "source", "") or "image"


@dataclass(frozen=True, kw_only=True)
class QueryArgs:
    """One query: one example, or several that are combined.

    Parameters
    ----------
    examples : sequence of Example
        At least one has a weight above zero.
    name : str
        Name in the column ``query``; by default made of the examples.
    """

    examples: Sequence[Example]
    name: str = ""

    @property
    def text(self) -> str:
        """The query in words: ``a.fits + 0.3 ring - c.fits``."""
        return self.name or _describe_examples(self.examples)


@dataclass(frozen=True, kw_only=True)
class Request:
    """All queries of one search as the user gave them, by kind.

    Parameters
    ----------
    images : sequence of str, path, ImageRef, Cutout or ndarray
        Images.
    texts, symbols, ids : sequence of str
        Descriptions, classes or drawings, and identifiers of indexed objects.
    ra, dec : float or str, optional
        Position of an indexed object, ICRS: degrees, or a sexagesimal text.
    vectors : sequence of ndarray
        Vectors (dim,) of the model of the index.
    unlike : sequence of str, path, ImageRef, Cutout or ndarray
        Images, or identifiers of indexed objects, that results should not resemble.
    unlike_texts : sequence of str
        Descriptions of what results should not resemble.
    weights : sequence of float
        Weights of the examples in this order, or of those after the images; empty for 1, and 0.5 for `unlike`.
    each : bool
        Whether every example is a query of its own rather than all together one.
    table : Path, optional
        Table with a query in each row, besides the other examples; see `galaxtool.search.queries.table.read_queries`.
    radius : float
        Maximum distance of an object from the position, in arcsec.
    reading : ReadingOptions
        How images are read where that differs from the index.

    Raises
    ------
    ConfigError
        If nothing is given, or a value or the number of weights is not valid.
    """

    images: Sequence[Image] = ()
    texts: Sequence[str] = ()
    symbols: Sequence[str] = ()
    ids: Sequence[str] = ()
    ra: float | str | None = None
    dec: float | str | None = None
    vectors: Sequence[np.ndarray] = ()
    unlike: Sequence[Image] = ()
    unlike_texts: Sequence[str] = ()
    weights: Sequence[float] = ()
    each: bool = False
    table: Path | None = None
    radius: float = 5.0
    reading: ReadingOptions = field(default_factory=ReadingOptions)

    def __post_init__(self) -> None:
        self._check_position()
        if any(not text.strip() for text in (*self.texts, *self.unlike_texts)):
            raise ConfigError("The text is empty.", hint='Describe what to find: --text "a barred spiral galaxy"')
        if self.table is None and not self.find_positive():
            given = self.unlike or self.unlike_texts
            what = "There are only examples of what not to find." if given else "No query was given."
            raise ConfigError(
                what,
                hint="Give images, --text, --symbol, --id, or --ra with --dec; together they form one query.",
            )
        self._check_weights()

    def find_positive(self) -> list[Example]:
        """Return the examples of what to find, in the order of their weights."""
        groups = ((IMAGE, self.images), (TEXT, self.texts), (SYMBOL, self.symbols), (ID, self.ids))
        examples = [Example(kind=kind, value=value) for kind, values in groups for value in values]
        if self.ra is not None:
            examples.append(Example(kind=POSITION, value=(self.ra, self.dec)))
        return examples + [Example(kind=VECTOR, value=vector) for vector in self.vectors]

    def find_negative(self) -> list[Example]:
        """Return the examples of what not to find, in the order of their weights."""
        groups = ((ANY, self.unlike), (TEXT, self.unlike_texts))
        return [Example(kind=kind, value=value, weight=UNLIKE_WEIGHT) for kind, values in groups for value in values]

    def list_files(self) -> list[str]:
        """Return the files that are read, as the user wrote them: the table, images and drawings."""
        given = [self.table, *self.images, *self.unlike, *self.symbols]
        return [os.fspath(one) for one in given if isinstance(one, (str, os.PathLike))]

    def combine(self) -> QueryArgs:
        """Return all examples as one query."""
        positive, negative = self.find_positive(), self.find_negative()
        if not self.weights:
            return QueryArgs(examples=[*positive, *negative])
        signs = [1] * len(positive) + [-1] * len(negative)
        values = [1.0] * (len(signs) - len(self.weights)) + list(self.weights)
        weighted = zip([*positive, *negative], signs, values, strict=True)
        return QueryArgs(
            examples=[Example(kind=one.kind, value=one.value, weight=sign * value) for one, sign, value in weighted]
        )

    def _check_position(self) -> None:
        if (self.ra is None) != (self.dec is None):
            missing = "--dec" if self.dec is None else "--ra"
            raise ConfigError(
                f"A position needs both --ra and --dec; {missing} is missing.",
                hint="Give both in degrees, such as --ra 150.1 --dec 2.2",
            )
        if self.ra is None or self.dec is None:
            return
        for name in ("ra", "dec"):
            parse = import_attribute(f"galaxtool.tables.angles:parse_{name}")
            object.__setattr__(self, name, parse(getattr(self, name)))
        if not self.radius > 0:
            raise ConfigError(
                f"--radius is {self.radius}; it must be above 0.", hint="Give it in arcsec, or leave it out for 5."
            )

    def _check_weights(self) -> None:
        if not self.weights:
            return
        try:
            object.__setattr__(self, "weights", tuple(float(value) for value in self.weights))
        except ValueError as error:
            raise ConfigError(f"--weight is not a number: {error}.", hint="Write it as in --weight 0.3") from None
        if self.each:
            raise ConfigError(
                "--weight combines examples to one query, and --each makes a query of each.", hint="Leave one out."
            )
        if bad := [value for value in self.weights if not (math.isfinite(value) and value > 0)]:
            raise ConfigError(
                f"--weight is {bad[0]:g}; it must be above 0.",
                hint="Name what results should not resemble with --not, and give its weight as a positive number.",
            )
        examples = [*self.find_positive(), *self.find_negative()]
        if not examples:
            raise ConfigError(
                "--weight is the weight of an example, and there is only a table of queries.", hint="Leave it out."
            )
        after = len(examples) - len(self.images)
        if len(self.weights) in (len(examples), after):
            return
        numbers = " or ".join(_count_times(number) for number in sorted({len(examples), after} - {0}, reverse=True))
        order = ", ".join(f"{'not ' if one.weight < 0 else ''}{_shorten(one)}" for one in examples)
        given = f"{_count_times(len(self.weights))} for {format_count(len(examples), 'example')}"
        raise ConfigError(
            f"--weight is given {given}; give it {numbers}.",
            hint=f"The order is: {order}." + (" Images without a weight count 1." if self.images and after else ""),
        )


def _count_times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


_MOST_NAMED = 6


def _describe_examples(examples: Sequence[Example]) -> str:
    """Return a query in words: a single example as it was given, several as a sum."""
    if len(examples) == 1:
        return examples[0].label
    labels = {id(one): _shorten(one) for one in examples}
    positive = [one for one in examples if one.weight > 0]
    shown = [*positive[:_MOST_NAMED], *[one for one in examples if one.weight < 0][:_MOST_NAMED]]
    text = ""
    for one in shown:
        sign = "-" if one.weight < 0 else "+"
        size = abs(one.weight)
        number = "" if size in (1, -UNLIKE_WEIGHT if one.weight < 0 else 1) else f"{size:g} "
        text += f" {sign} {number}{labels[id(one)]}" if text else f"{number}{labels[id(one)]}"
    left = len(examples) - len(shown)
    return text if not left else f"{text} and {left} more"


def _shorten(example: Example) -> str:
    """Return an example in words, an image without its folder."""
    return os.path.basename(example.label) if example.kind in (IMAGE, ANY) else example.label  # noqa: PTH119  or pixels


def read_id_list(ids: Sequence[str]) -> list[str]:
    """Return identifiers, with ``@FILE`` replaced by the lines of the file.

    Raises
    ------
    ConfigError
        If a file cannot be read, or has no line.
    """
    found: list[str] = []
    for text in ids:
        file = Path(text[1:]) if text.startswith("@") else None
        if file is None or not file.is_file():
            found.append(str(text))
            continue
        try:
            lines = [line.strip() for line in read_regular_text(file).splitlines()]
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"The list of identifiers '{file}' cannot be read: {error}.", hint="Write one identifier on each line."
            ) from error
        if not any(lines):
            raise ConfigError(f"The list of identifiers '{file}' is empty.", hint="Write one identifier on each line.")
        found += [line for line in lines if line]
    return found
