"""Check the results of a module."""

from __future__ import annotations

import torch

TOLERANCE = 1e-5
"""Largest difference of results that must agree, relative to the largest absolute value."""


def check_result(result: torch.Tensor, shape: tuple[int, ...], what: str) -> None:
    """Assert that a result is a finite floating-point tensor of the given shape."""
    assert isinstance(result, torch.Tensor), f"{what} gives {type(result).__name__}, not a tensor."
    assert tuple(result.shape) == shape, f"{what} gives shape {tuple(result.shape)}, not {shape}."
    assert result.is_floating_point(), f"{what} gives {result.dtype}, not floating-point numbers."
    assert bool(torch.isfinite(result).all()), f"{what} gives values that are not finite."


def check_same(a: torch.Tensor, b: torch.Tensor, message: str) -> None:
    """Assert that two tensors of one shape agree within `TOLERANCE`."""
    scale = max(float(a.abs().max()), float(b.abs().max()), torch.finfo(a.dtype).tiny)
    worst = float((a - b).abs().max()) / scale
    assert worst <= TOLERANCE, f"{message} (relative difference {worst:.1e}, allowed {TOLERANCE:.0e})."
