"""Every error that galaxtool raises on purpose.

::

    GalaxtoolError
    ├── InputError            something handed in cannot be used
    │   ├── UnreadableImage   one file of many; becomes an error row, never ends a batch
    │   └── TableError        a catalogue, a labels file or an expression over its columns
    ├── UnknownName           a backbone, model, class ... that nobody registered
    ├── ConfigError           a settings file or an option's value
    ├── ModelError            a model directory, run or ONNX file that is not whole
    ├── IndexMismatch         an index and a model that do not belong together
    ├── OutputExists          the output would overwrite something
    ├── OfflineError          something would have to be fetched, and may not or cannot be
    ├── DependencyMissing     an optional package is not installed
    ├── TrainingError         training cannot start or cannot go on
    └── PluginError           a plugin broke its side of the contract

Each carries one sentence for a person and, where there is one, the next thing to type. The command line prints
the two and exits with status 1; a traceback is a bug in galaxtool.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class GalaxtoolError(Exception):
    """Something a user can put right.

    Parameters
    ----------
    message : str
        One sentence that says what is wrong, naming the object.
    hint : str, optional
        What to do next, preferably a command or an option to type.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle whatever the arguments of a subclass are, so that an error of a worker process comes out as itself."""
        return _restored, (type(self), str(self), self.__dict__)


class InputError(GalaxtoolError):
    """Something handed in cannot be used; ends of lines, as in a file's name, are written as Python does it."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__("".join(map(_one_line, message.splitlines(keepends=True))), hint=hint)


class UnreadableImage(InputError):
    """One image cannot be read; the rest of the batch goes on."""


class TableError(InputError):
    """A catalogue, a labels file, or an expression over its columns."""


class UnknownName(GalaxtoolError):
    """A name that nobody registered.

    Parameters
    ----------
    kind : str
        What was looked for, as in the listing command: ``"backbone"``.
    name : str
        The name as it was given.
    known : iterable of str
        The names there are; the nearest is suggested.
    note : str, optional
        A further sentence, e.g. about a plugin that failed to load.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], *, note: str = "") -> None:
        names = list(known)
        near = suggest_name(name, names)
        message = f"There is no {kind} called '{name}'."
        if near:
            message += f" Did you mean '{near}'?"
        if note:
            message += f" {note}"
        shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
        super().__init__(message, hint=f"Known: {shown}." if names else "")
        self.kind, self.name, self.suggestion = kind, name, near


class ConfigError(GalaxtoolError):
    """A settings file or an option's value."""


class ModelError(GalaxtoolError):
    """A model directory, run or ONNX file that is not whole."""


class IndexMismatch(GalaxtoolError):
    """An index and a model that do not belong together."""


class OutputExists(GalaxtoolError):
    """The output would overwrite something."""


class OfflineError(GalaxtoolError):
    """Something would have to be fetched, and may not or cannot be."""


class DependencyMissing(GalaxtoolError):
    """An optional package is not installed."""


class TrainingError(GalaxtoolError):
    """Training cannot start or cannot go on."""


class PluginError(GalaxtoolError):
    """A plugin broke its side of the contract."""


def _one_line(line: str) -> str:
    """Return a line with its end escaped."""
    text = line.splitlines()[0]
    return text + line[len(text) :].encode("unicode_escape").decode()


def _restored(kind: type[GalaxtoolError], text: str, state: dict[str, Any]) -> GalaxtoolError:
    error = kind.__new__(kind, text)
    error.args = (text,)
    error.__dict__.update(state)
    return error


def suggest_name(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most like `name`, or None when none is close.

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
