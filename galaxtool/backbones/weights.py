"""Finding weight files and loading them, without ever unpickling code."""

from __future__ import annotations

import argparse
import itertools
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from galaxtool.backbones.hub import CONFIG, WEIGHTS
from galaxtool.errors import GalaxtoolError, ModelError, OfflineError
from galaxtool.plugins.registry import Registry
from galaxtool.plugins.specs import Weights
from galaxtool.utils.config import cache_dir, is_offline
from galaxtool.utils.digests import hash_file

_WRAPPERS = ("state_dict_ema", "model_ema", "state_dict", "model_state_dict", "model", "target_encoder", "teacher")
"""Where a checkpoint keeps its tensors. Averaged weights are preferred to the last step's, as their authors do."""

_PREFIXES = ("backbone.", "module.", "model.", "module.backbone.")
_COUNT = ".num_batches_tracked"


def locate(weights: Weights, wanted_by: str, registry: Registry) -> Path:
    """Return the local file of a weights record: a given path, the caches, then the hub or the web if online.

    Raises
    ------
    OfflineError
        If no plugin can give it; names the file to fetch and the option to pass it by.
    ModelError
        If the file is not what its record says.
    """
    place, offline = cache_dir() / "weights", is_offline()
    file = registry.plugins.first("resolve_weights", weights=weights, cache_dir=place, offline=offline)
    if file is None or not file.is_file():
        raise _absent(weights, wanted_by, offline)
    if weights.sha256 and not hash_file(file).startswith(weights.sha256):
        raise ModelError(
            f"'{file}' is damaged: its SHA-256 is not that of {wanted_by}.", hint="Remove it and fetch again."
        )
    return file


def _absent(weights: Weights, wanted_by: str, offline: bool) -> GalaxtoolError:
    base = wanted_by.partition("@")[0]
    scheme, _, rest = weights.uri.partition(":")
    if scheme == "file":
        given = Path(rest).expanduser()
        lack = f"hold no {' or '.join(WEIGHTS)}" if given.is_dir() else "are not there"
        return ModelError(
            f"The weights '{rest}' of {wanted_by} {lack}.",
            hint=f"Give the right path, or start from random weights: --backbone {base}@none",
        )
    why = "galaxtool is offline" if offline else "it could not be fetched"
    if scheme == "hf-hub" and rest.count("/") == 1:
        return OfflineError(
            f"The weights of {wanted_by} are not on this machine and {why}: {weights.uri}, {CONFIG} and {WEIGHTS[0]}.",
            hint=f"Fetch these two files elsewhere and pass their folder: --backbone {base}@/path/to/folder",
        )
    return OfflineError(
        f"The weights of {wanted_by} are not on this machine and {why}: {weights.uri}.",
        hint=f"Fetch that file elsewhere and pass it: --backbone {base}@/path/to/{weights.uri.rpartition('/')[2]}",
    )


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
        # a Namespace of settings lies in many training checkpoints, and runs nothing
        with torch.serialization.safe_globals([argparse.Namespace]):
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

    Names may bear the usual prefixes (``module.``, ``backbone.`` ...); what the backbone does not have, a classifier
    or a decoder, is left out. A backbone with a method ``adapt_state(state)`` is handed the tensors before they are
    compared, and returns them in its own names and shapes: position embeddings for another image size, for instance.
    A BatchNorm's count of batches, which old files lack, stays as it is.

    Raises
    ------
    ModelError
        Naming the first keys that are missing or of another shape.
    """
    wanted = module.state_dict()
    state = _matching(read_state(file), wanted)
    if callable(adapt := getattr(module, "adapt_state", None)):
        state = adapt(state)
    state |= {key: v for key, v in wanted.items() if key.endswith(_COUNT) and key not in state}
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
    named = OrderedDict((key, state[key]) for key in wanted)
    # some modules refuse what does not say of which version its names are
    named._metadata = wanted._metadata  # type: ignore[attr-defined]
    module.load_state_dict(named)


def _matching(state: dict[str, torch.Tensor], wanted: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """Drop, add or exchange the usual prefixes, whichever fits the wanted keys best."""
    candidates = []
    for dropped, added in itertools.product(("", *_PREFIXES), repeat=2):
        candidates.append({added + k.removeprefix(dropped): v for k, v in state.items() if k.startswith(dropped)})
    return max(candidates, key=lambda c: len(c.keys() & wanted.keys()))
