"""Work in a child process that may die or never end."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from galaxtool.utils.guarded_child import ChildFailed, GuardedChild

MODULE = """
import os, signal, time
def work(request):
    print("noise")
    if request == "die": os.kill(os.getpid(), signal.SIGSEGV)
    if request == "exit": os._exit(3)
    if request == "hang": time.sleep(60)
    if request == "raise": raise ValueError("no such thing")
    if request == "odd": return lambda: 0
    return [request, os.getpid()]
"""


def test_a_child_that_dies_or_hangs_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "risky_work.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    child = GuardedChild("risky_work:work")
    first = child.ask("a" * 300_000, 20)
    assert first[0] == "a" * 300_000 and child.ask({"b": 1}, 20) == [{"b": 1}, first[1]]
    with pytest.raises(ChildFailed, match="SIGSEGV"):
        child.ask("die", 20)
    with pytest.raises(ChildFailed, match="exit status 3"):
        child.ask("exit", 20)
    started = time.monotonic()
    with pytest.raises(ChildFailed, match="within 1 s"):
        child.ask("hang", 1)
    assert time.monotonic() - started < 10
    for request, reason in (("raise", "ValueError: no such thing"), ("odd", "pickle")):
        with pytest.raises(ChildFailed, match=reason):
            child.ask(request, 20)
    assert child.ask("c", 20)[0] == "c"
    child._stop()
