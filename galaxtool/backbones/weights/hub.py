"""Look up weight files: local files, installed packages, the caches, the Hugging Face hub and the web."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.specs import Weights
from galaxtool.utils.optional_imports import import_attribute

CONFIG = "config.json"
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
"""Names of the weights in a folder of timm's or in a repository on the hub, in the order of preference."""


@hookimpl(trylast=True)
def resolve_weights(weights: Weights, cache_dir: Path, offline: bool) -> Path | None:
    """Return the local file of a weights record, or None if it cannot be found or downloaded.

    ``file:PATH`` is that file, or in a folder one of `WEIGHTS`. ``package:MODULE/PATH`` is a file of an installed
    package, which is not imported. ``hf-hub:OWNER/NAME/FILE`` and ``https://...`` are looked for in galaxtool's cache
    and then in the cache of the Hugging Face client or of torch.hub; if neither has the file, it is downloaded to the
    first. ``hf-hub:OWNER/NAME`` stands for the `CONFIG` and `WEIGHTS` of the repository,
    and the path of the weights is returned.
    """
    scheme, _, rest = weights.uri.partition(":")
    if scheme == "file":
        return find_in_folder(Path(rest).expanduser())
    if scheme == "package":
        return find_in_package(rest)
    if scheme not in ("hf-hub", "https"):
        return None
    name = "download_from_hub" if scheme == "hf-hub" else "download_from_web"
    download: Callable[[Weights, Path, bool], Path | None]
    download = import_attribute(f"galaxtool.backbones.weights.download:{name}")
    return download(weights, cache_dir, offline)


def get_cache_path(uri: str, cache_dir: Path) -> Path:
    """Return the path in galaxtool's cache for an ``https://`` address, made of its host and path."""
    address = urlsplit(uri)
    parts = [part for part in unquote(address.path).split("/") if part not in ("", ".", "..")]
    return cache_dir.joinpath("https", address.netloc.replace(":", "_"), *parts)


def find_in_package(path: str) -> Path | None:
    """Return a file ``MODULE/PATH`` of an installed package; None if there is no such package or file."""
    module, _, inside = path.partition("/")
    spec = importlib.util.find_spec(module) if module.isidentifier() else None
    folders = (spec and spec.submodule_search_locations) or ()
    return next((file for folder in folders if (file := Path(folder) / inside).is_file()), None)


def find_in_folder(path: Path) -> Path:
    """Return the weights in a folder, or the path itself if it is not a folder."""
    if not path.is_dir():
        return path
    return next((file for name in WEIGHTS if (file := path / name).is_file()), path / WEIGHTS[0])
