"""Pixel scale of images that do not state it, for a model that sees a square of a fixed size on the sky."""

from __future__ import annotations

from dataclasses import replace

from galaxtool.inference.image_sample import ImageSample
from galaxtool.inference.reading import override_preprocess
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.inference.training_domain import find_domain
from galaxtool.models.record import ModelRecord
from galaxtool.types import Cutout


def assume_pixel_scale(record: ModelRecord, options: ReadingOptions) -> ReadingOptions:
    """Return the options with the pixel scale of the model's training for images that do not state theirs.

    Only if the model sees a square of a fixed size on the sky (``size_arcsec``), the user gives no pixel scale, and the
    training images had nearly the same; otherwise the options do not change.
    """
    needs_scale = override_preprocess(record.make_preprocess(), options).size_arcsec is not None
    if not needs_scale or options.pixel_scale is not None:
        return options
    return replace(options, pixel_scale=find_domain(record).pixel_scale)


def fill_pixel_scale(cutout: Cutout, record: ModelRecord) -> Cutout:
    """Return an image with the pixel scale of a model's training, if it has none and the model needs one."""
    scale = assume_pixel_scale(record, ReadingOptions()).pixel_scale
    return cutout if scale is None or cutout.pixel_scale is not None else replace(cutout, pixel_scale=scale)


def describe_assumed_scale(record: ModelRecord, options: ReadingOptions, sample: ImageSample) -> str:
    """Return a note on images without a pixel scale where the model needs it; empty if there are none.

    Parameters
    ----------
    record : ModelRecord
        Record of the model.
    options : ReadingOptions
        How the user says that images are read.
    sample : ImageSample
        Some of the images, read with these options.
    """
    size = override_preprocess(record.make_preprocess(), options).size_arcsec
    lacking = sum(cutout.pixel_scale is None for cutout in sample.cutouts)
    if size is None or not lacking:
        return ""
    verb = "does not state its pixel scale" if lacking == 1 else "do not state their pixel scale"
    scale = assume_pixel_scale(record, options).pixel_scale
    if scale is None:
        return (
            f"{sample.count(lacking)} {verb}, so the model sees them whole and not cut to {size:.3g} arcsec; "
            "--pixel-scale gives it."
        )
    return (
        f"{sample.count(lacking)} {verb}: {scale:.3g} arcsec per pixel is assumed, as in the model's training, to cut "
        f"them to {size:.3g} arcsec; --pixel-scale gives another."
    )
