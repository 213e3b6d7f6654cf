"""Running a model on pictures: by ONNX Runtime, without PyTorch, or by PyTorch."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from galaxtool.errors import ConfigError, ModelError
from galaxtool.models.find import RECORD, ModelFiles
from galaxtool.models.record import ModelRecord
from galaxtool.requires import require
from galaxtool.vision.preprocess import to_channels

METADATA_KEY = "galaxtool"
CLASS_EMBEDDINGS_KEY = "galaxtool.class_embeddings"
ENGINES = ("auto", "onnx", "openvino", "torch")


@dataclass(frozen=True)
class Scores:
    """What a model says of N pictures.

    Parameters
    ----------
    embedding : ndarray of float32, shape (N, dim)
        Unit length.
    logits, probabilities : ndarray of float32, shape (N, K)
    """

    embedding: np.ndarray
    logits: np.ndarray
    probabilities: np.ndarray


class Engine(Protocol):
    """A model ready to run."""

    name: str
    record: ModelRecord
    weight_bytes: int

    def run(self, pictures: np.ndarray) -> Scores:
        """Score pictures, uint8 (N, size, size, C), as `Preprocess.picture` gives them."""

    def class_embeddings(self) -> dict[str, np.ndarray]:
        """Return ``prompt`` and, where it has them, ``symbol``: unit embeddings (K, dim) of its classes."""


class OnnxEngine:
    """ONNX Runtime; imports no PyTorch.

    Parameters
    ----------
    file : Path
        Written by ``galaxtool export``.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    threads : int
        On the CPU; 0 for as many as there are cores.
    """

    name = "onnx"
    precision = "fp32"

    def __init__(self, file: Path, device: str = "auto", threads: int = 0) -> None:
        runtime = require("onnxruntime", why="Running an ONNX model", install="onnxruntime-gpu")
        options = runtime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads
        providers = _providers(runtime, device)
        try:
            self.session = runtime.InferenceSession(str(file), options, providers=providers)
        except Exception as error:  # ONNX Runtime has a private exception for each cause
            raise ModelError(
                f"'{file}' is not an ONNX file that can be run: {' '.join(str(error).split())[:120]}.",
                hint="Write one with `galaxtool export`.",
            ) from error
        self.metadata = self.session.get_modelmeta().custom_metadata_map
        self.record = record_in(self.metadata, file)
        self._normalise = self.record.make_preprocess().normalise
        self.device = "cuda" if "CUDAExecutionProvider" in self.session.get_providers() else "cpu"
        self.weight_bytes = file.stat().st_size

    def run(self, pictures: np.ndarray) -> Scores:
        """Score pictures, uint8 (N, size, size, C)."""
        return Scores(*self.session.run(["embedding", "logits", "probabilities"], {"image": self._normalise(pictures)}))

    def class_embeddings(self) -> dict[str, np.ndarray]:
        """Return the embeddings of its classes that the file carries."""
        return class_embeddings_in(self.metadata)


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


def open_engine(
    files: ModelFiles, engine: str = "auto", device: str = "auto", precision: str = "auto", *, threads: int = 0
) -> Engine:
    """Open a model by an engine.

    Parameters
    ----------
    files : ModelFiles
        As `find_model` returns.
    engine : {"auto", "onnx", "openvino", "torch"}
        ``auto`` takes ONNX Runtime where the model has an ONNX file and no other precision is asked for, else PyTorch.
    device, precision : str
        As on the command line.
    threads : int
        On the CPU; 0 for the engine's own choice.

    Raises
    ------
    ConfigError
        If the engine is unknown, or the model has nothing for it.
    """
    if engine not in ENGINES:
        raise ConfigError(f"There is no engine '{engine}'.", hint=f"Choose {', '.join(ENGINES)}.")
    if engine == "onnx" and precision not in ("auto", "fp32"):
        raise ConfigError(
            f"The onnx engine computes in the precision of its file, not in '{precision}'.",
            hint="Leave --precision out, or use --engine torch.",
        )
    by_runtime = engine == "onnx" or (engine == "auto" and files.onnx is not None and precision in ("auto", "fp32"))
    if not (by_runtime or engine == "openvino"):
        return TorchEngine(files, device, precision, threads)
    if files.onnx is None:
        raise ConfigError(
            f"The model '{files.name}' has no ONNX file.",
            hint=f"Write it with: galaxtool export --model {files.name} -o {files.folder}/model.onnx",
        )
    opened: Engine
    if by_runtime:
        opened = OnnxEngine(files.onnx, device, threads)
    else:
        from galaxtool.models.engine_openvino import OpenVinoEngine

        opened = OpenVinoEngine(files.onnx, device, precision, threads)
    if files.folder is not None and ModelRecord.read(files.folder / RECORD).digest != opened.record.digest:
        raise ModelError(
            f"In '{files.folder}', model.onnx was exported from other weights than those beside it.",
            hint=f"Export again: galaxtool export --model {files.name} -o {files.onnx}",
        )
    return opened


def record_in(metadata: Mapping[str, str], file: Path) -> ModelRecord:
    """Return what the metadata of an ONNX file say of the model.

    Raises
    ------
    ModelError
        If galaxtool has not written them, or they are damaged.
    """
    if METADATA_KEY not in metadata:
        raise ModelError(
            f"'{file}' was not written by galaxtool: its metadata name no classes.",
            hint="Write one with `galaxtool export`.",
        )
    try:
        about = json.loads(metadata[METADATA_KEY])
    except ValueError as error:
        raise ModelError(
            f"The metadata of '{file}' are damaged: {error}.", hint="Write it again with `galaxtool export`."
        ) from error
    return ModelRecord.from_dict(about, str(file))


def class_embeddings_in(metadata: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Return the embeddings of its classes that an ONNX file carries, as `Engine.class_embeddings` does."""
    held = json.loads(metadata.get(CLASS_EMBEDDINGS_KEY, "{}"))
    return {kind: np.asarray(rows, dtype=np.float32) for kind, rows in held.items()}


def _providers(runtime: Any, device: str) -> list[Any]:
    available = runtime.get_available_providers()
    wanted, _, number = device.partition(":")
    if wanted not in ("auto", "cpu", "cuda", "mps") or not (number or "0").isdigit():
        raise ConfigError(f"There is no device '{device}' here.", hint="Use --device auto, cpu or cuda.")
    has_gpu = "CUDAExecutionProvider" in available and Path("/dev/nvidiactl").exists()
    if wanted == "cuda" and not has_gpu:
        raise ConfigError("ONNX Runtime finds no CUDA device here.", hint="Use --device cpu, or --engine torch.")
    if wanted in ("auto", "cuda") and (has_gpu or (sys.platform == "win32" and "CUDAExecutionProvider" in available)):
        return [("CUDAExecutionProvider", {"device_id": int(number or 0)}), "CPUExecutionProvider"]
    return ["CPUExecutionProvider"]
