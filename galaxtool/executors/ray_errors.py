"""Translate the errors of Ray."""

from __future__ import annotations

import re
from typing import Any

from galaxtool.errors import GalaxtoolError


class TaskKillsWorkers(GalaxtoolError):
    """The workers of a task died one after another, though memory and machines lasted."""


RESUME_HINT = "Finished parts are kept: continue with --resume."


def shorten_message(error: BaseException) -> str:
    """Return the first line of an error message as the end of a sentence."""
    text = (getattr(error, "strerror", None) or str(error) or type(error).__name__).strip().splitlines()[0]
    return text.rstrip(".") + "."


def unwrap_error(error: Any) -> Exception:
    """Return the error that a task raised in a worker, or the error of galaxtool that explains it."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, GalaxtoolError):
        return cause
    if isinstance(cause, ModuleNotFoundError):
        return find_missing_package(str(cause)) or error
    return error if isinstance(error, Exception) else RuntimeError(str(error))


def find_missing_package(text: str) -> GalaxtoolError | None:
    """Return the error for a package that a message says is missing; None if the message is about something else."""
    match = re.search(r"No module named '([\w.]+)'", text)
    if match is None:
        return None
    return GalaxtoolError(
        f"A Ray worker has no package '{match[1]}'.",
        hint="Install galaxtool and its plugins on every machine, in the environment in which Ray was started.",
    )


def explain_crash(error: Exception, deaths: int, *, is_first: bool) -> GalaxtoolError:
    """Return the error for a batch whose workers died again and again.

    Parameters
    ----------
    error : Exception
        Error of Ray.
    deaths : int
        Number of workers that died.
    is_first : bool
        Whether no batch was finished before.
    """
    kind: type[GalaxtoolError] = GalaxtoolError
    if type(error).__name__ == "OutOfMemoryError":
        reason = "memory ran out"
    elif re.search(r"\bnode\b.*\b(died|dead)\b", str(error)):
        reason = "its machine was lost"
    else:
        kind = TaskKillsWorkers if type(error).__name__ == "WorkerCrashedError" else GalaxtoolError
        reason = "its process was killed, perhaps because memory ran out"
    when = "before they had finished a batch" if is_first else "at the same batch"
    return kind(
        f"{deaths} Ray workers died one after another {when}; the last time {reason}.",
        hint="Give each worker more memory, or use a smaller --batch-size. " + RESUME_HINT,
    )
