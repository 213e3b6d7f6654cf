"""Paths as people and programs write them: URIs, ``~``, backslashes, quotes; and those that are not on this disk."""

from __future__ import annotations

import ast
import os
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from urllib.parse import unquote

_ODD = re.compile(r"[\\%~$'\"]|^file:|/$|^\s|\s$", re.IGNORECASE)
_SIGNS = ("\\", "%", "~", "$", "'", '"', "/\n", "\n ", " \n", "\n\t", "\t\n", "\nfile:", "\nFILE:", "\nFile:")
_URI = re.compile(r"file:(?://(?P<host>[^/]*))?(?P<path>/.*)", re.IGNORECASE | re.DOTALL)
_LOCAL_HOSTS = ("", "localhost", "127.0.0.1")
_BYTES = re.compile(r"b(['\"]).*\1", re.DOTALL)
_QUOTED = re.compile(r"(['\"])(.*)\1", re.DOTALL)
_SCHEME = re.compile(r"(?:^|.*/)(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+):(?P<slashes>/+)(?P<rest>.*)", re.DOTALL)
_REMOTE = frozenset((
    "s3", "s3a", "s3n", "gs", "gcs", "http", "https", "ftp", "ftps", "sftp", "ssh", "scp", "hf", "az", "abfs",
    "abfss", "adl", "wasb", "wasbs", "hdfs", "webhdfs", "dbfs", "webdav", "dav", "davs", "root", "xroot", "vos",
    "ivo", "oss", "cos", "swift", "github", "gdrive", "git", "file", "rsync", "globus", "irods",
))  # fmt: skip
_LACKING = re.compile(r"\(no path in row \d+\)")
_DRIVE = re.compile(r"(?:^|.*/)(?P<path>(?:[A-Za-z]:[\\/]|\\\\[^\\]+\\).*)", re.DOTALL)


def make_lacking_path(row: int) -> str:
    """Return a file name for a row of a catalogue without a path: none that exists, so that reading it says why."""
    return f"(no path in row {row + 1})"


def explain_lacking_path(path: str) -> str:
    """Return why a file from `make_lacking_path` does not exist, as a sentence; empty for any other path."""
    folder, _, name = path.rpartition("/")
    return f"The catalogue in '{folder or '.'}' has {name[1:-1]}." if _LACKING.fullmatch(name) else ""


def is_odd_path(text: str) -> bool:
    """Tell whether a text may be a path in another notation; `clean_path_text` then looks at the disk."""
    return _ODD.search(text) is not None


def find_odd_paths(texts: Sequence[str]) -> list[int]:
    """Return the indices of the texts that `is_odd_path`; fast where there is none, as in most catalogues."""
    joined = "\n".join(("", *texts, ""))
    if not any(sign in joined for sign in _SIGNS):
        return []
    return [row for row, text in enumerate(texts) if is_odd_path(text)]


def clean_path_text(text: str, exists: Callable[[str], bool] = os.path.lexists) -> str:
    """Return the path that a text means.

    Parameters
    ----------
    text : str
        A path, perhaps as a ``file://`` URI, with ``~`` or ``$HOME``, with backslashes, percent-encoded, in quotes, as
        the ``b'...'`` of NumPy, with blanks around it or a slash at its end. The member in ``archive.zip[member]`` is
        kept.
    exists : callable
        Tells whether a path exists; a text that does is that path.

    Returns
    -------
    str
        The first reading that exists, else the most likely one.
    """
    if not is_odd_path(text) or exists(text):
        return text
    head, bracket, tail = text.partition("[") if text.rstrip("'\" ").endswith("]") else (text, "", "")
    likely = ""
    for reading in _list_readings(head):
        if exists(reading):
            return reading + bracket + tail.rstrip("'\" ") if bracket else reading
        likely = likely or reading
    # the message about a file that does not exist shows what was written
    is_elsewhere = "\\" in head or is_remote(head)
    return text if is_elsewhere or not likely else likely + bracket + tail


def explain_foreign_path(text: str) -> str:
    """Return a sentence that says why a path can lead to no file on this disk; empty if it could.

    Parameters
    ----------
    text : str
        A path that does not exist, perhaps after `pathlib` has removed a slash from its ``s3://``.
    """
    uri = _SCHEME.fullmatch(text)
    if uri is not None and uri["scheme"].lower() in _REMOTE:
        scheme = uri["scheme"].lower()
        shown = f"{uri['scheme']}://{uri['rest']}"
        if scheme == "file":
            return f"'{shown}' is on another machine; fetch it first, and give its path on this disk."
        return f"'{shown}' is not on this disk: {scheme}:// is not read; fetch it first, and give its path."
    drive = _DRIVE.fullmatch(text)
    if drive is not None and os.name != "nt":
        return f"'{drive['path']}' is a path of Windows and leads to nothing here; give the path on this machine."
    stack = text.partition(".zarr[")[0] + ".zarr"
    if ".zarr[" in text and os.path.isdir(stack):  # noqa: PTH112  Path.is_dir raises for long names
        return f"'{stack}' is a Zarr stack, which galaxtool writes but does not read; cut with --kind hdf5."
    return ""


def is_remote(text: str) -> bool:
    """Tell whether a text is the URI of a file elsewhere, such as ``s3://bucket/a.fits``."""
    if "://" not in text:
        return False
    uri, file = _SCHEME.fullmatch(text), _URI.fullmatch(text)
    is_here = file is not None and (file["host"] or "").lower() in _LOCAL_HOSTS
    return not is_here and uri is not None and uri["scheme"].lower() in _REMOTE


def _list_readings(text: str) -> Iterator[str]:
    """Yield the paths that a text may mean, the most likely one first."""
    plain = text.strip()
    with suppress(ValueError, SyntaxError, UnicodeDecodeError):
        if _BYTES.fullmatch(plain):
            plain = ast.literal_eval(plain).decode().strip()
    if quoted := _QUOTED.fullmatch(plain):
        plain = quoted[2].strip()
    if uri := _URI.fullmatch(plain):
        host, path = uri["host"] or "", unquote(uri["path"])
        if host.lower() in (*_LOCAL_HOSTS, socket.gethostname().lower()):
            yield path
        else:  # file://folder/a.fits and file://~/a.fits, with a slash too few
            yield os.path.expanduser(host + path)  # noqa: PTH111
        return
    home = os.path.expandvars(os.path.expanduser(plain))  # noqa: PTH111  Path.expanduser raises for an unknown user
    if home != text:
        yield home
    slashes = home.replace("\\", "/")
    yield slashes
    yield unquote(home)
    yield unquote(slashes)
    yield slashes.rstrip("/")
