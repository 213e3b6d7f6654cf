"""What a plugin may do to the command that loads it: fail, and print; neither reaches the command."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from galaxtool.utils.debugging import is_debugging


class PluginExit(Exception):
    """An exception of a plugin that is none of `Exception`; the message has its name and text."""


@contextlib.contextmanager
def contain() -> Iterator[None]:
    """Run the code of a plugin: what it prints goes to standard error, and only Ctrl-C passes through it.

    Raises
    ------
    PluginExit
        For an exception that would pass through ``except Exception``.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except (Exception, KeyboardInterrupt):
        raise
    except BaseException as error:
        if is_debugging():
            raise
        raise PluginExit(f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(": ")) from error
