"""Find what each INPUT names: folders, files, archives, catalogues, globs and lists."""

from __future__ import annotations

import glob
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

from galaxtool.containers.find import HDUS, find_container_name, list_container_suffixes, locate_image, make_container
from galaxtool.containers.protocols import Member
from galaxtool.errors import GalaxtoolError, InputError, TableError, suggest_name
from galaxtool.images.reading import list_image_suffixes
from galaxtool.inputs.catalogue import Catalogue
from galaxtool.inputs.catalogue_files import TEXT_FORMATS, is_catalogue
from galaxtool.inputs.file_list import FileList
from galaxtool.inputs.fits_tables import list_fits_suffixes
from galaxtool.inputs.globs import match_glob
from galaxtool.inputs.items import InputPart
from galaxtool.inputs.lists import STANDARD_INPUT, RelativePathResolver, read_list
from galaxtool.inputs.names import without_suffix
from galaxtool.inputs.shards import list_shards
from galaxtool.inputs.walk import FileFilter, TableFinder, walk
from galaxtool.tables.formats.content import find_content_format, has_table_suffix
from galaxtool.types import ImageRef
from galaxtool.utils.counts import format_skipped
from galaxtool.utils.debugging import is_debugging
from galaxtool.utils.files.ignored_names import UNFINISHED
from galaxtool.utils.files.path_texts import clean_path_text, explain_foreign_path
from galaxtool.utils.suggestions import explain_unfinished

_LIST = "@"
_WITHOUT_IMAGES = "archive or stack without images"


class InputCollector:
    """Collects the parts that INPUTs name.

    Parameters
    ----------
    read_catalogue : callable
        Reads the catalogue at a path, see `galaxtool.inputs.catalogue.read_catalogue`.
    each_hdu : bool
        Whether every HDU with an image in a FITS file is a separate object.
    find_tables : callable, optional
        Function that finds FITS tables, see `galaxtool.inputs.walk.FileFilter`.

    Attributes
    ----------
    parts : list of InputPart
        What was found, in order.
    skipped : Counter
        Number of files and members that were skipped, by reason.
    notes : list of str
        Messages for the user about the catalogues.
    pixel_notes : list of str
        What was assumed about the pixels of stacks.
    """

    def __init__(
        self,
        read_catalogue: Callable[[Path], Catalogue],
        each_hdu: bool,
        find_tables: TableFinder | None = None,
    ) -> None:
        self.parts: list[InputPart] = []
        self.skipped: Counter[str] = Counter()
        self.notes: list[str] = []
        self.pixel_notes: list[str] = []
        self._read_catalogue = read_catalogue
        self._image_suffixes, container_ends = list_image_suffixes(), list_container_suffixes()
        self._split_suffixes = list_fits_suffixes() if each_hdu else ()  # of files whose HDUs are objects
        self._file_filter = FileFilter.images_only(containers=container_ends, find_tables=find_tables)
        self._suffixes = tuple({*self._image_suffixes, *container_ends})
        self._named_files: FileList | None = None

    def add(self, text: str) -> None:
        """Add the images that one INPUT names."""
        text = clean_path_text(text)
        if os.path.isdir(text):  # noqa: PTH112  Path.is_dir raises for a name that is too long
            if text.rstrip("/").endswith(UNFINISHED):
                raise InputError(f"'{text}' is not a folder of images.", hint=explain_unfinished(Path(text)))
            self._add_folder(text, Path(text))
        elif os.path.lexists(text):
            self._add_file(text)
        elif text.startswith(_LIST):
            self._add_list(text[len(_LIST) :])
        elif (ref := locate_image(text)).container:
            self._add_member(ref)
        elif glob.has_magic(text):
            self._add_glob(text)
        else:
            raise missing_path_error(Path(text))

    def _add_part(self, part: InputPart) -> None:
        self.parts.append(part)
        self._named_files = None

    def _file_list(self) -> FileList:
        """Return the list of files named one by one, which continues until another part is added."""
        if self._named_files is None:
            files = FileList(Path(), self._stem)
            self._add_part(files)
            self._named_files = files
        return self._named_files

    def _stem(self, name: str) -> str:
        return without_suffix(name, self._suffixes)

    def _add_file(self, text: str, *, may_be_empty: bool = False) -> None:
        """Add a file named by itself: an image, the members of a container, or the rows of a catalogue."""
        path = Path(text)
        is_file = path.is_file()  # a pipe or a socket is left to the reader
        catalogue = self._find_catalogue(path) if is_file else None
        if catalogue is not None:
            self.notes += catalogue.notes
            self._add_part(catalogue)
        elif not self._add_one(text, find_container_name(path) if is_file else ""):
            if not may_be_empty:
                raise _no_image_error(text, Counter())
            self.skipped[_WITHOUT_IMAGES] += 1

    def _find_catalogue(self, path: Path) -> Catalogue | None:
        """Return a catalogue; None for an image, and for a text file of any kind that names no images."""
        if is_catalogue(path):
            return self._read_catalogue(path)
        if not has_table_suffix(path) or path.name.lower().endswith(self._image_suffixes):
            return None
        try:
            return self._read_catalogue(path) if find_content_format(path) in TEXT_FORMATS else None
        except TableError as error:
            self.notes.append(
                f"'{path}' is not a catalogue of images, so it counts as an image: {error} A list of paths is @{path}."
            )
            return None

    def _add_one(self, text: str, container: str) -> int:
        """Add an image named by itself, or the members of a container; return how many."""
        if not container and text.lower().endswith(self._split_suffixes):
            container = HDUS
        if container:
            return self._add_members(self._file_list(), text, Path(text), container, prefix=None)
        head, slash, name = text.replace(os.sep, "/").rpartition("/")
        self._file_list().add_file(head + slash, name)
        return 1

    def _add_member(self, ref: ImageRef) -> None:
        """Add one member of a container."""
        prefix = "" if ref.member.lower().endswith(self._image_suffixes) else f"{self._stem(ref.path.name)}/"
        member = Member(key=ref.member, name=ref.member)
        self._file_list().add_member(str(ref.path), ref.container, member, prefix=prefix)

    def _add_members(self, files: FileList, relative: str, path: Path, container: str, *, prefix: str | None) -> int:
        """Add the members of a container; return how many.

        Without a `prefix`, a member has its own name, after that of the container if its own is a number.
        """
        before = len(files)
        stem = f"{self._stem(path.name)}/"
        try:
            opener = make_container(container)
            for member in opener.members(path):
                is_number = member.name == member.key and not member.key.lower().endswith(self._image_suffixes)
                own = (stem if is_number else "") if prefix is None else prefix
                files.add_member(relative, container, member, prefix=own)
            self.skipped.update(getattr(opener, "skipped", {}))
            self.pixel_notes += getattr(opener, "notes", ())
        except Exception as error:
            # reading the container raises the same error again, as that of one row
            if is_debugging() and not isinstance(error, GalaxtoolError):
                raise
            files.add_unlisted(relative, container, prefix=prefix or "")
        return len(files) - before

    def _add_folder(self, text: str, folder: Path, *, may_be_empty: bool = False) -> None:
        """Add the images below a folder."""
        skipped: Counter[str] = Counter()
        found = walk(folder, self._file_filter, skipped)
        first = next(found, None)
        if first is None and (shards := list_shards(text)):
            self._add_shards(shards)
            return
        found = found if first is None else chain((first,), found)
        self._add_files(text, folder, found, skipped, may_be_empty=may_be_empty)

    def _add_shards(self, paths: Sequence[Path]) -> None:
        """Add the images in the cells of several Parquet files."""
        notes = len(self.notes)
        for path in paths:
            self._add_file(str(path))
        if len(paths) > 1:  # the files of a data set are alike
            self.notes[notes:] = [f"The images are in the cells of {len(paths)} Parquet files, such as '{paths[0]}'."]

    def _add_glob(self, text: str) -> None:
        """Add the images that match a glob."""
        if shards := list_shards(text):
            self._add_shards(shards)
            return
        skipped: Counter[str] = Counter()
        root, found = match_glob(text, self._file_filter, skipped)
        self._add_files(text, root, found, skipped)

    def _add_files(
        self,
        text: str,
        folder: Path,
        found: Iterator[tuple[str, str]],
        skipped: Counter[str],
        *,
        may_be_empty: bool = False,
    ) -> None:
        """Add files in a folder, and the members of those that are containers."""
        files = FileList(folder, self._stem)
        for below, name in found:
            container = self._find_container(folder, below + name)
            if not container:
                files.add_file(below, name, prefix=below)
                continue
            prefix = f"{below}{self._stem(name)}/"
            if not self._add_members(files, below + name, folder / (below + name), container, prefix=prefix):
                skipped[_WITHOUT_IMAGES] += 1
        if not len(files) and not may_be_empty:
            raise _no_image_error(text, skipped)
        self.skipped.update(skipped)
        self._add_part(files)

    def _find_container(self, folder: Path, relative: str) -> str:
        """Return the container that opens a file in a folder; empty where the file is one image."""
        lower = relative.lower()
        if lower.endswith(self._image_suffixes):
            return HDUS if lower.endswith(self._split_suffixes) else ""
        return find_container_name(folder / relative)

    def _add_list(self, name: str) -> None:
        """Add the images that a list names, each line as if it were an INPUT."""
        if name != STANDARD_INPUT and not os.path.exists(name):  # noqa: PTH110
            hint = f"A list has one path per line; to name a file that begins with {_LIST}, write ./{_LIST}{name}."
            raise missing_path_error(Path(name), hint=hint)
        resolver = RelativePathResolver(Path() if name == STANDARD_INPUT else Path(name).parent)
        source = "Standard input" if name == STANDARD_INPUT else f"The list '{name}'"
        first = ""
        count = existing = 0
        for line in read_list(name):
            path = resolver.path(line)
            first = first or path
            existing += self._add_line(path)
            count += 1
        if not count:
            raise InputError(f"{source} names no image.", hint="A list has one path per line.")
        if not existing:
            raise InputError(
                f"{source} names only files that do not exist; the first is '{first}'.",
                hint="Relative paths start at the folder of the list, else at the working folder.",
            )

    def _add_line(self, text: str) -> bool:
        """Add a line of a list; return whether what it names exists."""
        try:
            is_folder = stat.S_ISDIR(os.stat(text).st_mode)  # noqa: PTH116  a million times
        except OSError:
            ref = locate_image(text)
            if ref.container:
                self._add_member(ref)
            else:
                self._add_one(text, "")
            return bool(ref.container) or os.path.lexists(text)
        if is_folder:
            self._add_folder(text, Path(text), may_be_empty=True)
        elif text.lower().endswith(self._image_suffixes):
            self._add_one(text, "")
        else:
            self._add_file(text, may_be_empty=True)
        return True


def _no_image_error(text: str, skipped: Counter[str]) -> InputError:
    """Return the error for a folder, glob or container without images."""
    reasons = "; ".join(f"{number} {reason}" for reason, number in skipped.most_common())
    found = f"{format_skipped(skipped.total())} ({reasons})" if skipped else "it is empty"
    return InputError(
        f"There is no image in '{text}': {found}.",
        hint=f"Looked for {', '.join(list_image_suffixes())}. Any other file is taken if it is named by itself.",
    )


def missing_path_error(path: Path, *, hint: str = "Check the path.") -> InputError:
    """Return the error for a path that does not exist, with the most similar name in its folder."""
    if foreign := explain_foreign_path(str(path)):
        return InputError(foreign)
    if unfinished := explain_unfinished(path):
        return InputError(f"There is nothing at '{path}'.", hint=unfinished)
    parent = path.parent
    is_readable = os.path.isdir(parent) and os.access(parent, os.R_OK)  # noqa: PTH112
    near = suggest_name(path.name, [entry.name for entry in islice(parent.iterdir(), 5000)]) if is_readable else None
    return InputError(f"There is nothing at '{path}'.", hint=f"Did you mean '{parent / near}'?" if near else hint)
