"""The exceptions that galaxtool raises on purpose.

::

    GalaxtoolError
    ├── InputError            an input cannot be used
    │   ├── UnreadableImage   one image of many; becomes a row with an error, never aborts a batch
    │   └── TableError        a catalogue, a labels file or a condition on its columns
    ├── UnknownName           no backbone, model, class ... is registered under a name
    ├── ConfigError           a settings file, or the value of an option
    ├── ModelError            an incomplete or damaged model directory, run or ONNX file
    ├── IndexMismatch         an index was built with another model
    ├── OutputExists          the output already exists
    ├── OfflineError          a download is needed, and is disabled or fails
    ├── DependencyMissing     an optional package is not installed
    ├── TrainingError         training cannot start or continue
    └── PluginError           a plugin does not do what it promises

Each has a message of one sentence and, where possible, a hint with the next step. The command line prints both and
exits with status 1; a traceback means a bug in galaxtool.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class GalaxtoolError(Exception):
    """An error that the user can fix.

    Parameters
    ----------
    message : str
        One sentence that says what is wrong and names the object.
    hint : str, optional
        Next step, preferably a command or an option to type.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the state instead of the arguments, so that errors of any subclass can leave a worker process."""
        return _restore, (type(self), str(self), self.__dict__)


class InputError(GalaxtoolError):
    """An input cannot be used. Line breaks in the message, as in the name of a file, are escaped."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__("".join(map(_escape_line_break, message.splitlines(keepends=True))), hint=hint)


class UnreadableImage(InputError):
    """One image cannot be read; the rest of the batch continues."""


class TableError(InputError):
    """A catalogue, a labels file or a condition on its columns cannot be used."""


class UnknownName(GalaxtoolError):
    """Nothing is registered under a name.

    Parameters
    ----------
    kind : str
        Kind of the thing: ``"backbone"``.
    name : str
        The name, as the user gave it.
    known : iterable of str
        The registered names; the most similar one is suggested.
    note : str, optional
        A further sentence, such as one about a plugin that failed to load.
    hint : str, optional
        Next step, if it is known; it takes the place of the suggestion and of the registered names.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], *, note: str = "", hint: str = "") -> None:
        names = list(known)
        suggestion = None if hint else suggest_name(name, names)
        message = f"There is no {kind} called '{name}'."
        if suggestion:
            message += f" Did you mean '{suggestion}'?"
        if note:
            message += f" {note}"
        shown = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
        super().__init__(message, hint=hint or (f"Known: {shown}." if names else ""))
        self.kind, self.name, self.suggestion = kind, name, suggestion


class ConfigError(GalaxtoolError):
    """A settings file or the value of an option cannot be used."""


class ModelError(GalaxtoolError):
    """A model directory, run or ONNX file is incomplete or damaged."""


class IndexMismatch(GalaxtoolError):
    """An index was built with another model."""


class OutputExists(GalaxtoolError):
    """The output already exists."""


class OfflineError(GalaxtoolError):
    """A download is needed, and is disabled or fails."""


class DependencyMissing(GalaxtoolError):
    """An optional package is not installed."""


class TrainingError(GalaxtoolError):
    """Training cannot start or continue."""


class PluginError(GalaxtoolError):
    """A plugin does not do what it promises."""


def _escape_line_break(line: str) -> str:
    """Return a line with its line break escaped."""
    text = line.splitlines()[0]
    return text + line[len(text) :].encode("unicode_escape").decode()


def _restore(kind: type[GalaxtoolError], text: str, state: dict[str, Any]) -> GalaxtoolError:
    """Rebuild a pickled error."""
    error = kind.__new__(kind, text)
    error.args = (text,)
    error.__dict__.update(state)
    return error


def suggest_name(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most similar to `name`, or None if none is similar enough.

    Examples
    --------
    >>> suggest_name("rsenet50", ["resnet50", "mini"])
    'resnet50'
    >>> suggest_name("vgg", ["mini"]) is None
    True
    """
    by_lower = {candidate.lower(): candidate for candidate in known}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None
