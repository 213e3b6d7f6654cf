"""Send a table to TOPCAT, Aladin and other programs that listen to SAMP."""

from __future__ import annotations

import importlib
import tempfile
import warnings
import xmlrpc.client
from contextlib import suppress
from pathlib import Path
from typing import Any

from galaxtool.errors import DependencyMissing, GalaxtoolError
from galaxtool.tables.read import read_table
from galaxtool.tables.write import write_table
from galaxtool.types import Progress

_MESSAGE = "table.load.votable"


def send_table(path: Path, name: str, progress: Progress) -> int:
    """Send a table to all programs that accept tables.

    Parameters
    ----------
    path : Path
        Any table that `galaxtool.tables.read.read_table` reads. A table that is not a plain VOTable is converted to one
        in the system's folder for temporary files. It stays there, because the other program can read it at any time.
    name : str
        Name of the table in the other programs.
    progress : Progress
        Receiver of the progress.

    Returns
    -------
    int
        Number of programs that received the table.

    Raises
    ------
    GalaxtoolError
        If no hub is running, it does not answer, or no program accepts tables.
    DependencyMissing
        If neither astropy nor pyvo contains the protocol, which moves from astropy 8 to pyvo.
    TableError
        If galaxtool cannot read the format of the table.

    Notes
    -----
    The message is ``table.load.votable`` with a file URL, so the programs must run on this machine. The hub is found
    as in the Standard Profile: by the environment variable ``SAMP_HUB``, else by ``~/.samp``. Only the hub is
    contacted. Taylor, M., et al., Simple Application Messaging Protocol 1.3, IVOA Recommendation 2012-04-11.
    """
    path = Path(path)
    samp = _import_samp()
    failures = (samp.SAMPHubError, samp.SAMPClientError, xmlrpc.client.Error, OSError)
    progress.start("Sending by SAMP")
    about = {"samp.name": "galaxtool", "samp.description.text": "galaxy morphology from cutouts"}
    client = samp.SAMPIntegratedClient(metadata=about, callable=False)
    try:
        with samp.conf.set_temp("use_internet", False):  # else astropy asks a web page for the name of this machine
            client.connect()
    except Exception as error:  # an old lock file can point to a port where anything may answer
        raise GalaxtoolError(
            f"'{path}' cannot be sent: no SAMP hub is running.",
            hint="Start TOPCAT or Aladin and load the table there, or run the command again.",
        ) from error
    try:
        listeners = list(client.get_subscribed_clients(_MESSAGE))
        if not listeners:
            raise GalaxtoolError(
                f"'{path}' cannot be sent: a SAMP hub is running, but no program there accepts tables.",
                hint="Start TOPCAT or Aladin and load the table there, or run the command again.",
            )
        url = _convert_to_votable(path).as_uri()
        message: dict[str, Any] = {"samp.mtype": _MESSAGE, "samp.params": {"url": url, "table-id": url, "name": name}}
        client.notify_all(message)
    except failures as error:
        raise GalaxtoolError(
            f"The SAMP hub did not accept '{path}': {error}.", hint="Load the table in TOPCAT or Aladin by hand."
        ) from error
    finally:
        with suppress(*failures):  # the hub may have gone first
            client.disconnect()
    return len(listeners)


def _convert_to_votable(path: Path) -> Path:
    """Return the absolute path of a VOTable with the content of a table."""
    if path.suffix.lower() in (".vot", ".votable"):
        return path.resolve()
    table = read_table(path)
    copy = Path(tempfile.mkdtemp(prefix="galaxtool-samp-")).resolve() / f"{path.stem}.vot"
    write_table(table, copy, meta=dict(table.meta))
    return copy


def _import_samp() -> Any:
    """Return astropy's module of the protocol, or that of pyvo, to which it moves."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about its move to pyvo
            return importlib.import_module("astropy.samp")
    except ModuleNotFoundError:
        pass
    try:
        return importlib.import_module("pyvo.samp")
    except ModuleNotFoundError as error:
        raise DependencyMissing(
            "Sending by SAMP needs the package 'pyvo', which is not installed.", hint="Run: pip install 'pyvo>=1.9'"
        ) from error
