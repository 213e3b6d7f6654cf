"""Read a Lightning checkpoint without importing or running what it names.

PyTorch's own safe loader refuses Zoobot's decision-tree models, because their settings hold an object of Zoobot's
(the schema). Here, every class and function that a checkpoint names is replaced by an inert placeholder, except those
that rebuild tensors. A placeholder keeps what it was given, so that the questions can be read from it.
"""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from galaxtool import ModelError


class Placeholder(dict[Any, Any]):
    """An object of a class that is not imported.

    Attributes
    ----------
    arguments : tuple
        What its class would have been called with.
    state : object
        Its attributes, as they were stored.
    """

    def __new__(cls, *arguments: Any, **settings: Any) -> Placeholder:
        """Keep the arguments."""
        made = super().__new__(cls)
        made.arguments = arguments
        made.state = None
        return made

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__()

    arguments: tuple[Any, ...]
    state: Any
    __hash__ = object.__hash__  # type: ignore[assignment]

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __call__(self, *arguments: Any) -> Placeholder:
        """Return a placeholder for the result."""
        return type(self)(*arguments)

    def append(self, value: Any) -> None:
        """Take an element of a list."""

    def extend(self, values: Any) -> None:
        """Take elements of a list."""


def _rebuild_parameter(data: torch.Tensor, *_: Any) -> torch.Tensor:
    """Return a tensor in place of a parameter."""
    return data


_ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): torch._utils._rebuild_tensor_v2,
    ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
    ("torch", "Size"): torch.Size,
}


def _make_placeholder(module: str, name: str) -> type[Placeholder]:
    return type(name, (Placeholder,), {"__module__": module})


class _Unpickler(pickle.Unpickler):
    """Finds only what rebuilds tensors."""

    def find_class(self, module: str, name: str) -> Any:
        """Return an allowed function, a type of numbers of torch, or a placeholder."""
        if (module, name) in _ALLOWED:
            return _ALLOWED[module, name]
        found = getattr(torch, name, None) if module == "torch" else None
        if isinstance(found, torch.dtype) or (isinstance(found, type) and name.endswith("Storage")):
            return found
        return _make_placeholder(module, name)


def _load(file: Any, **settings: Any) -> Any:
    """Read a pickle, with placeholders for all that it names."""
    return _Unpickler(file, **settings).load()


_PICKLE = SimpleNamespace(Unpickler=_Unpickler, load=_load, __name__=__name__)
_SCRIPT = "constants.pkl"


def read_checkpoint(file: Path) -> dict[str, Any]:
    """Return the content of a checkpoint: tensors, plain values and placeholders.

    Raises
    ------
    ModelError
        If the file cannot be read, or is not a checkpoint of PyTorch with a state dict.
    """
    try:
        with zipfile.ZipFile(file) as archive:  # the form that PyTorch has written since version 1.6
            if any(name.endswith(_SCRIPT) for name in archive.namelist()):
                raise ValueError("it is a program in TorchScript")
        content = torch.load(file, map_location="cpu", weights_only=False, pickle_module=_PICKLE)
    except OSError as error:
        raise ModelError(
            f"The checkpoint '{file}' cannot be read: {error.strerror or error}.", hint="Check the path."
        ) from error
    except Exception as error:  # a damaged file raises anything
        raise ModelError(
            f"'{file}' is not a checkpoint of PyTorch, or is damaged: {' '.join(str(error).split())[:100]}.",
            hint="Give the .ckpt file that Zoobot's trainer wrote into checkpoints/.",
        ) from error
    if not isinstance(content, dict) or not isinstance(content.get("state_dict"), dict):
        raise ModelError(
            f"'{file}' has no state_dict, as a checkpoint of Lightning has.",
            hint="A file of weights alone is used as a backbone: --backbone zoobot-convnext-nano@/path/to/it",
        )
    return content
