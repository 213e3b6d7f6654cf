"""Check that something can be sent to another process."""

from __future__ import annotations

import pickle
from typing import Any

from loky.backend.reduction import dumps


def check_sendable(value: Any, what: str) -> Any:
    """Return a copy of something as a process of the executor `processes` would get it.

    Parameters
    ----------
    value : object
        What is sent.
    what : str
        Subject of the message.

    Raises
    ------
    AssertionError
        If it cannot be sent.
    """
    try:
        return pickle.loads(dumps(value))
    except Exception as error:
        raise AssertionError(
            f"{what} cannot be sent to another process ({type(error).__name__}: {' '.join(str(error).split())[:120]}); "
            "open files and connections when they are needed."
        ) from error
