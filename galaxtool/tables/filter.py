"""Expressions over the columns of a table: ``label in ('fri', 'frii') and not redshift > 0.1``.

Grammar (words in any case)::

    either     := both ("or" both)*
    both       := negation ("and" negation)*
    negation   := "not" negation | "(" either ")" | "isnull" "(" column ")" | test
    test       := operand ("=" | "==" | "!=" | "<>" | "<" | "<=" | ">" | ">=") operand
                | column ["not"] "in" "(" literal ("," literal)* ")"
                | column "is" ["not"] "null"
                | column                                       one of truth values
    operand    := column | literal
    literal    := number | 'text' | "text" | true | false
    column     := name | `any name`

A quote inside a text is doubled. Nothing is ever handed to Python to evaluate.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from astropy.table import Table

from galaxtool.errors import TableError
from galaxtool.tables.conditions import COMPARISONS, Columns, Mask, Operand, compare, joined, truth

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
    | (?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
    | (?P<quoted>`[^`]+`)
    | (?P<word>[^\W\d][\w.]*(?:-[\w.]+)*)
    | (?P<sign><=|>=|!=|<>|==|=|<|>|\(|\)|,)
    | (?P<end>$)
    )""",
    re.VERBOSE,
)
_WORDS = {"and", "or", "not", "in", "is", "null", "isnull", "true", "false"}


@dataclass(frozen=True, slots=True)
class Where:
    """A condition on the rows of a table.

    Parameters
    ----------
    expression : str
        As it was written.
    """

    expression: str
    _mask: Mask

    def mask(self, table: Table) -> np.ndarray:
        """Return for which rows the condition holds.

        Parameters
        ----------
        table : Table
            N rows.

        Returns
        -------
        ndarray of bool, shape (N,)
            A comparison with a value that is masked or NaN is false, ``!=`` and ``not in`` too; ``not`` turns that
            into true like any other false.

        Raises
        ------
        TableError
            If a column does not exist, or a number is compared with a text.
        """
        return self._mask(Columns(table, self.expression))


def parse_where(expression: str) -> Where:
    """Parse an expression.

    Raises
    ------
    TableError
        With a mark under the spot where it stops making sense.

    Examples
    --------
    >>> from astropy.table import Table
    >>> parse_where("z < 0.1 and kind in ('spiral', 'merger')").mask(
    ...     Table({"z": [0.05, 0.2, 0.03], "kind": ["spiral", "spiral", "elliptical"]})
    ... ).tolist()
    [True, False, False]
    """
    return Where(expression, _Parser(expression).whole())


class _Parser:
    """Recursive descent, one method for each line of the grammar."""

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self.at = 0
        self.kind, self.token, self.start = "", "", 0
        self.step()

    def step(self) -> str:
        """Read the next token and return the one before it."""
        before = self.token
        match = _TOKEN.match(self.expression, self.at)
        if match is None:
            blanks = len(self.expression[self.at :]) - len(self.expression[self.at :].lstrip())
            self.start = self.at + blanks
            self.wrong(
                "a quote that does not close" if self.expression[self.start] in "'\"`" else "this is not understood"
            )
        self.kind = str(match.lastgroup)
        self.token = match[self.kind]
        self.start, self.at = match.start(self.kind), match.end()
        return before

    def wrong(self, what: str) -> NoReturn:
        line = re.sub(r"\s", " ", self.expression)
        raise TableError(
            f"The expression is wrong at character {self.start + 1}: {what}.",
            hint=f"{line}\n{' ' * self.start}^",
        )

    def word(self, *words: str) -> bool:
        """Take the token if it is one of these words or signs."""
        found = self.kind in ("word", "sign") and self.token.lower() in words
        if found:
            self.step()
        return found

    def need(self, word: str) -> None:
        if not self.word(word):
            self.wrong(f"wanted {word!r}")

    def whole(self) -> Mask:
        result = self.either()
        if self.kind != "end":
            self.wrong("wanted 'and', 'or' or the end")
        return result

    def either(self) -> Mask:
        left = self.both()
        while self.word("or"):
            left = joined(np.logical_or, left, self.both())
        return left

    def both(self) -> Mask:
        left = self.negation()
        while self.word("and"):
            left = joined(np.logical_and, left, self.negation())
        return left

    def negation(self) -> Mask:
        if self.word("not"):
            inner = self.negation()
            return lambda columns: ~inner(columns)
        if self.word("("):
            inner = self.either()
            self.need(")")
            return inner
        if self.word("isnull"):
            self.need("(")
            name = self.column()
            self.need(")")
            return lambda columns: columns.array(name)[1]
        return self.test()

    def test(self) -> Mask:
        left = self.operand()
        if self.kind == "sign" and self.token in COMPARISONS:
            return compare(self.step(), left, self.operand())
        if not left.column:
            self.wrong("wanted a comparison such as =, < or >=")
        if self.word("is"):
            given = self.word("not")
            self.need("null")
            return lambda columns: columns.array(left.column)[1] ^ given
        if self.word("in"):
            return self.members(left)
        if self.kind == "word" and self.token.lower() == "not":
            self.step()
            self.need("in")
            outside = [compare("!=", left, literal) for literal in self.literals()]
            return lambda columns: np.logical_and.reduce([one(columns) for one in outside])
        return truth(left.column)

    def members(self, left: Operand) -> Mask:
        inside = [compare("=", left, literal) for literal in self.literals()]
        return lambda columns: np.logical_or.reduce([one(columns) for one in inside])

    def literals(self) -> list[Operand]:
        self.need("(")
        found = [self.literal()]
        while self.word(","):
            found.append(self.literal())
        self.need(")")
        return found

    def literal(self) -> Operand:
        operand = self.operand()
        if operand.column:
            self.wrong(f"a list holds numbers and quoted texts: '{operand.column}'")
        return operand

    def column(self) -> str:
        operand = self.operand()
        if not operand.column:
            self.wrong("wanted a column")
        return operand.column

    def operand(self) -> Operand:
        kind, token = self.kind, self.token
        if kind == "number":
            literal = int(token) if re.fullmatch(r"[+-]?\d+", token) else float(token)
            return self._taken(Operand("", literal))
        if kind == "text":
            return self._taken(Operand("", token[1:-1].replace(token[0] * 2, token[0])))
        if kind == "quoted":
            return self._taken(Operand(token[1:-1]))
        if kind == "word" and token.lower() in ("true", "false"):
            return self._taken(Operand("", token.lower() == "true"))
        if kind == "word" and token.lower() not in _WORDS:
            return self._taken(Operand(token))
        return self.wrong("wanted a column, a number or a quoted text")

    def _taken(self, operand: Operand) -> Operand:
        self.step()
        return operand
