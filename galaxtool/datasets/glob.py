"""Images named by a glob or a list."""

from __future__ import annotations

from pathlib import PurePosixPath

from galaxtool.datasets.files import FileDataset
from galaxtool.errors import InputError
from galaxtool.inputs.gather import gather
from galaxtool.inputs.probe import FileProber
from galaxtool.types import ImageRef, Item

_ARCHIVES = ("tar", "zip")


def open_glob(*, path: str, needs_labels: bool = True, prober: FileProber | None = None) -> FileDataset:
    """Open the images of a glob or a list.

    Parameters
    ----------
    path : str
        ``"survey/*/*.fits"`` or ``@list.txt``, as `galaxtool.inputs.gather.gather` takes them.
    needs_labels : bool
        Whether labels are required: the class of an image is then the name of its folder. If not, no image has a
        class.
    prober : FileProber, optional
        Opens files to find out which ones are tables.

    Returns
    -------
    FileDataset
        Items in the order of the glob or list.

    Raises
    ------
    InputError
        If nothing matches, no match is an image, or labels are required and one of the files is a catalogue.
    """
    found = gather([path], find_tables=prober.find_tables if prober else None)
    if needs_labels and found.columns is not None:
        raise InputError(
            f"'{path}' names a catalogue among the images.", hint="Name the catalogue itself as a data set."
        )
    items = [
        Item(
            id=image.id,
            ref=image.ref,
            label=_folder_name(image.ref) if needs_labels else None,
            ra=image.ra,
            dec=image.dec,
        )
        for image in found.items
    ]
    return FileDataset(name=path, items=items, skipped=found.skipped)


def _folder_name(ref: ImageRef) -> str:
    """Return the name of the folder that contains a file, or a member of an archive."""
    inside = PurePosixPath(ref.member).parent.name if ref.container in _ARCHIVES else ""
    return inside or ref.path.absolute().parent.name
