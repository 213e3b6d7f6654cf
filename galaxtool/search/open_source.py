"""Open the place to search: an index, or files that are indexed on demand."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from galaxtool.backbones.layers import JOINT
from galaxtool.errors import ConfigError, InputError, OutputExists
from galaxtool.inference.compute_options import ComputeOptions
from galaxtool.inference.reading import find_images
from galaxtool.inputs.gather import Inputs
from galaxtool.inputs.items import InputItem
from galaxtool.jobs.job import job_folder
from galaxtool.models.engines.layers import open_layer_engine
from galaxtool.models.engines.protocol import Engine
from galaxtool.models.find import ModelFiles, find_model
from galaxtool.search.build import write_index_of
from galaxtool.search.defaults import DEFAULT_INDEX
from galaxtool.search.index.folder import MODEL
from galaxtool.search.index.record import BUNDLED, RECORD, IndexRecord
from galaxtool.search.index.store import Index
from galaxtool.search.options import IndexOptions, SourceArgs
from galaxtool.search.source import Source, check_model, read_record
from galaxtool.types import Progress
from galaxtool.utils.config import cache_dir
from galaxtool.utils.digests import hash_json
from galaxtool.utils.files.writable_cache import get_writable_cache

VARIABLE = "GALAXTOOL_INDEX"
"""Environment variable that names the default index."""


def open_source(args: SourceArgs, progress: Progress) -> Source:
    """Open the index to search, or index the files to search.

    Raises
    ------
    ConfigError
        If both an index and files are given.
    InputError
        If the index does not exist, or a part of it is missing.
    IndexMismatch
        If a model is given, and the index was built with another one.
    """
    from_environment = os.environ.get(VARIABLE)
    if args.among:
        if args.index is not None and str(args.index) != from_environment:
            raise ConfigError("Both --index and --among are given.", hint="Give one of them.")
        return _open_among(args, progress)
    folder = Path(args.index or from_environment or DEFAULT_INDEX)
    if args.index is None and not from_environment and not folder.exists():
        raise InputError(
            f"There is no index: none was given, and there is no '{folder}' in this folder.",
            hint="Build one with: galaxtool index CUTOUTS, or name one with --index, or images with --among.",
        )
    index = Index.open(folder)
    files = find_index_model(index)
    if args.model is not None:
        record = read_record(find_model(args.model))
        check_model(index, record, args.model, hint="Leave --model out to use the index's own.")
    return Source(str(folder), index, files, args.compute)


def find_index_model(index: Index) -> ModelFiles:
    """Return the model that an index was built with."""
    return find_model(index.record.model if index.record.model_at == BUNDLED else index.folder / MODEL)


def _open_among(args: SourceArgs, progress: Progress) -> Source:
    """Open the cached index of some inputs, after building it if it does not exist or is out of date."""
    files = find_model(args.model or "mini")
    found = find_images(args.among, progress, args.reading)
    digest = read_record(files).digest
    name = ", ".join(str(text) for text in args.among)
    # one folder for each set of inputs, so that the cache does not grow when their files change
    places = [os.path.abspath(text) for text in args.among]  # noqa: PTH100  a pattern is not a path
    layer = args.compute.layer
    key = [places, digest, args.reading.list_changes(), *([] if layer == JOINT else [layer])]
    place = Path("among", hash_json(key)[:24])
    source_digest = hash_json([found.digest, *(_describe_item(item) for item in found.items)])
    if not args.overwrite and (cached := _open_cached(cache_dir() / place, source_digest, progress)) is not None:
        return Source(name, cached, files, args.compute, on_demand=True)
    compute = args.compute
    engine = open_layer_engine(files, compute.engine, compute.device, layer=layer, provider=compute.provider)
    options = IndexOptions(
        folder=get_writable_cache(progress) / place,
        reading=args.reading,
        compute=ComputeOptions(layer=layer),
        self_contained=False,
        source_digest=source_digest,
        overwrite=args.overwrite,
        resume=not args.overwrite,
    )
    folder = _build_cached(found, engine, files, options, progress)
    source = Source(name, Index.open(folder), files, args.compute, on_demand=True)
    source.engine = engine
    return source


def _build_cached(found: Inputs, engine: Engine, files: ModelFiles, options: IndexOptions, progress: Progress) -> Path:
    """Build an index in the cache, resuming an interrupted job on the same images, and return its folder."""
    try:
        write_index_of(found, engine, files, options, progress)
    except OutputExists:  # another process is building it
        folder = options.folder.with_name(f"{options.folder.name}-{os.getpid()}")
        write_index_of(found, engine, files, replace(options, folder=folder), progress)
        return folder
    except InputError:
        if options.overwrite or not job_folder(options.folder).exists():
            raise
        write_index_of(found, engine, files, replace(options, overwrite=True, resume=False), progress)
    return options.folder


def _open_cached(folder: Path, source_digest: str, progress: Progress) -> Index | None:
    """Return the cached index in a folder, or None if it does not exist, is out of date or is damaged."""
    try:
        if (folder / RECORD).is_file() and IndexRecord.read(folder / RECORD).source_digest == source_digest:
            return Index.open(folder)
    except InputError as error:
        progress.say(f"The cached index is built again: {error.message}")
    return None


def _describe_item(item: InputItem) -> list[object]:
    """Return everything that decides the row of an item in an index, beside its columns."""
    files = [_describe_file(path) for path in [path for _, path in item.ref.bands] or [item.ref.path]]
    return [item.id, item.ref.member, item.ra, item.dec, files]


def _describe_file(path: Path) -> list[object]:
    """Return the path of a file, and its size and time of modification, None if it does not exist."""
    absolute = os.path.abspath(path)  # noqa: PTH100  Path.resolve would follow links
    try:
        status = path.stat()
    except OSError:
        return [absolute, None, None]
    return [absolute, status.st_size, status.st_mtime_ns]
