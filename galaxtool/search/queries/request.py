"""List the queries of a search: all examples together, each by itself, or the rows of a table."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from galaxtool.errors import GalaxtoolError
from galaxtool.inference.reading import find_inputs
from galaxtool.inputs.names import make_unique
from galaxtool.search.queries.examples import IMAGE, Example, QueryArgs, Request
from galaxtool.search.queries.table import read_queries
from galaxtool.search.reading import choose_reading
from galaxtool.search.source import Source


def list_queries(request: Request, source: Source) -> list[QueryArgs]:
    """Return the queries of a request.

    Returns
    -------
    list of QueryArgs
        One for each row of the table; and one of all examples, or with `Request.each` one of each, where a folder, an
        archive, a catalogue or a list of images stands for all its images. Examples of what not to find belong to all
        queries, unless others are combined to one. Their names are unique.
    """
    positive = request.find_positive()
    # without weights, which --each and --weight exclude, these are those of `find_negative`
    negative = [one for one in request.combine().examples if one.weight < 0]
    queries: list[QueryArgs] = []
    if request.table is not None:
        shared = negative if request.each or not positive else []  # else they belong to the query of all examples
        queries += [replace(row, examples=[*row.examples, *shared]) for row in read_queries(request.table)]
    if not request.each and positive:
        queries.append(request.combine())
    if len(queries) == 1 and not (request.each and positive):
        return queries
    for example in positive if request.each else ():
        for one, name in _expand(example, request, source):
            queries.append(QueryArgs(examples=[one, *negative], name=name))
    names = make_unique([query.text for query in queries])
    return [replace(query, name=name) for query, name in zip(queries, names, strict=True)]


def _expand(example: Example, request: Request, source: Source) -> list[tuple[Example, str]]:
    """Return the images that an example stands for, each with its name."""
    value: Any = example.value
    if example.kind != IMAGE or not isinstance(value, (str, os.PathLike)):
        return [(example, example.label)]
    options = choose_reading(source.reading, request.reading).options
    try:
        items = find_inputs([value], options).items
    except GalaxtoolError:  # the error of this query, when it is read
        return [(example, example.label)]
    if len(items) < 2:
        return [(example, example.label)]
    return [(Example(kind=IMAGE, value=item.ref), item.id) for item in items]
