"""Notes on images and options that differ from those that a model was trained on."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import numpy as np

from galaxtool.images.read_options import AUTO
from galaxtool.inference.field_of_view import describe_field_difference
from galaxtool.inference.image_sample import ImageSample, look_at_images
from galaxtool.inference.pixel_scale import describe_assumed_scale
from galaxtool.inference.reading import override_preprocess
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.inference.training_domain import OPTICAL, RADIO, TrainingDomain, find_domain, find_field
from galaxtool.inputs.items import InputItem
from galaxtool.models.record import ModelRecord
from galaxtool.vision.preprocess import GRAY, RGB

_COMPARED = (
    "hdu",
    "bands",
    "mask_hdu",
    "weight_hdu",
    "pixels",
)  # pattern and pixel scale belong to files, not to a model
_FACTOR = 2.0


def find_notes(record: ModelRecord, options: ReadingOptions, items: Sequence[InputItem]) -> list[str]:
    """Return what a user must know about a model and these images, one sentence or two for each fact.

    Parameters
    ----------
    record : ModelRecord
        Record of the model. What it does not say about its training gives no note.
    options : ReadingOptions
        How the images are read and shown.
    items : sequence of InputItem
        The images, some of which are looked at.
    """
    domain, sample = find_domain(record), look_at_images(items, options.read_options)
    notes = [describe_simulated_training(record, domain), describe_missing_options(record, options)]
    if regime := describe_other_regime(domain, sample):
        notes.append(regime)  # colours and scales differ as a matter of course
    else:
        notes.append(describe_color_difference(record, domain, sample))
        field = describe_field_difference(record, options, sample.cutouts)
        notes.append(field or describe_scale_difference(record, options, domain, sample))
    notes.append(describe_assumed_scale(record, options, sample))
    return [note for note in notes if note]


def describe_simulated_training(record: ModelRecord, domain: TrainingDomain) -> str:
    """Return a note on a model that never saw a real image; empty for any other."""
    if not domain.simulated:
        return ""
    return (
        f"The model '{record.name}' was trained on simulated galaxies only: do not rely on what it says of real "
        "images. galaxtool finetune trains one on labelled images of your own."
    )


def _is_given(value: object) -> bool:
    return bool(value) and value != AUTO


def describe_missing_options(record: ModelRecord, options: ReadingOptions) -> str:
    """Return a note on reading options that were given in training and are not given now.

    Parameters
    ----------
    record : ModelRecord
        Record of the model.
    options : ReadingOptions
        Options that are given now.

    Returns
    -------
    str
        A line with the missing options as they can be typed; empty if there are none.
    """
    before = record.data.get("reading") or {}
    missing = [
        name for name in _COMPARED if before.get(name) not in (None, []) and not _is_given(getattr(options, name))
    ]
    if not missing:
        return ""
    words = []
    for name in missing:
        value = before[name]
        text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        words.append(f"--{name.replace('_', '-')} {shlex.quote(text)}")
    return f"The model was trained with {' '.join(words)}; give the same options if these images are alike."


def describe_other_regime(domain: TrainingDomain, sample: ImageSample) -> str:
    """Return a note on radio maps given to a model of optical images, or the reverse; empty if nothing is known."""
    radio = sum(cutout.is_radio for cutout in sample.cutouts)
    if domain.regime == OPTICAL and radio:
        verb = "is a radio map" if radio == 1 else "are radio maps"
        return f"{sample.count(radio)} {verb} by the header, and the model was trained on optical images."
    if domain.regime == RADIO:
        optical = sum(
            not cutout.is_radio and (has_color or (cutout.unit != "display" and all(cutout.bands)))
            for cutout, has_color in zip(sample.cutouts, sample.colored, strict=True)
        )
        if optical:
            verb = "shows" if optical == 1 else "show"
            return f"{sample.count(optical)} {verb} optical bands or colours, and the model was trained on radio maps."
    return ""


def describe_color_difference(record: ModelRecord, domain: TrainingDomain, sample: ImageSample) -> str:
    """Return a note on monochrome images given to a model of colour images, or the reverse; empty if alike."""
    if record.make_preprocess().channels not in (RGB, GRAY):
        return ""  # channels of bands are required by name
    differing = sum(has_color is not domain.color for has_color in sample.colored)
    if domain.color is None or not differing:
        return ""
    verb = "is" if differing == 1 else "are"
    if not domain.color:
        return (
            f"{sample.count(differing)} {verb} in colour, and the model was trained on monochrome "
            "images; --bands selects one band."
        )
    of_bands = f" of the bands {', '.join(domain.bands)}" if domain.bands else ""
    return (
        f"{sample.count(differing)} {verb} monochrome, and the model was trained on colour "
        f"images{of_bands}; --pattern combines files with a band each."
    )


def describe_scale_difference(
    record: ModelRecord, options: ReadingOptions, domain: TrainingDomain, sample: ImageSample
) -> str:
    """Return a note on images whose pixels are much larger, or of unknown field and much smaller, than in training."""
    scales = [cutout.pixel_scale for cutout in sample.cutouts if cutout.pixel_scale is not None]
    if domain.pixel_scale is None or not scales:
        return ""
    median, trained = float(np.median(scales)), domain.pixel_scale
    preprocess = override_preprocess(record.make_preprocess(), options)
    has_field = preprocess.size_arcsec is not None or find_field(record) is not None
    is_finer = median * _FACTOR < trained and not has_field
    if not is_finer and median <= _FACTOR * trained:
        return ""
    what = "finer: the galaxies appear larger" if is_finer else "coarser: they show less detail"
    return (
        f"The images have {median:.3g} arcsec per pixel and those of the model's training {trained:.3g}, so they are "
        f"{what} than the model knows."
    )
