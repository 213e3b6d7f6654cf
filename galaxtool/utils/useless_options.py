"""Options that another option makes useless: they are refused rather than ignored."""

from __future__ import annotations

from collections.abc import Mapping

from galaxtool.errors import ConfigError


def refuse_beside(option: str, reason: str, others: Mapping[str, object]) -> None:
    """Raise `ConfigError` if an option is given that would have no effect beside another one.

    Parameters
    ----------
    option : str
        Name of the option that is given, such as ``each_hdu``.
    reason : str
        Why the others have no effect, as the end of a sentence.
    others : mapping of str to object
        Values of the others by name; those that are false or empty were not given.

    Examples
    --------
    >>> refuse_beside("replay", "a replay only asks its table", {"rank": None, "text": "a ring"})
    Traceback (most recent call last):
    galaxtool.errors.ConfigError: Both --replay and --text are given, and a replay only asks its table.
    """
    given = next((name for name, value in others.items() if value), None)
    if given is not None:
        raise ConfigError(
            f"Both {_name_option(option)} and {_name_option(given)} are given, and {reason}.", hint="Give one of them."
        )


def _name_option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
