"""Which options of reading a data set heeds."""

from __future__ import annotations

from collections.abc import Sequence

from galaxtool.containers.reading import apply_options
from galaxtool.datasets.protocols import Dataset
from galaxtool.errors import ConfigError
from galaxtool.images.read_options import ReadOptions
from galaxtool.types import Cutout, Item

_OF_HDUS = ("hdu", "mask_hdu", "weight_hdu")


class BandSelection:
    """A data set that knows of no options, with the bands and the pixel scale that were asked for.

    Parameters
    ----------
    whole : Dataset
        Its name and items are kept.
    reading : ReadOptions
    """

    def __init__(self, whole: Dataset, reading: ReadOptions) -> None:
        self.whole, self.reading = whole, reading
        self.name = whole.name
        self.items: Sequence[Item] = whole.items

    def cutout(self, index: int) -> Cutout:
        """Return the image of ``items[index]``; raise `UnreadableImage` where it has not all of the bands."""
        return apply_options(self.whole.cutout(index), self.reading)


def with_reading(dataset: Dataset, reading: ReadOptions) -> Dataset:
    """Return a data set whose images are read so."""
    if hasattr(dataset, "reading"):
        dataset.reading = reading
        return dataset
    return BandSelection(dataset, reading) if reading.bands or reading.pixel_scale is not None else dataset


def unsupported_options(dataset: Dataset, reading: ReadOptions) -> tuple[str, ...]:
    """Return the options, as parameters, that change nothing in a data set, as it has no HDUs."""
    if getattr(dataset, "has_hdus", hasattr(dataset, "reading")):
        return ()
    return tuple(name for name in _OF_HDUS if getattr(reading, name) is not None)


def refuse_unheeded(names: Sequence[str], ignored: Sequence[Sequence[str]]) -> None:
    """Raise `ConfigError` for an option that none of several data sets heeds; beside one that does, it is harmless.

    Parameters
    ----------
    names : sequence of str
        What the user calls the data sets.
    ignored : sequence of sequence of str
        Parameters that each of them does not heed.
    """
    for parameter in ignored[0] if ignored else ():
        if all(parameter in others for others in ignored):
            flag = f"--{parameter.replace('_', '-')}"
            what = "files for each band" if parameter == "pattern" else "HDUs"
            which = f"The data set '{names[0]}' has" if len(names) == 1 else f"The data sets {', '.join(names)} have"
            raise ConfigError(f"{which} no {what}, so {flag} changes nothing.", hint=f"Leave {flag} out.")
