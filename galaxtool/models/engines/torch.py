"""Running a model by PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from galaxtool.errors import ModelError
from galaxtool.models.engines.protocol import Scores
from galaxtool.models.find import ModelFiles
from galaxtool.utils.optional_imports import require
from galaxtool.vision.preprocess import to_channels


class TorchEngine:
    """PyTorch, on any device, in any precision; it can embed texts and symbols too.

    Parameters
    ----------
    files : ModelFiles
    device, precision : str
        As on the command line.
    threads : int
        On the CPU, of this whole process; 0 leaves them as they are.
    """

    name = "torch"

    def __init__(self, files: ModelFiles, device: str = "auto", precision: str = "auto", threads: int = 0) -> None:
        self.torch = require("torch", why="This model's engine", install="torch")
        from galaxtool.models.directory import load_model
        from galaxtool.vision.device import choose_device, choose_precision

        self.device = choose_device(device)
        self.precision = choose_precision(precision, self.device)
        self.model, self.record = load_model(files)
        # the layout in which convolutions are fast, on CPUs and GPUs
        self.model.to(self.device).to(memory_format=self.torch.channels_last)
        self.weight_bytes = sum(p.numel() * p.element_size() for p in self.model.parameters())
        if threads:
            self.torch.set_num_threads(threads)
        self._normalise = self.record.make_preprocess().normalise

    def run(self, pictures: np.ndarray) -> Scores:
        """Score pictures, uint8 (N, size, size, C)."""
        from galaxtool.vision.device import autocast

        images = self.torch.from_numpy(self._normalise(pictures))
        images = images.to(device=self.device, memory_format=self.torch.channels_last)
        with self.torch.inference_mode():
            with autocast(self.device, self.precision):
                features = self.model.backbone.embed(images)
            # similarities in half precision are too coarse once divided by the temperature
            found = self.model.score(features.float())
        return Scores(*(x.cpu().numpy() for x in found))

    def embed_text(self, texts: Sequence[str]) -> np.ndarray:
        """Return the unit embeddings of texts, float32 (N, dim).

        Raises
        ------
        ModelError
            If the model has no text encoder.
        """
        if not self.record.has_text:
            raise ModelError(
                f"The model '{self.record.name}' has no text encoder.", hint="Use one trained on mini or open_clip."
            )
        with self.torch.inference_mode():
            return self.model.embed_text(list(texts)).cpu().numpy()

    def embed_symbols(self, pictures: np.ndarray) -> np.ndarray:
        """Return the unit embeddings of symbols, uint8 (N, size, size, 3), as float32 (N, dim).

        A model of other channels sees them in gray.
        """
        drawings = to_channels(pictures, len(self.record.make_preprocess().channels))
        with self.torch.inference_mode():
            images = self.torch.from_numpy(self._normalise(drawings)).to(self.device)
            return self.model.embed_symbols(images).cpu().numpy()

    def class_embeddings(self) -> dict[str, np.ndarray]:
        """Return the embeddings of its classes, computed by its text encoder and kept with its head."""
        found: dict[str, np.ndarray] = {}
        for kind, attribute in (("prompt", "prompts"), ("symbol", "symbols")):
            held: Any = getattr(self.model.head, attribute, None)
            if held is not None and bool((held != 0).any()):
                found[kind] = held.detach().float().cpu().numpy()
        return found
