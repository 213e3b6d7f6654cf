"""Downloads of weight files from the Hugging Face hub and the web into galaxtool's cache."""

from __future__ import annotations

import os
import socket
import sys
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

from huggingface_hub import constants, hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled
from torch import hub

from galaxtool.backbones.weights.hub import CONFIG, WEIGHTS, get_cache_path
from galaxtool.errors import ModelError
from galaxtool.plugins.specs import Weights

_TIMEOUT = 30.0
"""Seconds without an answer after which a download from the web is given up."""

_CONNECTION_TIMEOUT = 10.0


def download_from_hub(weights: Weights, cache_dir: Path, offline: bool) -> Path | None:
    """Return the file of a record ``hf-hub:OWNER/NAME[/FILE]``; see `resolve_weights` in `hub.py`."""
    owner, name, *file = weights.uri.removeprefix("hf-hub:").split("/", 2)
    repository = f"{owner}/{name}"
    companions = [] if file else [CONFIG]
    # repositories without safetensors have the weights as a PyTorch file
    names = WEIGHTS if file in ([], [WEIGHTS[0]]) else file

    for cache in (str(cache_dir), os.environ.get("HF_HUB_CACHE") or constants.HF_HUB_CACHE):
        if all(isinstance(try_to_load_from_cache(repository, other, cache_dir=cache), str) for other in companions):
            for candidate in names:
                cached = try_to_load_from_cache(repository, candidate, cache_dir=cache)
                if isinstance(cached, str):
                    return Path(cached)
    if offline or constants.HF_HUB_OFFLINE or not _can_reach(constants.ENDPOINT):
        return None
    try:
        for other in companions:
            hf_hub_download(repository, other, cache_dir=cache_dir)
        for candidate in names:
            try:
                return Path(hf_hub_download(repository, candidate, cache_dir=cache_dir))
            except LocalEntryNotFoundError:  # no answer, after several tries, so other names need not be tried
                return None
            except EntryNotFoundError:
                continue
    except (OfflineModeIsEnabled, HfHubHTTPError, OSError):
        return None
    return None


def _can_reach(url: str) -> bool:
    """Return whether a server accepts a connection, so that one without a network need not wait for several tries."""
    address = urlsplit(url)
    if getproxies().keys() & {address.scheme, "all"}:  # a proxy connects for us
        return True
    try:
        port = address.port or (80 if address.scheme == "http" else 443)
        socket.create_connection((address.hostname or "", port), timeout=_CONNECTION_TIMEOUT).close()
    except OSError:
        return False
    return True


def download_from_web(weights: Weights, cache_dir: Path, offline: bool) -> Path | None:
    """Return the file of a record ``https://...``; see `galaxtool.backbones.weights.hub.resolve_weights`.

    Raises
    ------
    ModelError
        If the SHA-256 of the downloaded file is not that of the record.
    """
    path = get_cache_path(weights.uri, cache_dir)
    for file in (path, Path(hub.get_dir()) / "checkpoints" / path.name):
        if file.is_file():
            return file
    if offline:
        return None
    patience = socket.getdefaulttimeout()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        socket.setdefaulttimeout(_TIMEOUT)  # a firewall that drops packets would keep it waiting for minutes
        hub.download_url_to_file(
            weights.uri, str(path), hash_prefix=weights.sha256 or None, progress=sys.stderr.isatty()
        )
    except RuntimeError as error:  # the digest is wrong
        raise ModelError(
            f"The download of {weights.uri} is damaged: its SHA-256 does not begin with {weights.sha256}.",
            hint="Try again, or fetch the file elsewhere and give its path after the @.",
        ) from error
    except (OSError, HTTPException):
        return None
    finally:
        socket.setdefaulttimeout(patience)
    return path
