"""Writing a model as one ONNX file, and checking what was written."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from galaxtool.errors import ConfigError, ModelError
from galaxtool.types import Progress, Silent
from galaxtool.utils.config import one_of
from galaxtool.utils.optional_imports import require

_CHECKED_BATCHES = (1, 2, 5, 32)

# precision -> least cosine between embeddings, and least share of equal labels, that pass
_TOLERANCES = {"fp32": (0.9999, 1.0), "fp16": (0.999, 0.95), "int8": (0.98, 0.85)}


@dataclass(frozen=True)
class ExportResult:
    """What was written, and how near it is to the model.

    Parameters
    ----------
    output : Path
    bytes : int
    precision : str
    batches : list of int
        Batch sizes it was run with.
    least_cosine : float
        Between its embeddings and PyTorch's, over all that was tried.
    largest_difference : float
        Of a probability.
    agreement : float
        Share of the images with the same label.
    """

    output: Path
    bytes: int
    precision: str
    batches: list[int]
    least_cosine: float
    largest_difference: float
    agreement: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {**asdict(self), "output": str(self.output)}


def export(
    *,
    model: str = "mini",
    output: Path = Path("model.onnx"),
    precision: str = "fp32",
    progress: Progress | None = None,
) -> ExportResult:
    """Write a model as one ONNX file, and check it.

    Input image: float32 (N, 3, H, W), preprocessed, any N. Outputs: embedding (N, D) of unit length, logits (N, K),
    probabilities (N, K). The file carries the classes, their prompt and symbol embeddings and the preprocessing, so it
    classifies by itself: galaxtool classify cutouts/ --model model.onnx.

    Parameters
    ----------
    model : str
        Registered name, or model or run directory.
    output : Path
        File to write; one that is there is replaced when the new one has been checked.
    precision : str
        fp32, fp16, or int8; int8 is calibrated on simulated galaxies.

    Returns
    -------
    ExportResult

    Raises
    ------
    ModelError
        If the model cannot be exported, or the file does not do what the model does.
    """
    require("torch", why="Export", install="torch")
    from galaxtool.models.directory import load_model
    from galaxtool.models.find import find_model
    from galaxtool.models.onnx.file import compare, write_onnx
    from galaxtool.models.onnx.precision import to_fp16, to_int8
    from galaxtool.utils.atomic_write import atomic_write

    progress = progress or Silent()
    one_of("precision", precision, _TOLERANCES)
    output = Path(output)
    if output.suffix != ".onnx":
        raise ConfigError(f"'{output}' does not end in .onnx.", hint="Give a file name such as -o model.onnx.")
    if output.is_dir():
        raise ConfigError(f"'{output}' is a folder.", hint="Give a file name such as -o model.onnx.")
    progress.say(f"Loading the model '{model}' ...")
    network, record = load_model(find_model(model))
    progress.say("Exporting ...")
    with atomic_write(output) as temporary:
        write_onnx(temporary, network, record)
        if precision == "fp16":
            to_fp16(temporary)
        elif precision == "int8":
            to_int8(temporary, record.make_preprocess())
        progress.say("Checking against PyTorch ...")
        found = compare(temporary, network, record, _CHECKED_BATCHES)
        cosine, agreement = _TOLERANCES[precision]
        if found.least_cosine < cosine or found.agreement < agreement:
            raise ModelError(
                f"The {precision} file does not do what '{model}' does: the least cosine of embeddings is "
                f"{found.least_cosine:.5f} (wanted {cosine}), {found.agreement:.1%} of the labels agree.",
                hint="Nothing was written. Use --precision fp32."
                if precision != "fp32"
                else "Please report this with the versions that `galaxtool doctor` prints.",
            )
    return ExportResult(
        output=output,
        bytes=output.stat().st_size,
        precision=precision,
        batches=list(_CHECKED_BATCHES),
        least_cosine=found.least_cosine,
        largest_difference=found.largest_difference,
        agreement=found.agreement,
    )
