"""Radio Galaxy Zoo: folders of images, named by the numbers of components and peaks, or the development kit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from galaxtool.datasets.files import FileDataset
from galaxtool.datasets.folder import open_folder
from galaxtool.datasets.published.voc import find_devkit, open_devkit
from galaxtool.inputs.probe import FileProber
from galaxtool.taxonomy.assets import find_symbols_folder
from galaxtool.taxonomy.load import load_taxonomy
from galaxtool.taxonomy.matching import match_labels

_COUNTS = re.compile(r"(\d)(?:\s*c[a-z]*[\W_]*|[\W_]+)(\d)\s*(?:p[a-z]*)?", re.IGNORECASE)


def open_rgz(
    *,
    path: str | Path,
    image_column: str | None = None,
    label_column: str | None = None,
    pattern: str | None = None,
    bands: Sequence[str] = (),
    prober: FileProber | None = None,
) -> FileDataset:
    """Open images of Radio Galaxy Zoo, with one folder per class, or its development kit.

    Parameters
    ----------
    path : str or Path
        A folder as for `galaxtool.datasets.folder.open_folder`, perhaps with ``train/``, ``valid/``, ``test/``.
        Classes are written ``1C_1P``, ``1c-1p``, ``1C1P``, ``1_1`` or the like. Or the development kit of ClaRAN, see
        `galaxtool.datasets.published.voc.open_devkit`.
    image_column, label_column : str, optional
        Columns of ``labels.csv``, if they do not have one of the usual names.
    pattern, bands, prober
        As for `galaxtool.datasets.folder.open_folder`.

    Returns
    -------
    FileDataset
        Labels are slugs of the taxonomy ``rgz``: ``1c_1p`` to ``3c_3p``.

    Raises
    ------
    InputError
        If the folder does not exist, has no images, or a class is not one of Radio Galaxy Zoo.
    """
    kit = find_devkit(Path(path))
    if kit is not None:
        return _translate(open_devkit(kit))
    found = open_folder(
        path=path,
        image_column=image_column,
        label_column=label_column,
        pattern=pattern,
        bands=bands,
        prober=prober,
    )
    return _translate(found)


def _translate(found: FileDataset) -> FileDataset:
    """Return the data set with the slugs of the taxonomy for its labels."""
    taxonomy = load_taxonomy(find_symbols_folder() / "rgz")
    written = {item.label: _to_slug(item.label, taxonomy.slugs) for item in found.items if item.label is not None}
    slugs = match_labels([written[item.label] for item in found.items if item.label is not None], taxonomy)
    items = [item if item.label is None else replace(item, label=slugs[written[item.label]]) for item in found.items]
    return replace(found, name="rgz", items=items)


def _to_slug(label: str, slugs: tuple[str, ...]) -> str:
    """Return the slug for a label with two numbers; other labels are unchanged."""
    counts = _COUNTS.fullmatch(label.strip())
    slug = f"{counts[1]}c_{counts[2]}p" if counts else label
    return slug if slug in slugs else label
