"""Run pip in the environment that runs galaxtool."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from galaxtool.errors import DependencyMissing, OfflineError, PluginError
from galaxtool.types import Progress
from galaxtool.utils.optional_imports import is_installed

_NO_NETWORK = (
    "newconnectionerror", "name resolution", "getaddrinfo", "network is unreachable", "connection refused",
    "connecttimeout", "max retries exceeded", "proxyerror", "connection aborted", "could not resolve host",
)  # fmt: skip


def run_pip(arguments: Sequence[str], what: str, progress: Progress) -> str:
    """Run pip and return what it printed.

    Parameters
    ----------
    arguments : sequence of str
        Subcommand of pip and its arguments.
    what : str
        What pip does, for messages: ``"install 'galaxtool-my-net'"``.
    progress : Progress
        Receives a line that says which environment changes.

    Raises
    ------
    DependencyMissing
        If this environment has no pip.
    OfflineError
        If pip reaches no package index.
    PluginError
        If pip fails for another reason; the message has pip's own first error.
    """
    words = " ".join(arguments)
    if not is_installed("pip"):
        raise DependencyMissing(
            f"The environment '{sys.prefix}' has no pip to {what}.",
            hint=f"Run: python -m ensurepip, or: uv pip {words} --python {sys.executable}",
        )
    progress.say(f"Running pip {words} in {sys.prefix} ...")
    run = subprocess.run(
        [sys.executable, "-m", "pip", *arguments[:1], "--disable-pip-version-check", "--no-input", *arguments[1:]],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if run.returncode == 0:
        return run.stdout
    output = f"{run.stdout}\n{run.stderr}"
    if any(phrase in output.lower() for phrase in _NO_NETWORK):
        raise OfflineError(
            f"pip cannot {what}: no package index can be reached from this machine.",
            hint="Check the connection, or give the path of a folder or wheel that you have copied here.",
        )
    raise PluginError(
        f"pip cannot {what}: {_find_reason(output)}", hint=f"To see all of its output: {sys.executable} -m pip {words}"
    )


def _find_reason(output: str) -> str:
    """Return the first error that pip printed, as a sentence."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error:")]
    told = [line.partition(":")[2].strip() for line in errors if "subprocess-exited" not in line]
    reason = (told or lines[-1:] or ["it gives no reason"])[0]
    return reason[:300].rstrip(".") + "."
