"""Finding weight files and loading them, without ever unpickling code."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from galaxtool.config import cache_dir, is_offline
from galaxtool.errors import ModelError, OfflineError
from galaxtool.files import sha256_of
from galaxtool.registry import Registry
from galaxtool.specs import Weights

_WRAPPERS = ("state_dict", "model_state_dict", "model")
_PREFIXES = ("backbone.", "module.", "model.")


def locate(weights: Weights, wanted_by: str, registry: Registry) -> Path:
    """Return the local file of a weights record: a given path, the cache, then the hub if online.

    Raises
    ------
    OfflineError
        If no plugin can give it; names the file to fetch and the option to pass it by.
    ModelError
        If the file is not what its record says.
    """
    place, offline = cache_dir() / "weights", is_offline()
    file = registry.plugins.first("resolve_weights", weights=weights, cache_dir=place, offline=offline)
    base = wanted_by.partition("@")[0]
    if file is None or not file.is_file():
        why = "galaxtool is offline" if is_offline() else "it could not be fetched"
        if weights.uri.startswith("file:"):
            raise ModelError(
                f"The weights '{weights.uri.removeprefix('file:')}' of {wanted_by} are not there.",
                hint=f"Give the right path, or start from random weights: --backbone {base}@none",
            )
        raise OfflineError(
            f"The weights of {wanted_by} are not on this machine and {why}: {weights.uri}.",
            hint=f"Fetch that file elsewhere and pass it: --backbone {base}@/path/to/{weights.uri.rpartition('/')[2]}",
        )
    if weights.sha256 and sha256_of(file) != weights.sha256:
        raise ModelError(
            f"'{file}' is damaged: its SHA-256 is not that of {wanted_by}.", hint="Remove it and fetch again."
        )
    return file


def read_state(file: Path) -> dict[str, torch.Tensor]:
    """Read tensors by name from ``.safetensors``, or from a PyTorch file without running what is pickled in it.

    Raises
    ------
    ModelError
        If it is neither, or holds anything but tensors.
    """
    try:
        if file.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(file))
        held = torch.load(file, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ModelError(f"The weights '{file}' cannot be read: {error.strerror or error}.") from error
    except Exception as error:  # safetensors and pickle raise many kinds for a file that is not theirs
        raise ModelError(
            f"'{file}' is not a file of weights alone: {' '.join(str(error).split())[:120]}.",
            hint="galaxtool loads .safetensors, and .pt files that hold tensors only.",
        ) from error
    for wrapper in _WRAPPERS:
        if isinstance(held, Mapping) and isinstance(held.get(wrapper), Mapping):
            held = held[wrapper]
    if not isinstance(held, Mapping) or not all(isinstance(v, torch.Tensor) for v in held.values()):
        raise ModelError(f"'{file}' does not hold tensors by name.", hint="Save a state_dict.")
    return dict(held)


def load_into(module: nn.Module, file: Path) -> None:
    """Load a file's tensors into a backbone; every one it has must be there, in its shape.

    Raises
    ------
    ModelError
        Naming the first keys that are missing or of another shape.
    """
    wanted = module.state_dict()
    state = _matching(read_state(file), wanted)
    missing = [key for key in wanted if key not in state]
    if missing:
        raise ModelError(
            f"'{file}' lacks {len(missing)} of the {len(wanted)} tensors of this architecture, first '{missing[0]}'.",
            hint="The file belongs to another architecture: name the one it was saved from.",
        )
    wrong = [key for key in wanted if state[key].shape != wanted[key].shape]
    if wrong:
        key = wrong[0]
        raise ModelError(
            f"In '{file}', '{key}' has shape {tuple(state[key].shape)} where this architecture has "
            f"{tuple(wanted[key].shape)}.",
            hint="The file belongs to another architecture or size: name the one it was saved from.",
        )
    module.load_state_dict({key: state[key] for key in wanted})


def _matching(state: dict[str, torch.Tensor], wanted: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """Drop, add or exchange the usual prefixes, whichever fits the wanted keys best."""
    candidates = []
    for dropped, added in itertools.product(("", *_PREFIXES), repeat=2):
        candidates.append({added + k.removeprefix(dropped): v for k, v in state.items() if k.startswith(dropped)})
    return max(candidates, key=lambda c: len(c.keys() & wanted.keys()))
