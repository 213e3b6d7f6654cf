"""Fixtures shared by the tests."""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
SLOW_LIMIT = 1800
"""Seconds for a test that is marked slow; `timeout` in pyproject.toml is for all others."""

# a job in the background of a shell ignores Ctrl-C, and so would the commands that the tests interrupt
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# `make test` draws the same examples each time; `make fuzz` draws new ones, and many more
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("fuzz", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("GALAXTOOL_HYPOTHESIS", "repeatable"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real images, or skip the test if it does not exist."""
    folder = Path(os.environ.get("GALAXTOOL_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real images at {folder}; set GALAXTOOL_TEST_DATA")
    return folder


@pytest.fixture(autouse=True)
def _isolate_environment(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep every test away from the network and from the cache of the user."""
    monkeypatch.setenv("GALAXTOOL_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("GALAXTOOL_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path_factory.getbasetemp() / "hub"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path_factory.getbasetemp() / "torch"))


@pytest.fixture(scope="module")
def narrow() -> Iterator[None]:
    """Reduce `small-resnet` to a few channels; see `training_helpers.narrow_resnet`."""
    from support.training_helpers import narrow_resnet

    with narrow_resnet():
        yield


@pytest.fixture
def without_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the plugins of this project where they are installed."""
    monkeypatch.setenv("GALAXTOOL_PLUGINS", "")
    hidden = {folder for folder in sys.path for _ in Path(folder or ".").glob("galaxtool_*.dist-info")}
    monkeypatch.setattr(sys, "path", [folder for folder in sys.path if folder not in hidden])


@pytest.fixture
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder, and skip the figures of runs, which take longer than the training."""
    monkeypatch.chdir(tmp_path)
    for name in ("_draw_history", "_draw_confusion"):
        monkeypatch.setattr(f"galaxtool.finetuning.report.{name}", lambda *_, **__: None)


@pytest.fixture(scope="session")
def loopback() -> None:
    """Skip the test if processes of this machine cannot connect to each other."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname(), timeout=5).close()
    except OSError as error:
        pytest.skip(f"no connection on 127.0.0.1: {error}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give slow tests more time."""
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW_LIMIT))


def pytest_collection_finish() -> None:
    """Spare the seven thousand tests themselves from each search for unreachable objects."""
    gc.collect()
    gc.freeze()


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Name long bytes by their argument: packed files hold the time, and each process must find the same tests."""
    return argname if isinstance(val, bytes) and len(val) > 24 else None
