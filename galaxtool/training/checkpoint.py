"""Checkpoints: everything that a run needs to resume as if it had never stopped."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from galaxtool.errors import ModelError
from galaxtool.utils.error_text import describe_error
from galaxtool.utils.files.atomic_write import atomic_write


def get_random_states() -> dict[str, Any]:
    """Return the states of all random generators, as tensors and plain values."""
    name, keys, position, has_gauss, cached = np.random.get_state()  # noqa: NPY002  plugins may use it
    state: dict[str, Any] = {
        "torch": torch.get_rng_state(),
        "numpy": [
            str(name),
            torch.from_numpy(np.asarray(keys).astype(np.int64)),
            int(position),
            int(has_gauss),
            float(cached),
        ],
        "python": list(random.getstate()[1:]),
    }
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def restore_random_states(state: dict[str, Any]) -> None:
    """Set all random generators to the states that `get_random_states` returned."""
    torch.set_rng_state(state["torch"])
    name, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), position, has_gauss, cached))  # noqa: NPY002
    numbers, gauss = state["python"]
    random.setstate((3, tuple(numbers), gauss))
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"][: torch.cuda.device_count()])


def get_checkpoint_path(run: Path) -> Path:
    """Return the path of the checkpoint of a run directory."""
    return run / "checkpoints" / "last.pt"


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write a checkpoint atomically: the previous one survives a full disk and a kill."""
    with atomic_write(path) as temporary:
        try:
            torch.save(content, temporary)
        except RuntimeError as error:  # torch does not raise OSError for a full disk
            raise OSError(f"the disk may be full ({str(error)[:80]})") from error


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint, which holds only tensors and plain values.

    Raises
    ------
    ModelError
        If it is damaged.
    """
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many exceptions for a damaged file
        raise ModelError(
            f"The checkpoint '{path}' cannot be read: {describe_error(error, 120)}.",
            hint="Start the run again with --overwrite.",
        ) from error
    return content


@contextmanager
def explain_mismatch(checkpoint: Path) -> Iterator[None]:
    """Turn exceptions of the block into a `ModelError`: the checkpoint does not fit this training."""
    try:
        yield
    except (IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise ModelError(
            f"The checkpoint '{checkpoint}' belongs to another method or architecture.",
            hint="Start the run again with --overwrite.",
        ) from error
