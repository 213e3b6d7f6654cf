"""Tell whether weights are on this machine, without PyTorch and without a network."""

from __future__ import annotations

import os
from pathlib import Path

from galaxtool.backbones.weights.hub import CONFIG, WEIGHTS, find_in_folder, find_in_package, get_cache_path
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import Weights
from galaxtool.utils.config import cache_dir
from galaxtool.utils.files.regular_files import read_regular_text
from galaxtool.utils.licences import is_licence_allowed

_PACKAGE = Path(__file__).resolve().parents[2]


def find_weights(weights: Weights) -> Path | None:
    """Return the local file of a weights record; None if it must be downloaded or does not exist.

    The places are those of `galaxtool.backbones.weights.hub.resolve_weights`, which also downloads.
    """
    scheme, _, rest = weights.uri.partition(":")
    cache = cache_dir() / "weights"
    if scheme == "file":
        file = find_in_folder(Path(rest).expanduser())
        return file if file.is_file() else None
    if scheme == "package":
        return find_in_package(rest)
    if scheme == "https":
        path = get_cache_path(weights.uri, cache)
        places = [path, _find_torch_cache() / "checkpoints" / path.name]
        return next((file for file in places if file.is_file()), None)
    if scheme == "hf-hub":
        owner, name, *file_name = rest.split("/", 2)
        return _find_in_hub_caches(f"{owner}/{name}", file_name[0] if file_name else "", cache)
    found: Path | None = get_registry().plugins.first("resolve_weights", weights=weights, cache_dir=cache, offline=True)
    return found


def describe_availability(weights: Weights) -> str:
    """Return ``bundled``, ``on disk``, ``to download``, ``to install`` with pip, or ``missing`` for a local file.

    Weights whose licence ``GALAXTOOL_LICENSES`` does not name are ``not allowed``.
    """
    if not is_licence_allowed(weights.licence):
        return "not allowed"
    file = find_weights(weights)
    if file is None:
        return {"file": "missing", "package": "to install"}.get(weights.uri.partition(":")[0], "to download")
    return "bundled" if file.resolve().is_relative_to(_PACKAGE) else "on disk"


def _find_in_hub_caches(repository: str, name: str, cache: Path) -> Path | None:
    """Return the file of a repository in a cache of the Hugging Face client."""
    names = WEIGHTS if name in ("", WEIGHTS[0]) else (name,)
    companions = () if name else (CONFIG,)
    for place in (cache, _find_hub_cache()):
        folder = place / f"models--{repository.replace('/', '--')}"
        try:
            commit = read_regular_text(folder / "refs" / "main").strip()
        except OSError:
            continue
        snapshot = folder / "snapshots" / commit
        if all((snapshot / other).is_file() for other in companions):
            for candidate in names:
                if (snapshot / candidate).is_file():
                    return snapshot / candidate
    return None


def _find_hub_cache() -> Path:
    """Return the cache of the Hugging Face client."""
    if given := os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE"):
        return Path(given).expanduser()
    return Path(os.environ.get("HF_HOME") or _find_user_cache() / "huggingface").expanduser() / "hub"


def _find_torch_cache() -> Path:
    """Return the cache of torch.hub."""
    return Path(os.environ.get("TORCH_HOME") or _find_user_cache() / "torch").expanduser() / "hub"


def _find_user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
