"""Put the message of an exception on one line."""

from __future__ import annotations


def describe_error(error: BaseException, limit: int | None = None) -> str:
    r"""Return the message of an exception, on one line without a full stop; its type if it has no message.

    Parameters
    ----------
    error : exception
        The exception.
    limit : int, optional
        Number of characters to keep; by default all.

    Examples
    --------
    >>> describe_error(ValueError("bad magic\n  number."))
    'bad magic number'
    >>> describe_error(KeyError())
    'KeyError'
    """
    return (" ".join(str(error).split())[:limit] or type(error).__name__).rstrip(".")
