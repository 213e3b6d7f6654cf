"""A data set and a network for Hyrax: images read the plain way (`loop_plain.py`), and an ONNX file of galaxtool."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from hyrax.datasets import HyraxDataset
from hyrax.models import hyrax_model
from loop_plain import Place, Square, decode, normalize, open_model, read, shrink


class Cutouts(HyraxDataset):
    """The images of a folder."""

    def __init__(self, config: dict[str, Any], data_location: str) -> None:
        settings = config["hyrax_parts"]
        self._files = sorted(Path(data_location).iterdir())
        self._square = Square(settings["size"], settings["crop"])
        super().__init__(config)

    def __len__(self) -> int:
        return len(self._files)

    def get_object_id(self, index: int) -> str:
        """Return the name of an image."""
        return self._files[index].name

    def get_image(self, index: int) -> np.ndarray:
        """Return the input of the network, float32 (3, size, size)."""
        place = Place(self._files[index])
        return normalize([shrink(decode(read(place), place, self._square), self._square)])[0]


@hyrax_model
class OnnxNet(torch.nn.Module):
    """A network in an ONNX file."""

    def __init__(self, config: dict[str, Any], data_sample: Any = None) -> None:
        super().__init__()
        self.config = config
        self.unused = torch.nn.Linear(1, 1)  # Hyrax asks for a weight to optimize
        self._net = open_model(Path(config["hyrax_parts"]["onnx"]), config["hyrax_parts"]["threads"])
        self.load = lambda weights: None  # the ONNX file has the weights; Hyrax replaces a method of that name

    def infer_batch(self, batch: torch.Tensor) -> torch.Tensor:
        """Return probabilities."""
        return torch.from_numpy(self._net(batch.numpy()))

    @staticmethod
    def prepare_inputs(batch: dict[str, Any]) -> np.ndarray:
        """Return the images of a batch."""
        return batch["data"]["image"]
