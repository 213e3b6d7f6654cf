"""A table goes to every program that listens to SAMP, by astropy's own hub on this machine."""

from __future__ import annotations

import importlib
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table
from support.helpers import write_png
from support.training_helpers import run_command

from galaxtool.errors import DependencyMissing, GalaxtoolError, TableError
from galaxtool.reports.samp import send_table
from galaxtool.tables.write import write_table
from galaxtool.types import Silent

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # astropy says that pyvo will have it
    samp = importlib.import_module("astropy.samp")

pytestmark = pytest.mark.filterwarnings("ignore")  # of the hub's threads, which may outlive a listener

MESSAGE = "table.load.votable"
OBJID = 587722952767439450


class Listener:
    """A program that takes tables, as TOPCAT does."""

    def __init__(self, name: str) -> None:
        self.client = samp.SAMPIntegratedClient(name=name, addr="127.0.0.1")
        self.came = threading.Event()
        self.params: dict[str, str] = {}

    def take(self, key: str, sender: str, kind: str, params: dict, extra: dict) -> None:
        self.params = params
        self.came.set()

    def message(self) -> dict[str, str]:
        assert self.came.wait(60), "no message came"
        return self.params


@pytest.fixture
def hub(loopback: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    lockfile = tmp_path / "hub"
    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:{lockfile.as_uri()}")
    monkeypatch.setenv("HOME", str(tmp_path))
    with samp.conf.set_temp("use_internet", False):
        server = samp.SAMPHubServer(web_profile=False, lockfile=str(lockfile), addr="127.0.0.1")
        server.start()
        yield server
        server.stop()


@pytest.fixture
def listeners(hub: object) -> Iterator[list[Listener]]:
    found = [Listener("first"), Listener("second")]
    for listener in found:
        listener.client.connect()
        listener.client.bind_receive_notification(MESSAGE, listener.take)
    yield found
    for listener in found:
        listener.client.disconnect()


def table() -> Table:
    made = Table({"id": ["a é", "b"], "objid": [OBJID, OBJID + 1]})
    made["ra"] = MaskedColumn([10.5, 0], mask=[False, True], unit="deg")
    return made


def received(listener: Listener) -> Table:
    return Table.read(url2pathname(urlparse(listener.message()["url"]).path), format="votable")


def test_a_votable_is_sent_as_it_is(listeners: list[Listener], tmp_path: Path) -> None:
    path = tmp_path / "my table é.vot"
    write_table(table(), path)
    assert send_table(path, "my table", Silent()) == 2
    for listener in listeners:
        assert listener.message() == {"url": path.as_uri(), "table-id": path.as_uri(), "name": "my table"}
        assert received(listener)["objid"].tolist() == [OBJID, OBJID + 1]


@pytest.mark.parametrize("suffix", [".csv", ".fits"])
def test_other_tables_are_converted(
    listeners: list[Listener], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    path = tmp_path / f"predictions{suffix}"
    write_table(table(), path, meta={"MODEL": "mini"})
    before = path.read_bytes()
    assert send_table(path, "predictions", Silent()) == 2
    first, back = map(received, listeners)
    assert len(first) == 2
    assert back["objid"].tolist() == [OBJID, OBJID + 1] and back["id"].tolist() == ["a é", "b"]
    assert np.ma.asarray(back["ra"]).tolist() == [10.5, None] and path.read_bytes() == before


def test_classify_and_merge_send_their_table(listeners: list[Listener], tmp_path: Path) -> None:
    for i in range(3):
        write_png(tmp_path / "in" / f"g{i}.png", i)
    same = ("classify", tmp_path / "in", "--batch-size", 1, "-o")
    commands = [
        (*same, tmp_path / "one.fits", "--samp"),
        (*same, tmp_path / "both.csv", "--shard", "1/2"),
        (*same, tmp_path / "both.csv", "--shard", "2/2"),
        ("merge", tmp_path / "both.csv", "--samp"),
    ]
    for command in commands:
        code, _, err = run_command(*command)
        assert code == 0, err
        if "--samp" in command:
            assert "Sent to 2 programs by SAMP." in err
            assert list(received(listeners[1])["id"]) == ["g0", "g1", "g2"]
            listeners[1].came.clear()


def test_nobody_who_takes_tables(hub: object, tmp_path: Path) -> None:
    write_table(table(), tmp_path / "t.vot")
    with pytest.raises(GalaxtoolError, match="no program there accepts tables") as caught:
        send_table(tmp_path / "t.vot", "t", Silent())
    assert "TOPCAT" in caught.value.hint


@pytest.mark.parametrize("stale", [False, True])
def test_no_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stale: bool) -> None:
    lockfile = tmp_path / "hub"
    if stale:
        lockfile.write_text("samp.secret=x\nsamp.hub.xmlrpc.url=http://127.0.0.1:1/\nsamp.profile.version=1.3\n")
    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:{lockfile.as_uri()}")
    monkeypatch.setenv("HOME", str(tmp_path))
    write_table(table(), tmp_path / "t.vot")
    with pytest.raises(GalaxtoolError, match="no SAMP hub is running") as caught:
        send_table(tmp_path / "t.vot", "t", Silent())
    assert "Start TOPCAT" in caught.value.hint and (tmp_path / "t.vot").exists()


def test_a_table_that_galaxtool_does_not_read(listeners: list[Listener], tmp_path: Path) -> None:
    (tmp_path / "t.html").write_text("<table></table>")
    with pytest.raises(TableError, match="is not a table that galaxtool reads"):
        send_table(tmp_path / "t.html", "t", Silent())


def test_without_the_protocol_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("astropy.samp", "pyvo", "pyvo.samp"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(DependencyMissing) as caught:
        send_table(tmp_path / "t.vot", "t", Silent())
    assert "pip install 'pyvo" in caught.value.hint
