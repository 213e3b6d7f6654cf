"""Fixtures shared by the tests."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

# the tests that judge a change draw the same examples each time; make fuzz draws new ones, and many more
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("fuzz", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("GALAXTOOL_HYPOTHESIS", "repeatable"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real images; the test is skipped where it is absent."""
    folder = Path(os.environ.get("GALAXTOOL_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real images at {folder}; set GALAXTOOL_TEST_DATA")
    return folder


@pytest.fixture(autouse=True)
def _private_places(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep every test off the network and off the user's own cache."""
    monkeypatch.setenv("GALAXTOOL_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("GALAXTOOL_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path_factory.getbasetemp() / "hub"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path_factory.getbasetemp() / "torch"))


@pytest.fixture(scope="session")
def loopback() -> None:
    """Skip the test where processes of this machine cannot reach one another."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname(), timeout=5).close()
    except OSError as error:
        pytest.skip(f"no connection on 127.0.0.1: {error}")
