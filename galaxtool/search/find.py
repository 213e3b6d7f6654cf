"""Find similar images, and write the table, the contact sheet and the page of the results."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from astropy.table import Table

from galaxtool.errors import GalaxtoolError, OutputExists
from galaxtool.reports.contact_sheet import write_contact_sheet
from galaxtool.search.answer import COLUMNS, QueryAnswer, answer_queries, require_answers, tabulate_answers
from galaxtool.search.contact_sheet import lay_out_answers, write_title
from galaxtool.search.labels import ObjectLabels, choose_labels
from galaxtool.search.open_source import open_source
from galaxtool.search.options import ResultOptions, SearchOptions, SourceArgs
from galaxtool.search.queries.examples import QueryArgs, Request
from galaxtool.search.queries.request import list_queries
from galaxtool.search.results import Neighbor, SimilarResult
from galaxtool.search.source import Source
from galaxtool.tables.formats.find import check_table_path
from galaxtool.tables.formats.plain_columns import find_masked_cells, get_values_and_mask
from galaxtool.tables.kept_inputs import refuse_inputs
from galaxtool.tables.write import write_table
from galaxtool.types import Progress, warn
from galaxtool.utils.counts import format_count
from galaxtool.utils.files.atomic_write import check_writable
from galaxtool.utils.optional_imports import import_attribute

_MOST_ERRORS = 10  # messages about queries that cannot be used


def find_similar(
    request: Request, source_args: SourceArgs, search: SearchOptions, options: ResultOptions, progress: Progress
) -> SimilarResult:
    """Find the images similar to queries; see `galaxtool.commands.similar.similar`."""
    check_table_path(options.output)
    for path in (options.sheet_path, *([] if options.html is None else [options.html])):
        check_writable(path)
    refuse_inputs(
        {"--output": options.output, "--sheet": options.sheet_path, "--html": options.html},
        [*source_args.among, *request.list_files()],
    )
    source = open_source(source_args, progress)
    labels = choose_labels(source, options.label_column)
    queries = list_queries(request, source)
    found = answer_queries(queries, request, search, source, progress)
    answers = require_answers(found)
    errors = _report_errors(queries, found, progress)
    _report_notes(answers, progress)
    table = tabulate_answers(answers, source)
    neighbors = _list_neighbors(table)
    outputs = (options.output, options.sheet_path, *([] if options.html is None else [options.html]))
    _refuse_images(outputs, answers, neighbors)
    write_table(table, options.output, meta=table.meta)
    _draw(answers, table, labels, source, options)
    return SimilarResult(
        query=answers[0].query.text if len(queries) == 1 else f"{len(queries)} queries",
        index=source.name,
        output=str(options.output),
        sheet=str(options.sheet_path),
        neighbors=neighbors,
        note=answers[0].rating.note if len(queries) == 1 else "",
        html="" if options.html is None else str(options.html),
        queries=[answer.query.text for answer in answers],
        errors=errors,
    )


def _draw(
    answers: Sequence[QueryAnswer], table: Table, labels: ObjectLabels, source: Source, options: ResultOptions
) -> None:
    """Write the contact sheet and the page."""
    tiles, columns = lay_out_answers(answers, labels, source)
    title = write_title(answers, source)
    write_contact_sheet(options.sheet_path, tiles, title, style=options.sheet_style, columns=columns)
    if options.html is not None:
        import_attribute("galaxtool.search.page:write_page")(options.html, answers, table, labels, source)


def _report_errors(
    queries: Sequence[QueryArgs], found: Sequence[QueryAnswer | GalaxtoolError], progress: Progress
) -> dict[str, str]:
    """Report the queries that cannot be used, and return the message of each."""
    errors = {
        query.text: error.message
        for query, error in zip(queries, found, strict=True)
        if isinstance(error, GalaxtoolError)
    }
    if errors:
        progress.say(f"{len(errors)} of {len(queries)} queries cannot be used:")
        for message in list(errors.values())[:_MOST_ERRORS]:
            progress.say(f"  {message}")
        if len(errors) > _MOST_ERRORS:
            progress.say(f"  and {len(errors) - _MOST_ERRORS} more")
    return errors


def _report_notes(answers: Sequence[QueryAnswer], progress: Progress) -> None:
    """Warn about results that mean little: in a sentence for a single query, by their number for several."""
    if len(answers) == 1:
        if answers[0].rating.note:
            warn(progress, answers[0].rating.note)
        return
    texts = [answer.query.text for answer in answers if answer.rating.nothing_is_close]
    if texts:
        warn(progress, f"Nothing in the index is close to {_name_some(texts, len(answers))}")
    other = [answer.rating.note for answer in answers if answer.rating.note and not answer.rating.nothing_is_close]
    for note in dict.fromkeys(other):
        warn(progress, note)


def _name_some(texts: Sequence[str], total: int) -> str:
    named = ", ".join(f"'{text}'" for text in texts[:3])
    more = f" and {len(texts) - 3} more" if len(texts) > 3 else ""
    return f"{len(texts)} of {format_count(total, 'query', 'queries')}: {named}{more}."


def _list_neighbors(table: Table) -> list[Neighbor]:
    """Return the rows of a table of results."""
    plain: dict[str, list[Any]] = {}
    for name in table.colnames:
        values, mask = get_values_and_mask(table[name])
        hidden = find_masked_cells(mask).tolist()
        plain[name] = [None if gone else value for value, gone in zip(values.tolist(), hidden, strict=True)]
    others = [name for name in table.colnames if name not in COLUMNS]
    ours = [name for name in COLUMNS if name in plain]
    return [
        Neighbor(**{name: plain[name][row] for name in ours}, columns={name: plain[name][row] for name in others})
        for row in range(len(table))
    ]


def _refuse_images(targets: Sequence[Path], answers: Sequence[QueryAnswer], neighbors: Sequence[Neighbor]) -> None:
    """Raise `OutputExists` if an output would overwrite the image of a query or of a result."""
    images = {os.path.realpath(neighbor.path) for neighbor in neighbors}
    images |= {
        os.path.realpath(one.path) for answer in answers for one in answer.query.examples if one.path is not None
    }
    for target in targets:
        if os.path.realpath(target) in images:
            raise OutputExists(
                f"'{target}' is one of the images, and would be overwritten.",
                hint="Choose other names with --output, --sheet and --html.",
            )
