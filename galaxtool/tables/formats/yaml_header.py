"""Check the YAML in which astropy keeps what its tables are: in ECSV, FITS and Parquet files.

astropy makes objects of what a tag of the YAML names, arrays of Python objects among them, whose bytes are then taken
for addresses in memory. A few lines of anchors can stand for billions of values, and a unit can have a power that takes
hours.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import yaml

from galaxtool.utils.unit_texts import is_computable_unit

_ARRAYS = ("!numpy.ndarray", "!numpy.void")
_KINDS = "biufcSUMm"
_MOST_CHARACTERS = 1 << 24
_MOST_VALUES = 1_000_000
_DEEPEST = 100
_BRACKET = re.compile(r"[\[\]{}]")
_SPECIAL = re.compile(r"[!&*]")
_UNIT = re.compile(r"\bunit: *([^,}\n]*)")
_BEGIN, _END = "--BEGIN-ASTROPY-SERIALIZED-COLUMNS--", "--END-ASTROPY-SERIALIZED-COLUMNS--"


def check_yaml_header(lines: Sequence[str]) -> None:
    """Check the YAML of a table before astropy makes objects of it.

    Parameters
    ----------
    lines : sequence of str
        The lines that astropy parses.

    Raises
    ------
    ValueError
        If it is not YAML, has an array of Python objects, stands for more than a million values, or has a unit that
        cannot be computed.
    """
    text = textwrap.dedent("\n".join(lines))
    if len(text) > _MOST_CHARACTERS:
        raise ValueError(f"its header has more than {_MOST_CHARACTERS >> 20} million characters")
    depth = 0
    for bracket in _BRACKET.findall(text):
        depth += 1 if bracket in "[{" else -1
        if depth > _DEEPEST:
            raise ValueError(f"its header has more than {_DEEPEST} values within each other")
    for match in _UNIT.finditer(text):
        if not is_computable_unit(match[1]):
            raise ValueError(f"its header has the unit {match[1].strip()[:40]}")
    if _SPECIAL.search(text) is None:
        return
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if root is not None:
            _count_values(root, {})
            for node in _list_nodes(root):
                _check_node(node)
    except yaml.YAMLError as error:
        raise ValueError(f"its header is not YAML ({' '.join(str(error).split())[:100]})") from error
    except RecursionError as error:
        raise ValueError("its header has too many values within each other") from error


def find_yaml_in_comments(comments: Sequence[str]) -> list[str]:
    """Return the lines of YAML that astropy keeps in the comments of a FITS table; none if there are none."""
    if _BEGIN not in comments or _END not in comments:
        return []
    lines: list[str] = []
    is_continued = False
    for line in comments[comments.index(_BEGIN) + 1 : comments.index(_END)]:
        if is_continued:
            lines[-1] += line[:70]
        else:
            lines.append(line[:70])
        is_continued = len(line) == 71
    return lines


def _count_values(node: yaml.Node, known: dict[int, int]) -> int:
    """Return how many values a node stands for, with those that are repeated by an alias."""
    if id(node) in known:
        if not known[id(node)]:
            raise ValueError("its header has a value that contains itself")
        return known[id(node)]
    known[id(node)] = 0
    count = 1 + sum(_count_values(inner, known) for inner in _list_inner(node))
    if count > _MOST_VALUES:
        raise ValueError(f"its header stands for more than {_MOST_VALUES:,} values")
    known[id(node)] = count
    return count


def _list_nodes(root: yaml.Node) -> Iterator[yaml.Node]:
    """Yield each node once."""
    waiting, seen = [root], {id(root)}
    while waiting:
        node = waiting.pop()
        yield node
        for inner in _list_inner(node):
            if id(inner) not in seen:
                seen.add(id(inner))
                waiting.append(inner)


def _list_inner(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [one for pair in node.value for one in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _check_node(node: yaml.Node) -> None:
    """Refuse an array of anything but numbers and texts, and a unit that cannot be computed."""
    entries = node.value if isinstance(node, yaml.MappingNode) else []
    for key, value in entries:
        name = key.value if isinstance(key, yaml.ScalarNode) else ""
        if node.tag in _ARRAYS and name == "dtype" and not _is_plain_type(value):
            raise ValueError("its header has an array of Python objects, which is not read")
        if name == "unit" and isinstance(value, yaml.ScalarNode) and not is_computable_unit(value.value):
            raise ValueError(f"its header has the unit {value.value[:40]}")
    if node.tag in _ARRAYS and (not entries or any(isinstance(key, yaml.MappingNode) for key, _ in entries)):
        raise ValueError("its header has an array that cannot be read")
    if node.tag.endswith("Unit") and isinstance(node, yaml.ScalarNode) and not is_computable_unit(node.value):
        raise ValueError(f"its header has the unit {node.value[:40]}")


def _is_plain_type(node: yaml.Node) -> bool:
    """Tell whether the type of an array is one of numbers, texts or times, or of records of them."""
    try:
        return _is_plain(np.dtype(_restore(node)))
    except (TypeError, ValueError, SyntaxError, RecursionError):
        return False


def _is_plain(dtype: np.dtype) -> bool:
    if dtype.subdtype is not None:
        return _is_plain(dtype.subdtype[0])
    if dtype.fields is not None:
        return all(_is_plain(field[0]) for field in dtype.fields.values())
    return dtype.kind in _KINDS and not dtype.hasobject


def _restore(node: yaml.Node, depth: int = 0) -> Any:
    """Return a type as NumPy takes it: a text, or a list of tuples."""
    if isinstance(node, yaml.SequenceNode):
        values = [_restore(one, depth + 1) for one in node.value]
        return values if depth % 2 == 0 else tuple(values)
    if not isinstance(node, yaml.ScalarNode):
        raise TypeError("not a type")
    return int(node.value) if node.value.isascii() and node.value.isdigit() else node.value
