"""The command ``galaxtool symbol-sheet``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from galaxtool import InputError, OutputExists, get_registry

CELL, MARGIN, LINE = 160, 12, 20


def symbol_sheet(
    taxonomy: Annotated[str, typer.Argument(help="Name of the taxonomy; see galaxtool taxonomies.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Sheet to write: .png, .jpg or .pdf.")] = Path(
        "symbols.png"
    ),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing sheet.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Draw the symbols of all classes of a taxonomy on one sheet, with their names."""
    registry = get_registry()
    found = registry.taxonomies.find(taxonomy)
    classes = found.create(found.spec).classes
    if output.exists() and not overwrite:
        raise OutputExists(f"'{output}' exists.", hint="Choose another --output, or --overwrite.")
    draw([(one.name, one.symbol) for one in classes], output)
    if as_json:
        print(json.dumps({"taxonomy": taxonomy, "sheet": str(output), "classes": [one.slug for one in classes]}))
    else:
        print(output)


def draw(entries: list[tuple[str, Path]], out: Path) -> None:
    """Draw symbols with their names, in rows of at most five."""
    from PIL import Image, ImageDraw

    columns = min(5, len(entries))
    width, height = CELL + MARGIN, CELL + LINE + MARGIN
    sheet = Image.new("RGB", (columns * width + MARGIN, -(-len(entries) // columns) * height + MARGIN), "white")
    pen = ImageDraw.Draw(sheet)
    for i, (name, symbol) in enumerate(entries):
        left, top = MARGIN + i % columns * width, MARGIN + i // columns * height
        sheet.paste(Image.open(symbol).convert("RGB").resize((CELL, CELL)), (left, top))
        pen.text((left + CELL / 2, top + CELL + LINE / 2), name, fill="black", anchor="mm")
    try:
        sheet.save(out)
    except (OSError, ValueError) as error:
        raise InputError(f"The sheet '{out}' cannot be written: {error}.", hint="Try --output symbols.png.") from error
