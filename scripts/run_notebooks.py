"""Run the notebooks of the documentation in an empty folder, and store their outputs.

Run from anywhere::

    python scripts/run_notebooks.py
"""

from __future__ import annotations

import base64
import io
import re
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "notebooks"
LIMIT = 900
"""Seconds for a cell."""


def run_notebook(path: Path, folder: Path) -> nbformat.NotebookNode:
    """Run a notebook in a folder, and return it with its outputs, without what differs from run to run."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=LIMIT, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            output.get("metadata", {}).clear()
            store_as_jpeg(output.get("data", {}))
            remove_table_numbers(output.get("data", {}))
        if cell.cell_type == "code":  # what goes to stderr is progress
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def remove_table_numbers(data: dict[str, str]) -> None:
    """Remove the number of a table of Astropy, which is its address in memory."""
    if "text/html" in data:
        data["text/html"] = re.sub(r' id="table\d+"', "", data["text/html"])


def store_as_jpeg(data: dict[str, str]) -> None:
    """Replace a PNG, in base64, by a JPEG, which is a fifth as large for pictures of galaxies."""
    if "image/png" in data:
        written = io.BytesIO()
        with Image.open(io.BytesIO(base64.b64decode(data.pop("image/png")))) as image:
            image.convert("RGB").save(written, "JPEG", quality=80)
        data["image/jpeg"] = base64.b64encode(written.getvalue()).decode()


def main() -> None:
    """Run all notebooks."""
    for path in sorted(FOLDER.glob("*.ipynb")):
        with tempfile.TemporaryDirectory() as folder:
            notebook = run_notebook(path, Path(folder))
        nbformat.write(notebook, path)
        print(f"{path} {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
