"""The paths and the identifiers of the rows of a catalogue, made on access."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from galaxtool.images.reading import list_image_suffixes
from galaxtool.inputs.cells import TextColumn
from galaxtool.inputs.lazy_sequence import LazySequence
from galaxtool.inputs.lists import RelativePathResolver
from galaxtool.inputs.names import without_suffix
from galaxtool.utils.files.path_texts import find_odd_paths, is_remote, make_lacking_path


class PathColumn(LazySequence[Path]):
    """The resolved paths of images that a column names.

    Parameters
    ----------
    texts : TextColumn
        The N cells.
    resolver : RelativePathResolver
        Resolves relative paths.
    folder : Path
        Folder of the catalogue.
    template : str
        What each cell is a part of: ``train_images/{}.png`` for a column of names.
    """

    def __init__(self, texts: TextColumn, resolver: RelativePathResolver, folder: Path, template: str = "{}") -> None:
        self._texts, self._folder = texts, folder
        self._before, _, self._after = template.partition("{}")
        paths = texts.to_list()
        if template != "{}":
            paths = list(map(self._fill, paths))
        self._odd = {row: resolver.clean(paths[row]) for row in find_odd_paths(paths)}
        for row, path in self._odd.items():
            paths[row] = path
        is_here = bytearray(map(resolver.is_here, paths))
        self._is_here = is_here if any(is_here) else None

    def __len__(self) -> int:
        return len(self._texts)

    def get(self, row: int) -> Path:
        """Return the path of a row."""
        text = self.text(row)
        if not text:  # a path that does not exist, so that the row becomes an error that says why
            return self._folder / make_lacking_path(row)
        is_here = self._is_here is not None and self._is_here[row]
        return Path(text) if is_here or ("://" in text and is_remote(text)) else self._folder / text

    def text(self, row: int) -> str:
        """Return the path as the catalogue means it, relative to its folder or to the working folder."""
        return self._odd[row] if row in self._odd else self._fill(self._texts[row])

    def _fill(self, text: str) -> str:
        return f"{self._before}{text}{self._after}" if text else ""


class NameColumn(LazySequence[str]):
    """The identifiers of rows: those of a column, else made of the paths."""

    def __init__(self, ids: TextColumn | None, images: PathColumn, members: Sequence[str]) -> None:
        self._ids, self._images, self._members, self._suffixes = ids, images, members, list_image_suffixes()

    def __len__(self) -> int:
        return len(self._images)

    def get(self, row: int) -> str:
        """Return the identifier of a row."""
        if self._ids is not None and (identifier := self._ids[row]):
            return identifier
        text = self._images.text(row)
        member = self._members[row] if self._members else ""
        if text.endswith("]"):
            return text
        name = without_suffix((text if "://" in text else Path(text)) if text else self._images[row], self._suffixes)
        return f"{name}[{member}]" if member else name


class FilledNames(LazySequence[str]):
    """Identifiers of a column, and other names where it has none."""

    def __init__(self, ids: TextColumn, others: Sequence[str]) -> None:
        self._ids, self._others = ids, others

    def __len__(self) -> int:
        return len(self._others)

    def get(self, row: int) -> str:
        """Return the identifier of a row."""
        return self._ids[row] or self._others[row]
