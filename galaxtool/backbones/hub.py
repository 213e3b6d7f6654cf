"""Finding weight files: on this machine, in the caches, on the Hugging Face hub and the web."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

from galaxtool.errors import ModelError
from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.specs import Weights

CONFIG = "config.json"
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
"""The weights of a folder of timm's, or of a repository on the hub: what to look for, in this order."""


@hookimpl(trylast=True)
def resolve_weights(weights: Weights, cache_dir: Path, offline: bool) -> Path | None:
    """Find the file of a record; None where that is not possible.

    ``file:PATH`` is that file, or of a folder its `WEIGHTS`. ``hf-hub:OWNER/NAME/FILE`` and ``https://...`` are looked
    for in galaxtool's own cache, then in the cache of the Hugging Face client or of torch.hub, and then fetched into
    the first. ``hf-hub:OWNER/NAME`` is the repository's `CONFIG` and `WEIGHTS`; the path is that of the weights.
    """
    scheme, _, rest = weights.uri.partition(":")
    if scheme == "file":
        return _in_folder(Path(rest).expanduser())
    if scheme == "hf-hub":
        return _from_hub(rest, cache_dir, offline)
    if scheme == "https":
        return _from_web(weights, cache_dir, offline)
    return None


def place_of(uri: str, cache_dir: Path) -> Path:
    """Return where galaxtool's cache keeps the file of an ``https://`` address: by host and path."""
    address = urlsplit(uri)
    parts = [part for part in unquote(address.path).split("/") if part not in ("", ".", "..")]
    return cache_dir.joinpath("https", address.netloc.replace(":", "_"), *parts)


def _in_folder(path: Path) -> Path:
    if not path.is_dir():
        return path
    return next((file for name in WEIGHTS if (file := path / name).is_file()), path / WEIGHTS[0])


def _from_hub(rest: str, cache_dir: Path, offline: bool) -> Path | None:
    from huggingface_hub import constants, hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, OfflineModeIsEnabled

    owner, name, *given = rest.split("/", 2)
    repository = f"{owner}/{name}"
    besides = [] if given else [CONFIG]
    # what has no safetensors yet is on the hub as a PyTorch file
    names = WEIGHTS if given in ([], [WEIGHTS[0]]) else given

    for place in (str(cache_dir), os.environ.get("HF_HUB_CACHE") or constants.HF_HUB_CACHE):
        if all(isinstance(try_to_load_from_cache(repository, file, cache_dir=place), str) for file in besides):
            for file in names:
                found = try_to_load_from_cache(repository, file, cache_dir=place)
                if isinstance(found, str):
                    return Path(found)
    if offline:
        return None
    try:
        for file in besides:
            hf_hub_download(repository, file, cache_dir=cache_dir)
        for file in names:
            try:
                return Path(hf_hub_download(repository, file, cache_dir=cache_dir))
            except EntryNotFoundError:
                continue
    except (OfflineModeIsEnabled, HfHubHTTPError, OSError):
        return None
    return None


def _from_web(weights: Weights, cache_dir: Path, offline: bool) -> Path | None:
    from http.client import HTTPException

    from torch import hub

    place = place_of(weights.uri, cache_dir)
    for file in (place, Path(hub.get_dir()) / "checkpoints" / place.name):
        if file.is_file():
            return file
    if offline:
        return None
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        hub.download_url_to_file(
            weights.uri, str(place), hash_prefix=weights.sha256 or None, progress=sys.stderr.isatty()
        )
    except RuntimeError as error:  # of the digest
        raise ModelError(
            f"What came from {weights.uri} is damaged: its SHA-256 does not begin with {weights.sha256}.",
            hint="Try again, or fetch the file elsewhere and give its path after the @.",
        ) from error
    except (OSError, HTTPException):
        return None
    return place
