"""Comparing what a module gives with what it gave."""

from __future__ import annotations

import torch

TOLERANCE = 1e-5
"""Largest difference, relative to the largest absolute value, of results that must be the same."""


def check_result(result: torch.Tensor, shape: tuple[int, ...], what: str) -> None:
    """Assert that a result is a finite floating-point tensor of a shape."""
    assert isinstance(result, torch.Tensor), f"{what} gives {type(result).__name__}, not a tensor."
    assert tuple(result.shape) == shape, f"{what} gives shape {tuple(result.shape)}, not {shape}."
    assert result.is_floating_point(), f"{what} gives {result.dtype}, not floating-point numbers."
    assert bool(torch.isfinite(result).all()), f"{what} gives values that are not finite."


def check_same(a: torch.Tensor, b: torch.Tensor, complaint: str) -> None:
    """Assert that two tensors of one shape agree within `TOLERANCE`."""
    scale = max(float(a.abs().max()), float(b.abs().max()), torch.finfo(a.dtype).tiny)
    worst = float((a - b).abs().max()) / scale
    assert worst <= TOLERANCE, f"{complaint} (relative difference {worst:.1e}, allowed {TOLERANCE:.0e})."
