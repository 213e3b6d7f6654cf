"""The engine that is asked for."""

from __future__ import annotations

from galaxtool.errors import ConfigError, ModelError
from galaxtool.models.engines.onnx import OnnxEngine
from galaxtool.models.engines.openvino import OpenVinoEngine
from galaxtool.models.engines.protocol import Engine
from galaxtool.models.engines.torch import TorchEngine
from galaxtool.models.find import RECORD, ModelFiles
from galaxtool.models.record import ModelRecord

ENGINES = ("auto", "onnx", "openvino", "torch")


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
        opened = OpenVinoEngine(files.onnx, device, precision, threads)
    if files.folder is not None and ModelRecord.read(files.folder / RECORD).digest != opened.record.digest:
        raise ModelError(
            f"In '{files.folder}', model.onnx was exported from other weights than those beside it.",
            hint=f"Export again: galaxtool export --model {files.name} -o {files.onnx}",
        )
    return opened
