"""Run a model with PyTorch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F

from galaxtool.backbones.abilities import extract_layer
from galaxtool.errors import ModelError
from galaxtool.models.directory import load_network
from galaxtool.models.engines.protocol import Scores
from galaxtool.models.find import ModelFiles
from galaxtool.models.unlike_training import read_detector
from galaxtool.vision.device import autocast, choose_device, choose_precision
from galaxtool.vision.preprocess import to_channels


class TorchEngine:
    """PyTorch, on any device and in any precision; the only engine that also embeds texts and symbols.

    Parameters
    ----------
    files : ModelFiles
        A model directory with weights.
    device, precision : str
        As on the command line; ``auto`` precision is fp32.
    threads : int
        Number of CPU threads of the whole process; 0 leaves it unchanged.
    """

    name = "torch"
    provider = note = ""

    def __init__(self, files: ModelFiles, device: str = "auto", precision: str = "auto", threads: int = 0) -> None:
        self._device = choose_device(device)
        self.device = str(self._device)
        self.precision = choose_precision(precision, self._device)
        self.model, self.record = load_network(files)
        self.detector = read_detector(files.require_folder(), self.record)
        # convolutions are fastest in this memory layout, on CPUs and GPUs
        self.model.to(self._device).to(memory_format=torch.channels_last)
        self.weight_bytes = sum(p.numel() * p.element_size() for p in self.model.parameters())
        if threads:
            torch.set_num_threads(threads)
        self._preprocess = self.record.make_preprocess()

    def run(self, pictures: np.ndarray) -> Scores:
        """Score pictures, uint8 (N, size, size, C)."""
        images = torch.from_numpy(self._preprocess.normalize(pictures))
        images = images.to(device=self._device, memory_format=torch.channels_last)
        with torch.inference_mode():
            with autocast(self._device, self.precision):
                features = self.model.backbone.embed(images)
            # similarities in half precision are too coarse after division by the temperature
            exact = features.float()
            scores = self.model.score(exact)
            norms = torch.linalg.vector_norm(exact, dim=1)
        return Scores(*(x.cpu().numpy() for x in (*scores, norms)))

    def sample(self, pictures: np.ndarray, passes: int) -> Scores:
        """Score pictures of a model of votes several times with dropout; see `SampledEngine`."""
        images = torch.from_numpy(self._preprocess.normalize(pictures))
        images = images.to(device=self._device, memory_format=torch.channels_last)
        with torch.inference_mode():
            with autocast(self._device, self.precision):
                features = self.model.backbone.embed(images)
            embedding, logits, _ = self.model.score(features.float())
            shares = self.model.head.sample(features.float(), passes, self.model.temperature)  # type: ignore[operator]
        return Scores(*(x.cpu().numpy() for x in (embedding, logits, torch.cat(shares, dim=1))))

    def embed_layer(self, pictures: np.ndarray, layer: str) -> np.ndarray:
        """Return the features of a layer, of unit length, float32 (N, width), of pictures, uint8 (N, size, size, C).

        Raises
        ------
        ConfigError
            If the backbone does not have the layer.
        """
        images = torch.from_numpy(self._preprocess.normalize(pictures))
        images = images.to(device=self._device, memory_format=torch.channels_last)
        with torch.inference_mode(), autocast(self._device, self.precision):
            features = extract_layer(self.model.backbone, images, layer)
        embeddings: np.ndarray = F.normalize(features.float(), dim=1).cpu().numpy()
        return embeddings

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
        with torch.inference_mode():
            embeddings: np.ndarray = self.model.embed_text(list(texts)).cpu().numpy()
        return embeddings

    def embed_symbols(self, pictures: np.ndarray) -> np.ndarray:
        """Return the unit embeddings of symbols, uint8 (N, size, size, 3), as float32 (N, dim).

        A model with other channels than RGB sees the symbols in gray.
        """
        drawings = to_channels(pictures, len(self.record.make_preprocess().channels))
        with torch.inference_mode():
            images = torch.from_numpy(self._preprocess.normalize(drawings)).to(self._device)
            embeddings: np.ndarray = self.model.embed_symbols(images).cpu().numpy()
        return embeddings

    def class_embeddings(self) -> dict[str, np.ndarray]:
        """Return the class embeddings, which the text encoder computed and the head stores."""
        return {kind: stored.numpy() for kind, stored in self.model.class_embeddings().items()}
