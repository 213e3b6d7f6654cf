"""The options that several commands share, each described once.

A command names them in the "Parameters" section of its docstring, each as a line ``{name}``, and
`describe_shared_options` fills in the description. So ``help(galaxtool.classify)`` and ``galaxtool classify --help``
show the same full text. Indented lines after the placeholder add to it.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

SHARED_OPTIONS = {
    "inputs": (
        "sequence of str or Path",
        "Folders, image files, globs, tar or zip archives, HDF5 or NumPy stacks, @list.txt with one path per line, or "
        "catalogues with a column of paths.",
    ),
    "model": (
        "str or Path",
        "Name of a registered model (see `galaxtool models`), model or run directory, or .onnx file.",
    ),
    "engine": (
        "str",
        "Inference engine: auto, onnx (fp32), openvino (fp32 or bf16) or torch. auto uses ONNX Runtime if the model "
        "has an ONNX file, otherwise PyTorch; for bf16, OpenVINO or PyTorch.",
    ),
    "provider": (
        "str",
        "Execution provider for ONNX files: auto, cpu, cuda, tensorrt or openvino. auto uses CUDA if ONNX Runtime "
        "finds a GPU, otherwise the CPU.",
    ),
    "device": ("str", "Device to compute on: auto, cpu, cuda, cuda:1 or mps."),
    "precision": ("str", "Floating-point precision: auto, fp32, bf16 or fp16. auto is fp32."),
    "tta": (
        "int, optional",
        "Number of views of each image whose results are averaged: 2 (also mirrored), 4 (quarter turns) or 8 (both); "
        "1 for none. Run time grows in proportion. By default the model's own setting, usually 1.",
    ),
    "layer": (
        "str",
        "Layer of the model whose features are the embeddings: joint (the space that images share with texts and "
        "symbols), penultimate (the image encoder before its projection to that space), or cls-4 (the class tokens of "
        "the last four blocks of a vision transformer). Other layers than joint need PyTorch.",
    ),
    "batch_size": ("int", "Number of images per batch."),
    "workers": ("int, optional", "Number of parallel workers; by default one per available core."),
    "executor": (
        "str",
        "Where to compute: auto, threads, processes, ray, or ray://HEAD:PORT. auto uses processes for many images.",
    ),
    "hdu": (
        "str, optional",
        "HDU to read from FITS files, by number or EXTNAME; by default the first one with an image.",
    ),
    "each_hdu": ("bool", "Treat every image HDU of a FITS file as a separate object."),
    "bands": ("sequence of str", "Bands to use, in this order: g,r,z."),
    "pattern": (
        "str, optional",
        'File name pattern for images with one file per band, relative to the folder: "{id}_{band}.fits".',
    ),
    "mask_hdu": ("str, optional", "HDU of FITS files with a mask; pixels where it is not zero are ignored."),
    "weight_hdu": ("str, optional", "HDU of FITS files with weights; pixels where it is not above zero are ignored."),
    "pixel_scale": ("float, optional", "Pixel scale, in arcsec per pixel, of images that do not state their own."),
    "pixels": (
        "str",
        "Meaning of the pixels of arrays and of pictures with more than 8 bits: picture (display values, top row "
        "first), data (measured values, bottom row first), or auto to decide by their values.",
    ),
    "size_arcsec": (
        "float, optional",
        "Side, in arcsec, of the central square to use, cut at the pixel scale of each image; by default the size that "
        "the model was trained with, if any.",
    ),
    "stretch": (
        "str, optional",
        "Brightness stretch to use instead of the model's own: asinh, or with options asinh:softening=3.",
    ),
    "image_column": (
        "str, optional",
        "Catalogue column with the image paths; needed only if it has none of the usual names.",
    ),
    "id_column": (
        "str, optional",
        "Catalogue column with the identifiers; needed only if it has none of the usual names.",
    ),
    "label_column": (
        "str, optional",
        "Catalogue column with the labels; needed only if it has none of the usual names.",
    ),
    "where": (
        "str, optional",
        "Condition that selects rows, as in SQL: \"odd_pool = 0 and label in ('spiral', 'edge_on')\".",
    ),
    "prior": (
        "str or Path",
        "Class frequencies to assume: training (those of the training set), uniform, or a table, TOML or JSON file "
        "with the fraction of each class. Applied before the probabilities are summed to coarser classes.",
    ),
    "ra_column": (
        "str, optional",
        "Catalogue column with the right ascension or longitude, optionally with its unit in brackets: coord_ra[rad]; "
        "needed only if none is found by its name. Without a unit, numbers are degrees and 12:30:49.4 is in hours.",
    ),
    "dec_column": (
        "str, optional",
        "Catalogue column with the declination or latitude, optionally with its unit in brackets: coord_dec[rad].",
    ),
    "table": (
        "str, optional",
        "Table to read from a catalogue file with several, by name or number: the EXTNAME or number of an HDU in FITS; "
        "by default the first one with the wanted columns.",
    ),
    "html": (
        "Path, optional",
        "Also write an HTML page with a summary, thumbnails by class, ambiguous cases, errors and all rows.",
    ),
    "sort_into": ("Path, optional", "Also sort the images into this folder, with a sub-folder for each class."),
    "sort_by": ("str", "How to sort images into folders: link or copy."),
    "samp": ("bool", "Send the table to TOPCAT, Aladin and other programs that support SAMP."),
    "shard": (
        "str, optional",
        "Process one part of a job array, such as 2/8; `galaxtool merge` then writes the output.",
    ),
    "resume": ("bool", "Resume an interrupted job with the same output."),
    "overwrite": ("bool", "Discard an interrupted job with the same output. A finished table is always replaced."),
    "progress": ("Progress, optional", "Receives progress reports and notes; by default nothing is shown."),
}
"""Name of an option -> its type and its description, as in the "Parameters" section of a numpydoc docstring."""

_PLACEHOLDER = re.compile(r"^( *)\{(\w+)\}$", re.MULTILINE)


def describe_shared_options(function: F) -> F:
    """Replace each ``{name}`` line in the docstring of a command with the description of that option."""
    if function.__doc__:  # python -OO removes docstrings
        function.__doc__ = _PLACEHOLDER.sub(_format_option, function.__doc__)
    return function


def _format_option(match: re.Match[str]) -> str:
    indent, name = match.groups()
    kind, text = SHARED_OPTIONS[name]
    margin = indent + "    "
    return f"{indent}{name} : {kind}\n{textwrap.fill(text, 118, initial_indent=margin, subsequent_indent=margin)}"
