"""The part of the Ray executor that runs in Ray's worker processes."""

from __future__ import annotations

import os
import pickle
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from galaxtool import __version__
from galaxtool.errors import GalaxtoolError

_functions: dict[str, Callable[[Any], Any]] = {}


@dataclass(frozen=True, kw_only=True)
class RaySetup:
    """Everything that makes a worker process like the process that submits the tasks.

    Parameters
    ----------
    key : str
        Unique name of the setup.
    version : str
        Version of galaxtool.
    environment : mapping of str
        Environment variables.
    folder : str
        Working folder, from which relative paths start.
    make : bytes
        Pickled factory of the function. It is unpickled when the environment is set, because numerical libraries read
        the number of their threads when they are imported.
    """

    key: str
    version: str
    environment: Mapping[str, str]
    folder: str
    make: bytes


def run_task(setup: RaySetup, task: Any) -> Any:
    """Return the result of a task; a worker process prepares itself and makes its function once.

    Raises
    ------
    GalaxtoolError
        If this machine has another version of galaxtool, or lacks the working folder.
    """
    prepare_worker(setup)
    return _functions[setup.key](task)


def prepare_worker(setup: RaySetup) -> None:
    """Prepare this process and make its function, unless that is done."""
    if setup.key not in _functions:
        _functions.clear()
        _functions[setup.key] = _prepare(setup)


def _prepare(setup: RaySetup) -> Callable[[Any], Any]:
    host = socket.gethostname()
    if setup.version != __version__:
        raise GalaxtoolError(
            f"The Ray node {host} has galaxtool {__version__}, but this machine has {setup.version}.",
            hint="Install the same galaxtool on every machine.",
        )
    os.environ.update(setup.environment)
    try:
        os.chdir(setup.folder)
    except OSError as error:
        raise GalaxtoolError(
            f"The Ray node {host} cannot enter the folder '{setup.folder}': {error.strerror}.",
            hint="Work in a folder that every machine has under the same path.",
        ) from error
    make: Callable[[], Callable[[Any], Any]] = pickle.loads(setup.make)
    return make()
