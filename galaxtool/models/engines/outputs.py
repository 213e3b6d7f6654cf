"""Check what an ONNX file returns, because the file may come from anyone."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool.errors import ModelError
from galaxtool.models.engines.protocol import Scores
from galaxtool.models.record import ModelRecord
from galaxtool.utils.memory import limit_growth

OUTPUTS = ("embedding", "logits", "probabilities")
"""Names of the outputs, in the order of `Scores`."""

Run = Callable[[dict[str, np.ndarray]], object]
End = Callable[[], None]

FIRST_RUN_S = 120.0
"""Seconds that a model may take over its first image."""

FIRST_RUN_BYTES = 4 << 30
"""Bytes of memory that a model may take for its first image, and for itself beside eight times its file."""

_TIMES = 8
_NO_MEMORY = ("bad_alloc", "bad alloc", "failed to allocate", "not enough memory", "std::length_error")
_TOLERANCE = 0.05
_EXPORT_AGAIN = "Write the file again with `galaxtool export`."


def make_scores(outputs: Sequence[Any], count: int, record: ModelRecord, name: str) -> Scores:
    """Return the outputs of an ONNX file as scores.

    Parameters
    ----------
    outputs : sequence
        The values of `OUTPUTS`.
    count : int
        Number N of pictures.
    record : ModelRecord
        Record of the model.
    name : str
        Name of the model for messages.

    Raises
    ------
    ModelError
        If an output has another shape than N x dim or N x classes, or is out of range. NaN is left as it is.
    """
    classes = len(record.slugs)
    for output, values, columns in zip(OUTPUTS, outputs, (record.dim, classes, classes), strict=True):
        if not isinstance(values, np.ndarray) or values.dtype.kind != "f" or values.shape != (count, columns):
            shape = " x ".join(map(str, getattr(values, "shape", ()))) or "another shape"
            raise ModelError(
                f"The ONNX file of '{name}' returns {shape} numbers as '{output}' for {count} pictures, not {count} x "
                f"{columns}.",
                hint=_EXPORT_AGAIN,
            )
    embedding, logits, probabilities = (np.asarray(values, dtype=np.float32) for values in outputs)
    with np.errstate(invalid="ignore", over="ignore"):
        is_wrong = (probabilities < -_TOLERANCE) | (probabilities > 1 + _TOLERANCE)
        is_wrong &= record.regression is None  # numbers have any size
        if is_wrong.any() or (np.linalg.norm(embedding, axis=1) > 1 + _TOLERANCE).any():
            what = (
                "probabilities that are not from 0 to 1" if is_wrong.any() else "embeddings that are not unit vectors"
            )
            raise ModelError(f"The ONNX file of '{name}' returns {what}.", hint=_EXPORT_AGAIN)
    return Scores(embedding, logits, probabilities)


def limit_opening(file: Path) -> contextlib.AbstractContextManager[None]:
    """Limit the memory that a runtime may take in the block, in which it opens a file."""
    return limit_growth(FIRST_RUN_BYTES + _TIMES * file.stat().st_size)


def lacks_memory(error: BaseException) -> bool:
    """Tell whether an error of a runtime says that there was not enough memory."""
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in _NO_MEMORY)


def make_memory_error(name: str) -> ModelError:
    """Return the error for a model that asks for more memory than a model may."""
    return ModelError(
        f"The model '{name}' was stopped: it needs more than {FIRST_RUN_BYTES >> 30} GB of memory for a single image.",
        hint="Its ONNX file may be damaged, or crafted to fill the memory.",
    )


class FirstRun:
    """The first run of a model on an engine: of one image, and ended if it takes too long or too much memory.

    Parameters
    ----------
    prepare : callable
        Returns two functions for one run: the first computes given inputs, the second ends that computation from
        another thread, so that the first raises.
    name : str
        Name of the model for messages.
    is_limited : bool
        Whether the memory of the process is limited meanwhile; with a GPU, it says little.
    """

    def __init__(self, prepare: Callable[[], tuple[Run, End]], name: str, *, is_limited: bool = True) -> None:
        self._prepare, self._name, self._is_limited = prepare, name, is_limited
        self._lock = threading.Lock()
        self._is_done = False

    def check(self, one: dict[str, np.ndarray]) -> None:
        """Run the inputs of one image, unless that is done.

        Raises
        ------
        ModelError
            If it did not end in time, or needs too much memory.
        """
        if self._is_done:
            return
        with self._lock:
            if not self._is_done:
                self._run(one)
                self._is_done = True

    def _run(self, one: dict[str, np.ndarray]) -> None:
        run, end = self._prepare()
        is_late = threading.Event()

        def end_late() -> None:
            is_late.set()
            end()

        timer = threading.Timer(FIRST_RUN_S, end_late)
        timer.daemon = True
        timer.start()
        try:
            with limit_growth(FIRST_RUN_BYTES) if self._is_limited else contextlib.nullcontext():
                run(one)
        except Exception as error:
            if lacks_memory(error):
                raise make_memory_error(self._name) from error
            if not is_late.is_set():
                raise
            raise ModelError(
                f"The model '{self._name}' was stopped: its first image took more than {FIRST_RUN_S:.0f} s.",
                hint="Its ONNX file may be damaged, or crafted never to finish.",
            ) from None
        finally:
            timer.cancel()
