"""What the INPUTs of a command stand for: folders, files, archives, catalogues and lists become one list of images."""

from __future__ import annotations

import glob
import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

from astropy.table import Table

from galaxtool.containers.find import HDUS, container_name, container_suffixes, locate_image, make_container
from galaxtool.containers.protocols import Member
from galaxtool.errors import GalaxtoolError, InputError, suggest_name
from galaxtool.images.reading import image_suffixes
from galaxtool.inputs.band_files import find_objects
from galaxtool.inputs.catalogue import read_catalogue
from galaxtool.inputs.columns import columns_of
from galaxtool.inputs.items import InputItem, InputPart, Items
from galaxtool.inputs.listing import Listing
from galaxtool.inputs.lists import STANDARD_INPUT, RelativePathResolver, matches, read_list
from galaxtool.inputs.walk import FileFilter, TableFinder, fits_suffixes, holds_only_tables, walk, without_suffix
from galaxtool.tables.formats.find import table_format
from galaxtool.types import ImageRef
from galaxtool.utils.config import is_debugging

_LIST = "@"
_WITHOUT_IMAGES = "archive or stack without images"


@dataclass(frozen=True)
class Inputs:
    """All images to work on.

    Parameters
    ----------
    items : sequence of InputItem
        In the order of the INPUTs; within a folder in byte order of the relative path. Made on demand: a million take
        some tens of megabytes.
    columns : Table or None
        The columns of the catalogues among the INPUTs, a row for each item, masked where an item came from elsewhere;
        None without a catalogue.
    skipped : Counter
        How many members of folders were passed over, by reason.
    """

    items: Sequence[InputItem]
    columns: Table | None
    skipped: Counter[str]

    @cached_property
    def digest(self) -> str:
        """SHA-256 over identifiers and places, in hexadecimal: whether these are the same images in the same order."""
        digest = sha256()
        for item in self.items:
            digest.update(f"{item.id}\0{item.ref}\0".encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


def gather(
    inputs: Sequence[str | os.PathLike[str]],
    *,
    image_column: str | None = None,
    id_column: str | None = None,
    bands: Sequence[str] = (),
    pattern: str | None = None,
    each_hdu: bool = False,
    find_tables: TableFinder | None = None,
) -> Inputs:
    """Find the images that inputs stand for; none is opened beyond its headers.

    Parameters
    ----------
    inputs : sequence of str or Path
        Folders, files, globs (``"cutouts/*.fits"``, ``**`` for any depth), archives and stacks, members of these
        (``archive.tar[a.fits]``), catalogues with a column of paths, and lists: ``@list.txt`` has a path a line, which
        counts as if it were an INPUT, but that a file that is not there costs one row only; ``@-`` is standard input.
        Relative paths in a list start at its folder, else at the working folder. Members of folders and of globs count
        by their suffix; a file named by itself counts whatever it is.
    image_column, id_column : str, optional
        Columns of the catalogues, where they do not have one of the usual names; see
        `galaxtool.inputs.catalogue.read_catalogue`.
    bands : sequence of str
        With `pattern`, or ``{band}`` in `image_column`: the bands that each object has a file in, in this order. All
        that are found by default, the shortest wavelength first.
    pattern : str, optional
        How the files of each object's bands are called, relative to each INPUT, which must then be folders:
        ``{id}_{band}.fits``; see `galaxtool.inputs.band_files.Pattern`. An object that lacks a band is still listed.
    each_hdu : bool
        Take every HDU of a FITS file with an image for an object of its own.
    find_tables : callable, optional
        See `galaxtool.inputs.walk.FileFilter`.

    Returns
    -------
    Inputs

    Raises
    ------
    InputError
        If an input does not exist or holds no image.
    TableError
        If a catalogue cannot be read or names no images.
    ConfigError
        If the pattern is none, or goes with an input that is no folder.
    """
    if isinstance(inputs, (str, os.PathLike)):
        inputs = [os.fspath(inputs)]
    if not inputs:
        raise InputError("No input was given.", hint="Name a folder, files, or a catalogue.")
    named = [os.fspath(text) for text in inputs]
    if pattern is not None:
        for text in named:
            if not os.path.lexists(text) and not glob.has_magic(text):
                raise nothing_at(Path(text))
        objects, skipped = find_objects(named, pattern, bands)
        return Inputs(Items(objects), None, skipped)
    gathering = _Gathering(image_column, id_column, bands, each_hdu, find_tables)
    for text in named:
        gathering.add(text)
    return Inputs(Items(gathering.parts), columns_of(gathering.parts), gathering.skipped)


class _Gathering:
    """The parts found so far, and how to find more."""

    def __init__(
        self,
        image_column: str | None,
        id_column: str | None,
        bands: Sequence[str],
        each_hdu: bool,
        find_tables: TableFinder | None,
    ) -> None:
        self.parts: list[InputPart] = []
        self.skipped: Counter[str] = Counter()
        self._catalogue_options: dict[str, Any] = {"image_column": image_column, "id_column": id_column, "bands": bands}
        self._images, self._packed = image_suffixes(), container_suffixes()
        self._each = fits_suffixes() if each_hdu else ()  # of files of which each HDU counts
        self._taken = FileFilter.images_only(containers=self._packed, find_tables=find_tables)
        self._suffixes = tuple({*self._images, *self._packed})
        self._named: Listing | None = None

    def add(self, text: str) -> None:
        """Add what one INPUT stands for."""
        if os.path.isdir(text):  # noqa: PTH112  Path.is_dir raises for a name that is too long
            self._folder(text, Path(text))
        elif os.path.lexists(text):
            self._file(text)
        elif text.startswith(_LIST):
            self._list(text[len(_LIST) :])
        elif (ref := locate_image(text)).container:
            self._member(ref)
        elif glob.has_magic(text):
            self._glob(text)
        else:
            raise nothing_at(Path(text))

    def _add(self, part: InputPart) -> None:
        self.parts.append(part)
        self._named = None

    def _files(self) -> Listing:
        """Return the listing of files named one by one, which goes on as long as nothing else comes between."""
        if self._named is None:
            listing = Listing(Path(), self._stem)
            self._add(listing)
            self._named = listing
        return self._named

    def _stem(self, name: str) -> str:
        return without_suffix(name, self._suffixes)

    def _file(self, text: str, *, may_be_empty: bool = False) -> None:
        """Add a file named by itself: an image, what is in a file of many, or the rows of a catalogue."""
        path = Path(text)
        is_file = path.is_file()  # a pipe or a socket is left to the reader
        if is_file and _is_catalogue(path):
            self._add(read_catalogue(path, **self._catalogue_options))
        elif not self._one(text, container_name(path) if is_file else ""):
            if not may_be_empty:
                raise _no_image(text, Counter())
            self.skipped[_WITHOUT_IMAGES] += 1

    def _one(self, text: str, container: str) -> int:
        """Add a file named by itself, or the members of one that holds many images; return how many."""
        if not container and text.lower().endswith(self._each):
            container = HDUS
        if container:
            return self._members(self._files(), os.fsencode(text), Path(text), container, called=None)
        head, slash, name = os.fsencode(text.replace(os.sep, "/")).rpartition(b"/")
        self._files().add_file(head + slash, name)
        return 1

    def _member(self, ref: ImageRef) -> None:
        """Add one member of a container."""
        stem = b"" if ref.member.lower().endswith(self._images) else os.fsencode(f"{self._stem(ref.path.name)}/")
        member = Member(key=ref.member, name=ref.member)
        self._files().add_member(os.fsencode(ref.path), ref.container, member, called=stem)

    def _members(self, listing: Listing, relative: bytes, path: Path, kind: str, *, called: bytes | None) -> int:
        """Add the members of a container; return how many.

        Without `called`, a member goes by its own name, behind the container's where that is a mere number.
        """
        before = len(listing)
        stem = os.fsencode(self._stem(path.name)) + b"/"
        try:
            container = make_container(kind)
            for member in container.members(path):
                mere = member.name == member.key and not member.key.lower().endswith(self._images)
                own = (stem if mere else b"") if called is None else called
                listing.add_member(relative, kind, member, called=own)
            self.skipped.update(getattr(container, "skipped", {}))
        except Exception as error:
            # what is wrong with it is said again when it is read, as the error of one row
            if is_debugging() and not isinstance(error, GalaxtoolError):
                raise
            listing.add_unlisted(relative, kind, called=called or b"")
        return len(listing) - before

    def _folder(self, text: str, folder: Path, *, may_be_empty: bool = False) -> None:
        """Add the images below a folder."""
        passed: Counter[str] = Counter()
        self._listed(text, folder, walk(folder, self._taken, passed), passed, may_be_empty=may_be_empty)

    def _listed(
        self,
        text: str,
        folder: Path,
        files: Iterator[tuple[bytes, bytes]],
        passed: Counter[str],
        *,
        may_be_empty: bool = False,
    ) -> None:
        """Add files in a folder, and the members of those that hold many images."""
        listing = Listing(folder, self._stem)
        for below, name in files:
            kind = self._kind(folder, below + name)
            if not kind:
                listing.add_file(below, name, called=below)
                continue
            path = folder / os.fsdecode(below + name)
            called = below + os.fsencode(self._stem(path.name)) + b"/"
            if not self._members(listing, below + name, path, kind, called=called):
                passed[_WITHOUT_IMAGES] += 1
        if not len(listing) and not may_be_empty:
            raise _no_image(text, passed)
        self.skipped.update(passed)
        self._add(listing)

    def _kind(self, folder: Path, relative: bytes) -> str:
        """Return what opens the members of a file in a folder; nothing where it is one image."""
        lower = os.fsdecode(relative).lower()
        if lower.endswith(self._images):
            return HDUS if lower.endswith(self._each) else ""
        return container_name(folder / os.fsdecode(relative))

    def _glob(self, text: str) -> None:
        """Add the images that match a glob."""
        passed: Counter[str] = Counter()
        root, files = matches(text, self._taken, passed)
        self._listed(text, root, files, passed)

    def _list(self, name: str) -> None:
        """Add what a list names, each line as if it were an INPUT."""
        if name != STANDARD_INPUT and not os.path.exists(name):  # noqa: PTH110
            raise nothing_at(Path(name), hint=f"A list has a path a line; a file called so is ./{_LIST}{name}.")
        beside = RelativePathResolver(Path() if name == STANDARD_INPUT else Path(name).parent)
        what = "Standard input" if name == STANDARD_INPUT else f"The list '{name}'"
        first = ""
        count = there = 0
        for line in read_list(name):
            path = beside.path(line)
            first = first or path
            there += self._line(path)
            count += 1
        if not count:
            raise InputError(f"{what} names no image.", hint="A list has a path a line.")
        if not there:
            raise InputError(
                f"Nothing is there of what {what[0].lower()}{what[1:]} names; the first is '{first}'.",
                hint="Relative paths start at the list's folder, else at the working folder.",
            )

    def _line(self, text: str) -> bool:
        """Add a line of a list; return whether there is such a thing."""
        try:
            is_folder = stat.S_ISDIR(os.stat(text).st_mode)  # noqa: PTH116  a million times
        except OSError:
            ref = locate_image(text)
            if ref.container:
                self._member(ref)
            else:
                self._one(text, "")
            return bool(ref.container) or os.path.lexists(text)
        if is_folder:
            self._folder(text, Path(text), may_be_empty=True)
        elif text.lower().endswith(self._images):
            self._one(text, "")
        else:
            self._file(text, may_be_empty=True)
        return True


def _is_catalogue(path: Path) -> bool:
    """Tell whether a file is a table, which of FITS files the content says."""
    form = table_format(path)
    return form is not None and (form != "fits" or holds_only_tables(path))


def _no_image(text: str, passed: Counter[str]) -> InputError:
    """Return the error for a folder, glob or container without images."""
    why = "; ".join(f"{number} {reason}" for reason, number in passed.most_common())
    found = f"{passed.total()} files were skipped ({why})" if passed else "it is empty"
    return InputError(
        f"There is no image in '{text}': {found}.",
        hint=f"Looked for {', '.join(image_suffixes())}. Anything else is taken when named by itself.",
    )


def nothing_at(path: Path, *, hint: str = "Check the path.") -> InputError:
    """Return the error for a path that is not there, with the name beside it that is most like it."""
    parent = path.parent
    readable = os.path.isdir(parent) and os.access(parent, os.R_OK)  # noqa: PTH112
    near = suggest_name(path.name, [entry.name for entry in islice(parent.iterdir(), 5000)]) if readable else None
    return InputError(f"There is nothing at '{path}'.", hint=f"Did you mean '{parent / near}'?" if near else hint)
