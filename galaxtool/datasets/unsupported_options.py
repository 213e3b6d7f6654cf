"""Reading options of data sets, and errors for options without effect."""

from __future__ import annotations

from collections.abc import Sequence

from galaxtool.containers.reading import apply_options
from galaxtool.datasets.protocols import Dataset
from galaxtool.errors import ConfigError
from galaxtool.images.read_options import AUTO, ReadOptions
from galaxtool.types import Cutout, Item

_OF_HDUS = ("hdu", "mask_hdu", "weight_hdu")


class BandSelection:
    """Wrapper that selects bands and sets the pixel scale for a data set without reading options.

    Parameters
    ----------
    whole : Dataset
        The data set; its name and items are kept.
    reading : ReadOptions
        Bands and pixel scale to apply.
    """

    def __init__(self, whole: Dataset, reading: ReadOptions) -> None:
        self.whole, self.reading = whole, reading
        self.name = whole.name
        self.items: Sequence[Item] = whole.items

    def cutout(self, index: int) -> Cutout:
        """Read the image of ``items[index]``; raises `UnreadableImage` if it lacks a band."""
        return apply_options(self.whole.cutout(index), self.reading)


def apply_reading_options(dataset: Dataset, reading: ReadOptions) -> Dataset:
    """Return a data set whose images are read with these options."""
    if reading.pixels != AUTO and not getattr(dataset, "has_hdus", True) and hasattr(dataset, "notes"):
        dataset.notes = ()  # nothing needs to be assumed about the pixels of a stack
    if hasattr(dataset, "reading"):
        dataset.reading = reading
        return dataset
    return BandSelection(dataset, reading) if reading.bands or reading.pixel_scale is not None else dataset


def find_unsupported_options(dataset: Dataset, reading: ReadOptions) -> tuple[str, ...]:
    """Return the names of the options that have no effect on a data set, because it has no HDUs."""
    if getattr(dataset, "has_hdus", hasattr(dataset, "reading")):
        return ()
    return tuple(name for name in _OF_HDUS if getattr(reading, name) is not None)


def refuse_ignored_options(names: Sequence[str], ignored: Sequence[Sequence[str]]) -> None:
    """Raise `ConfigError` for an option that has no effect on any of the data sets.

    Parameters
    ----------
    names : sequence of str
        Names of the data sets as the user gave them.
    ignored : sequence of sequence of str
        Options without effect, for each data set.
    """
    for parameter in ignored[0] if ignored else ():
        if all(parameter in others for others in ignored):
            flag = f"--{parameter.replace('_', '-')}"
            what = "files for each band" if parameter == "pattern" else "HDUs"
            which = f"The data set '{names[0]}' has" if len(names) == 1 else f"The data sets {', '.join(names)} have"
            raise ConfigError(f"{which} no {what}, so {flag} changes nothing.", hint=f"Leave {flag} out.")
