"""Find images and prepare them for a model, as the reading options say."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from galaxtool.errors import ConfigError, InputError, suggest_name
from galaxtool.images.read_options import AUTO
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.inputs.gather import Inputs, gather
from galaxtool.types import Progress
from galaxtool.utils.useless_options import refuse_beside
from galaxtool.vision.preprocess import Preprocess
from galaxtool.vision.stretch import Stretch


def find_inputs(
    inputs: Sequence[str | os.PathLike[str]], options: ReadingOptions, progress: Progress | None = None
) -> Inputs:
    """Find the images among inputs, see `galaxtool.inputs.gather.gather`, and report how catalogues were read."""
    if options.each_hdu:
        refuse_beside("each_hdu", "every HDU with an image is an object", {"hdu": options.hdu})
    found = gather(
        inputs,
        image_column=options.image_column,
        id_column=options.id_column,
        ra_column=options.ra_column,
        dec_column=options.dec_column,
        bands=options.band_names,
        pattern=options.pattern,
        each_hdu=options.each_hdu,
        table=options.table,
    )
    assumed = found.pixel_notes if options.pixels == AUTO else ()
    for note in (*found.notes, *assumed):
        if progress is not None:
            progress.say(note)
    return found


def find_images(
    inputs: Sequence[str | os.PathLike[str]], progress: Progress, options: ReadingOptions | None = None
) -> Inputs:
    """Find the images among inputs, and report the files that were skipped.

    Raises
    ------
    InputError
        If an input does not exist, or none of them is an image.
    """
    found = find_inputs(inputs, options or ReadingOptions(), progress)
    if not len(found.items):
        raise InputError(
            f"'{inputs[0]}' does not name any image.", hint="Give a catalogue with rows, or a folder of images."
        )
    for reason, number in found.skipped.most_common():
        progress.say(f"Skipped {number}: {reason}.")
    return found


def override_preprocess(preprocess: Preprocess, options: ReadingOptions) -> Preprocess:
    """Return a model's preprocessing with the field of view and the stretch of the options, if they are given."""
    changes: dict[str, Any] = {}
    if options.size_arcsec is not None:
        changes["size_arcsec"] = options.size_arcsec
    if options.stretch:
        changes["stretch"] = parse_stretch(options.stretch)
    return replace(preprocess, **changes) if changes else preprocess


def parse_stretch(text: str) -> Stretch:
    """Parse a stretch written as ``asinh`` or ``asinh:softening=3,white=99.9``.

    Raises
    ------
    ConfigError
        If the stretch or one of its options does not exist.
    """
    name, _, rest = text.partition(":")
    names = [field.name for field in fields(Stretch) if field.name not in ("name", "scales")]
    options: dict[str, Any] = {}
    for part in filter(None, (p.strip() for p in rest.split(","))):
        key, _, value = part.partition("=")
        if key not in names:
            near = suggest_name(key, names)
            raise ConfigError(
                f"A stretch has no option '{key}'." + (f" Did you mean '{near}'?" if near else ""),
                hint=f"Options: {', '.join(names)}, as in asinh:softening=3",
            )
        try:
            options[key] = float(value)
        except ValueError:
            raise ConfigError(
                f"The stretch option {key} must be a number, not '{value}'.", hint="Write it as in asinh:softening=3"
            ) from None
    return Stretch(name=name, **options)
