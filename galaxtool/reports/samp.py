"""Sending a table to TOPCAT, Aladin and whatever else listens to SAMP."""

from __future__ import annotations

import importlib
import tempfile
import warnings
import xmlrpc.client
from contextlib import suppress
from pathlib import Path
from typing import Any

from galaxtool.errors import DependencyMissing, GalaxtoolError
from galaxtool.types import Progress

_MESSAGE = "table.load.votable"


def send_table(path: Path, name: str, progress: Progress) -> int:
    """Send a table to all programs that take tables.

    Parameters
    ----------
    path : Path
        Any table that `galaxtool.tables.read.read_table` reads. What is no plain VOTable is converted to one in the
        system's folder for temporary files, where it is left: the other program reads it when it likes.
    name : str
        What the other programs call it.
    progress : Progress
        Told how far it is.

    Returns
    -------
    int
        Number of programs it was sent to.

    Raises
    ------
    GalaxtoolError
        If no hub is running, it does not answer, or no program takes tables. The table stays where it is.
    DependencyMissing
        If neither astropy nor pyvo has the protocol; astropy 8 says that it will go to pyvo.
    TableError
        If the table is of a format that galaxtool does not read.

    Notes
    -----
    The message is ``table.load.votable`` with a file URL, so the programs must run on this machine. The hub is found
    as the Standard Profile says: by the environment variable ``SAMP_HUB``, else by ``~/.samp``. Nothing but the hub is
    asked. Taylor, M., et al., Simple Application Messaging Protocol 1.3, IVOA Recommendation 2012-04-11.
    """
    path = Path(path)
    samp = _protocol()
    failures = (samp.SAMPHubError, samp.SAMPClientError, xmlrpc.client.Error, OSError)
    progress.start("Sending by SAMP")
    about = {"samp.name": "galaxtool", "samp.description.text": "galaxy morphology from cutouts"}
    client = samp.SAMPIntegratedClient(metadata=about, callable=False)
    try:
        with samp.conf.set_temp("use_internet", False):  # else a web page is asked for, to tell this machine's name
            client.connect()
    except Exception as error:  # a lock file that a hub left behind leads to whatever answers at that place now
        raise GalaxtoolError(
            f"There is no program to send '{path}' to: no SAMP hub is running.",
            hint="Start TOPCAT, or Aladin, and load the table there or run the command again.",
        ) from error
    try:
        listeners = list(client.get_subscribed_clients(_MESSAGE))
        if not listeners:
            raise GalaxtoolError(
                f"There is no program to send '{path}' to: a SAMP hub is running, but nothing there takes tables.",
                hint="Start TOPCAT, or Aladin, and load the table there or run the command again.",
            )
        url = _votable(path).as_uri()
        message: dict[str, Any] = {"samp.mtype": _MESSAGE, "samp.params": {"url": url, "table-id": url, "name": name}}
        client.notify_all(message)
    except failures as error:
        raise GalaxtoolError(
            f"The SAMP hub did not take '{path}': {error}.", hint="Load the table in TOPCAT or Aladin by hand."
        ) from error
    finally:
        with suppress(*failures):  # the hub may have gone first
            client.disconnect()
    return len(listeners)


def _votable(path: Path) -> Path:
    """Return the absolute path of a table as a VOTable."""
    from galaxtool.tables.read import read_table
    from galaxtool.tables.write import write_table

    if path.suffix.lower() in (".vot", ".votable"):
        return path.resolve()
    table = read_table(path)
    copy = Path(tempfile.mkdtemp(prefix="galaxtool-samp-")).resolve() / f"{path.stem}.vot"
    write_table(table, copy, meta=dict(table.meta))
    return copy


def _protocol() -> Any:
    """Return astropy's module of the protocol, or the same of pyvo, which takes it over."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about just that
            return importlib.import_module("astropy.samp")
    except ModuleNotFoundError:
        pass
    try:
        return importlib.import_module("pyvo.samp")
    except ModuleNotFoundError as error:
        raise DependencyMissing(
            "Sending by SAMP needs the package 'pyvo', which is not installed.", hint="Run: pip install 'pyvo>=1.9'"
        ) from error
