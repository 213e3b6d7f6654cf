"""Run a model's ONNX file with ONNX Runtime, without PyTorch."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool.errors import ConfigError, ModelError
from galaxtool.models.engines.feed import make_feed
from galaxtool.models.engines.limits import End, FirstRun, Run, lacks_memory, make_memory_error, open_in_time
from galaxtool.models.engines.outputs import OUTPUTS, make_scores
from galaxtool.models.engines.protocol import Scores
from galaxtool.models.engines.providers import ProviderChoice, choose_provider
from galaxtool.models.find import ModelFiles
from galaxtool.models.onnx.metadata import check_scores_images, read_class_embeddings, read_onnx_record
from galaxtool.models.unlike_training import read_onnx_detector
from galaxtool.utils.cores import count_cores
from galaxtool.utils.error_text import describe_error
from galaxtool.utils.optional_imports import require
from galaxtool.utils.privacy import forbid_onnx_reports

_CPU = ["CPUExecutionProvider"]
_SILENT, _WARNINGS = 4, 2  # severities of ONNX Runtime


class OnnxEngine:
    """ONNX Runtime; imports no PyTorch.

    Parameters
    ----------
    files : ModelFiles
        A model with an ONNX file, as ``galaxtool export`` writes it.
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``cuda:1``.
    precision : {"auto", "fp32"}
        ONNX Runtime computes in the precision of the file.
    threads : int
        Number of CPU threads; 0 for one per core.
    provider : str
        One of `galaxtool.models.engines.providers.PROVIDERS`.

    Raises
    ------
    ConfigError
        If the model has no ONNX file, or the device, the provider or the precision is not available.
    ModelError
        If the file cannot be run, or was not written by galaxtool.
    """

    name = "onnx"
    precision = "fp32"

    def __init__(
        self,
        files: ModelFiles,
        device: str = "auto",
        precision: str = "auto",
        threads: int = 0,
        provider: str = "auto",
    ) -> None:
        file = files.require_onnx()
        if precision not in ("auto", "fp32"):
            raise ConfigError(
                f"The onnx engine computes in the precision of its file, not in '{precision}'.",
                hint="Leave --precision out, or use --engine torch.",
            )
        choice, self.session, self.note = _open_with_provider(file, device, provider, threads)
        self.provider, self.device = choice.name, choice.device
        self.metadata: dict[str, str] = self.session.get_modelmeta().custom_metadata_map
        self.record = read_onnx_record(self.metadata, file)
        check_scores_images(self.metadata, file)
        self.detector = read_onnx_detector(self.metadata, self.record)
        self._preprocess = self.record.make_preprocess()
        self.weight_bytes = file.stat().st_size
        self._name = files.name
        self._first_run = FirstRun(self._prepare_run, files.name, is_limited=choice.name == "cpu")

    def run(self, pictures: np.ndarray) -> Scores:
        """Score pictures, uint8 (N, size, size, C)."""
        feed = make_feed(self.metadata, self._preprocess, pictures)
        try:
            self._first_run.check(make_feed(self.metadata, self._preprocess, pictures[:1]))
            outputs = self.session.run(list(OUTPUTS), feed)
        except ModelError:
            raise
        except Exception as error:
            raise ModelError(
                f"The model '{self._name}' cannot be run: {describe_error(error, 160)}.",
                hint="Its ONNX file may be damaged: write it again with `galaxtool export`.",
            ) from error
        return make_scores(outputs, len(pictures), self.record, self._name)

    def class_embeddings(self) -> dict[str, np.ndarray]:
        """Return the class embeddings stored in the file."""
        return read_class_embeddings(self.metadata)

    def _prepare_run(self) -> tuple[Run, End]:
        options = _require_runtime().RunOptions()

        def end() -> None:
            options.terminate = True

        return lambda feed: self.session.run(list(OUTPUTS), feed, options), end


def open_session(file: Path, providers: Sequence[Any], threads: int = 0) -> Any:
    """Open an ONNX file in ONNX Runtime.

    Raises
    ------
    ModelError
        If it cannot be run, or is not opened in time.
    """
    runtime = _require_runtime()
    try:
        return _make_session(runtime, file, providers, threads)
    except ModelError:
        raise
    except Exception as error:  # ONNX Runtime has a private exception class for each cause
        if lacks_memory(error):
            raise make_memory_error(str(file)) from error
        raise ModelError(
            f"'{file}' is not an ONNX file that can be run: {describe_error(error, 120)}.",
            hint="Write one with `galaxtool export`.",
        ) from error


class OnnxSession:
    """An ONNX file that may come from anyone, run on the CPU; its first run has limits on time and memory.

    Parameters
    ----------
    file : str or Path
        The file.

    Attributes
    ----------
    metadata : dict of str
        Metadata of the file.

    Raises
    ------
    ModelError
        If it cannot be run.
    """

    def __init__(self, file: str | os.PathLike[str]) -> None:
        self._file = Path(file)
        self._session = open_session(self._file, _CPU)
        self._outputs: list[str] = []
        self._first_run = FirstRun(self._prepare_run, str(file))
        self.metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map

    def run(
        self, outputs: Sequence[str], feed: dict[str, np.ndarray], first: dict[str, np.ndarray] | None = None
    ) -> list[Any]:
        """Compute outputs.

        Parameters
        ----------
        outputs : sequence of str
            Names of the outputs.
        feed : dict of ndarray
            Inputs.
        first : dict of ndarray, optional
            Inputs of a single item, for the first run; by default `feed`.

        Raises
        ------
        ModelError
            If the file cannot compute them, does not end in time, or needs too much memory.
        """
        self._outputs = list(outputs)
        try:
            self._first_run.check(feed if first is None else first)
            found: list[Any] = self._session.run(self._outputs, feed)
        except ModelError:
            raise
        except Exception as error:  # ONNX Runtime has a private exception class for each cause
            raise ModelError(
                f"The ONNX file '{self._file}' cannot be run: {describe_error(error, 160)}.",
                hint="It may be damaged: copy it again, or write it again, as with `galaxtool export`.",
            ) from error
        return found

    def _prepare_run(self) -> tuple[Run, End]:
        options = _require_runtime().RunOptions()

        def end() -> None:
            options.terminate = True

        return lambda feed: self._session.run(self._outputs, feed, options), end


def _open_with_provider(file: Path, device: str, provider: str, threads: int) -> tuple[ProviderChoice, Any, str]:
    """Return the provider in use, a session, and a note where a GPU is not used because it cannot be loaded."""
    runtime = _require_runtime()
    choice = choose_provider(runtime, device, provider)
    if choice.name == "cpu":
        return choice, open_session(file, choice.providers, threads), ""
    # what ONNX Runtime writes about a library that it cannot load is put into one line here
    runtime.set_default_logger_severity(_SILENT)
    try:
        # each cause has a private class; a file that cannot be run fails again on the CPU
        with contextlib.suppress(Exception):
            session = _make_session(runtime, file, choice.providers, threads, severity=_SILENT)
            if choice.is_in(session):
                return choice, session, ""
    finally:
        runtime.set_default_logger_severity(_WARNINGS)
    session = open_session(file, _CPU, threads)
    choice, note = choice.fall_back()
    return choice, session, note


def _make_session(runtime: Any, file: Path, providers: Sequence[Any], threads: int, severity: int = _SILENT) -> Any:
    options = runtime.SessionOptions()
    options.log_severity_level = severity
    options.intra_op_num_threads = threads or count_cores()  # with 0, ONNX Runtime ties its threads to cores
    make = partial(runtime.InferenceSession, str(file), options, providers=list(providers), enable_fallback=False)
    if list(providers) != _CPU:
        return make()  # building for a GPU may take long, and its memory is not this process's
    return open_in_time(make, file)


def _require_runtime() -> Any:
    runtime = require("onnxruntime", why="Running an ONNX model", install="onnxruntime-gpu")
    forbid_onnx_reports(runtime)
    return runtime
