"""Limit what a network may allocate while it is built, because its record may name one of any size."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from galaxtool.errors import ModelError

_TIMES, _FREE = 8, 100_000_000


class NetworkLimit(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Within this context, more new tensors than fit the weights of a model are an error.

    Parameters
    ----------
    state : mapping of Tensor
        The weights that the network will get. New tensors may have eight times as many values, for those that
        initialization takes, and a hundred million more.
    name : str
        Name of the model for messages.

    Raises
    ------
    ModelError
        Before the tensor that is too much is allocated.
    """

    def __init__(self, state: Mapping[str, torch.Tensor], name: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._left = _TIMES * sum(tensor.numel() for tensor in state.values()) + _FREE
        self._name = name

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        size: Any = args[0] if args else ()
        if isinstance(size, list | tuple) and all(isinstance(side, int) for side in size):
            self._take(math.prod(size))
            return func(*args, **(kwargs or {}))
        if func.overloadpacket is torch.ops.aten.clone:
            self._take(size.numel())
        return func(*args, **(kwargs or {}))

    def _take(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise ModelError(
                f"The weights of '{self._name}' do not fit its model.json: its backbone has many times as many.",
                hint="Copy the whole directory again from where it was trained.",
            )
