"""Translate a ``--where`` expression into SQL that is safe to run.

SQLite parses the grammar. This module only splits the expression into tokens, looks up every name, and puts the tokens
together again with internal column names (``c0``, ``c1``, ...). No token outside the lists below reaches SQLite: an
expression cannot contain a comment, a second statement, a query or a placeholder, and a misspelt name never becomes a
text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from galaxtool.errors import TableError, suggest_name

FUNCTIONS = frozenset(
    (
        "abs", "coalesce", "glob", "ifnull", "iif", "instr", "length", "like", "lower", "ltrim", "max", "min", "nullif",
        "replace", "round", "rtrim", "sign", "substr", "trim", "typeof", "upper",
        "acos", "asin", "atan", "atan2", "ceil", "ceiling", "cos", "cosh", "degrees", "exp", "floor", "ln", "log",
        "log10", "log2", "mod", "pi", "pow", "power", "radians", "sin", "sinh", "sqrt", "tan", "tanh", "trunc",
    )
)  # fmt: skip
"""Functions of SQLite that an expression may call; those from ``acos`` on need a SQLite built with mathematics."""

_KEYWORDS = frozenset(
    (
        "and", "as", "between", "case", "cast", "collate", "else", "end", "escape", "false", "glob", "in", "is",
        "isnull", "like", "not", "notnull", "null", "or", "then", "true", "when",
    )
)  # fmt: skip
_KEYWORDS_AFTER = {"as": {"integer", "numeric", "real", "text"}, "collate": {"binary", "nocase", "rtrim"}}
_STATEMENTS = frozenset(
    (
        "alter", "attach", "create", "delete", "detach", "drop", "exists", "filter", "from", "insert", "join", "limit",
        "order", "over", "pragma", "raise", "select", "union", "update", "vacuum", "values", "with",
    )
)  # fmt: skip
_COMPARISONS = frozenset(("=", "==", "!=", "<>", "<", "<=", ">", ">="))
_MAX_LENGTH = 1_000_000
_SHOWN_COLUMNS = 20

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<comment>--|/\*)
    | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
    | (?P<text>'(?:[^'\0]|'')*')
    | (?P<quoted>"(?:[^"]|"")+"|`(?:[^`]|``)+`)
    | (?P<word>[^\W\d]\w*)
    | (?P<sign>\|\||<<|>>|<=|>=|==|!=|<>|[-+*/%=<>~&|(),])
    | (?P<end>$)
    )""",
    re.VERBOSE,
)


_CALL = re.compile(r"\s*\(")
_SHOWN = 300


def shorten(text: str) -> str:
    """Return a text for a message: its first 300 characters if it has more."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of an expression.

    Parameters
    ----------
    kind : str
        ``"number"``, ``"text"``, ``"column"``, ``"word"`` (a keyword or function, in lower case) or ``"sign"``.
    sql : str
        Text passed to SQLite.
    column : str
        Name of the column in the table, where the token is a column.
    """

    kind: str
    sql: str
    column: str = ""

    def __str__(self) -> str:
        return f"the column '{self.column}'" if self.column else self.sql


@dataclass(frozen=True, slots=True)
class WhereExpression:
    """An expression whose names are all known.

    Parameters
    ----------
    source : str
        The expression as it was written.
    tokens : tuple of Token
        Its tokens in order.
    columns : tuple of str
        The table's columns that it names; the one at index ``i`` is called ``c{i}`` in SQL.
    """

    source: str
    tokens: tuple[Token, ...]
    columns: tuple[str, ...]

    @property
    def sql(self) -> str:
        """The expression in SQL."""
        return " ".join(token.sql for token in self.tokens)

    def check_kinds(self, kinds: Mapping[str, str]) -> None:
        """Reject comparisons of a number with a text, for which SQL has an order but users have none.

        Parameters
        ----------
        kinds : mapping of str to str
            ``"number"`` or ``"text"`` for each of `columns`.

        Raises
        ------
        TableError
            If such a comparison is found.
        """
        for left, right in self._comparisons():
            found = {kinds.get(token.column, token.kind): token for token in (left, right)}
            if found.keys() == {"number", "text"}:
                raise TableError(
                    f"In '{shorten(self.source)}', {found['text']} is text and {found['number']} is not, so they "
                    "cannot be compared.",
                    hint="Texts go in single quotes, numbers do not; cast(NAME as real) reads a column of texts as "
                    "numbers.",
                )

    def _comparisons(self) -> Iterator[tuple[Token, Token]]:
        """Yield the operands of comparisons that are single columns or literals."""
        tokens = self.tokens
        for at, token in enumerate(tokens):
            if token.sql in _COMPARISONS:
                left, rights = at - 1, [at + 1]
            elif token.kind == "word" and token.sql in ("in", "between"):
                left = at - 2 if at and tokens[at - 1].sql == "not" else at - 1
                rights = list(self._list_items(at) if token.sql == "in" else (at + 1, at + 3))
            else:
                continue
            for right in rights:
                while right < len(tokens) and tokens[right].sql in ("-", "+"):
                    right += 1
                if left >= 0 and self._is_operand(left) and self._is_operand(right):
                    yield tokens[left], tokens[right]

    def _list_items(self, at: int) -> Iterator[int]:
        """Yield the indices of the items of ``in (...)``."""
        for k in range(at + 1, len(self.tokens)):
            if self.tokens[k].sql == ")":
                return
            if self.tokens[k].sql in ("(", ","):
                yield k + 1

    def _is_operand(self, at: int) -> bool:
        """Tell whether a token is a column or a literal that ``||`` does not join to another text."""
        joined = any(0 <= k < len(self.tokens) and self.tokens[k].sql == "||" for k in (at - 1, at + 1))
        return at < len(self.tokens) and self.tokens[at].kind in ("number", "text", "column") and not joined


def parse_where(expression: str, names: Sequence[str]) -> WhereExpression:
    """Split an expression into tokens and look up its names.

    Parameters
    ----------
    expression : str
        A condition in SQL.
    names : sequence of str
        Columns of the table.

    Raises
    ------
    TableError
        If the expression contains something that is not allowed, or names an unknown column or function.
    """
    return _ExpressionParser(expression, names).parse()


class _ExpressionParser:
    """Reads one expression from left to right."""

    def __init__(self, expression: str, names: Sequence[str]) -> None:
        self.expression = expression
        self.names = list(names)
        self.exact = set(names)
        self.by_lower: dict[str, list[str]] = {}
        for name in names:
            self.by_lower.setdefault(name.lower(), []).append(name)
        self.columns: dict[str, str] = {}

    def parse(self) -> WhereExpression:
        if len(self.expression) > _MAX_LENGTH:
            raise TableError(f"The expression is longer than {_MAX_LENGTH:,} characters.")
        if not self.expression.strip():
            raise TableError("The expression is empty.", hint="Write a condition such as redshift < 0.1.")
        tokens: list[Token] = []
        open_brackets: list[int] = []
        at = 0
        while True:
            match = self._match(at)
            kind = str(match.lastgroup)
            text, start, at = match[kind], match.start(kind), match.end()
            if kind == "end":
                break
            if text == "(":
                open_brackets.append(start)
            elif text == ")" and not open_brackets:
                self._fail(start, "this parenthesis closes nothing")
            elif text == ")":
                open_brackets.pop()
            called = kind == "word" and _CALL.match(self.expression, at) is not None
            tokens.append(self._token(kind, text, start, tokens[-1].sql if tokens else "", called=called))
        if open_brackets:
            self._fail(open_brackets[-1], "this parenthesis is never closed")
        return WhereExpression(self.expression, tuple(tokens), tuple(self.columns))

    def _match(self, at: int) -> re.Match[str]:
        match = _TOKEN.match(self.expression, at)
        if match is None:
            start = at + len(self.expression[at:]) - len(self.expression[at:].lstrip())
            character = self.expression[start]
            if character in "'\"`":
                self._fail(start, "this quote is never closed")
            if character == ";":
                self._fail(start, "an expression is a single condition, without ';'")
            self._fail(start, "this is not part of an expression")
        if match.lastgroup == "comment":
            self._fail(match.start("comment"), "comments are not allowed")
        return match

    def _token(self, kind: str, text: str, start: int, before: str, *, called: bool) -> Token:
        if kind == "quoted":
            return self._column(text[1:-1].replace(text[0] * 2, text[0]), start)
        if kind != "word":
            return Token(kind, text)
        lower = text.lower()
        if lower in _KEYWORDS or lower in _KEYWORDS_AFTER.get(before, ()):
            return Token("word", lower)
        if not called:
            return self._column(text, start)
        if lower in FUNCTIONS:
            return Token("word", lower)
        near = suggest_name(lower[:_SHOWN], FUNCTIONS)
        return self._fail(
            start,
            f"there is no function '{shorten(text)}'" + (f", did you mean '{near}'?" if near else ""),
            hint=f"The functions are {', '.join(sorted(FUNCTIONS))}.",
        )

    def _column(self, name: str, start: int) -> Token:
        candidates = [name] if name in self.exact else self.by_lower.get(name.lower(), [])
        if len(candidates) == 1:
            found = candidates[0]
            return Token("column", self.columns.setdefault(found, f"c{len(self.columns)}"), found)
        if candidates:
            raise TableError(
                f"In '{shorten(self.expression)}', '{shorten(name)}' may be any of {', '.join(map(repr, candidates))}.",
                hint="Write the name as the table has it.",
            )
        if name.lower() in _STATEMENTS:
            self._fail(start, f"'{name}' is not allowed", hint="Write one condition on the columns.")
        odd = [c for c in self.names if not re.fullmatch(r"[^\W\d]\w*", c) and c in self.expression]
        near = max(odd, key=len) if odd else suggest_name(name[:_SHOWN], self.names)
        shown = ", ".join(self.names[:_SHOWN_COLUMNS]) + (", ..." if len(self.names) > _SHOWN_COLUMNS else "")
        hint = f"The columns are {shown}. A text goes in single quotes: {_quote_text(shorten(name))}."
        if odd:
            hint = f'Put a name with unusual characters in double quotes: "{near}".'
        raise TableError(
            f"There is no column '{shorten(name)}', named in '{shorten(self.expression)}'."
            + (f" Did you mean '{near}'?" if near else ""),
            hint=hint,
        )

    def _fail(self, start: int, problem: str, *, hint: str = "") -> NoReturn:
        first = max(0, start - _SHOWN // 2)
        line = shorten(re.sub(r"\s", " ", self.expression[first : start + _SHOWN]))
        end = "" if problem.endswith("?") else "."
        raise TableError(
            f"The expression is wrong at character {start + 1}: {problem}{end}",
            hint=hint or f"{line}\n{' ' * (start - first)}^",
        )


def _quote_text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
