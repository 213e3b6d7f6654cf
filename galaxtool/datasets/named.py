"""Images that a glob or a list names."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from galaxtool.datasets.files import FileDataset
from galaxtool.io.inputs import gather
from galaxtool.io.items import InputItem
from galaxtool.types import Item


def named_dataset(*, path: str, needs_labels: bool = True) -> FileDataset:
    """Open the images of a glob or a list.

    Parameters
    ----------
    path : str
        ``"survey/*/*.fits"`` or ``@list.txt``, as `galaxtool.io.inputs.gather` takes them.
    needs_labels : bool
        Whether there must be labels: the class of an image is then the name of the folder in which it lies. Without,
        none has a class.

    Returns
    -------
    FileDataset

    Raises
    ------
    InputError
        If nothing is named so, or no image.
    """
    found = gather([path])
    places = list(found.items)

    def label(place: InputItem) -> str | None:
        return _folder(place) if needs_labels else None

    items = [
        Item(id=place.id, path=Path(place.place), label=label(place), ra=place.ra, dec=place.dec) for place in places
    ]
    return FileDataset(name=path, items=items, skipped=found.skipped, places=places)


def _folder(place: InputItem) -> str:
    """Return the name of the folder of a file, or of a member within its archive; '' at the top of an archive."""
    return PurePosixPath(place.member).parent.name if place.container else place.path.absolute().parent.name
