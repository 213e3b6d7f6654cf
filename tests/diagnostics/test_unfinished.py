"""Work that ended early is found again: by the next run, as an input, by the doctor; and signals leave it in order."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from support.helpers import write_png

import galaxtool
from galaxtool.cli.errors import print_interruption
from galaxtool.cli.signals import Stopped, stop_on_signals
from galaxtool.diagnostics.unfinished import find_unfinished
from galaxtool.errors import InputError
from galaxtool.inputs.gather import gather
from galaxtool.utils.config import Invocation, invocation
from galaxtool.utils.files.ignored_names import IS_UNFINISHED
from galaxtool.utils.resume_command import make_resume_command


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an image and an unfinished job that has an image of its own, as a stack of cutouts would be."""
    monkeypatch.chdir(tmp_path)
    write_png(tmp_path / "in" / "a.png", 1)
    parts = tmp_path / "in" / "p.csv.unfinished"
    write_png(parts / "b.png", 2)
    (parts / "part-000000.parquet").write_bytes(b"")
    record = {"parts": 4, "shards": 1, "resume": "galaxtool classify in -o in/p.csv --resume", "folder": str(tmp_path)}
    (parts / "job.json").write_text(json.dumps(record))
    return tmp_path


@pytest.mark.parametrize(
    ("argv", "command"),
    [
        (("/usr/bin/galaxtool", "classify", "a b", "-o", "p.csv"), "galaxtool classify 'a b' -o p.csv --resume"),
        (("/x/__main__.py", "embed", "in", "--overwrite", "--resume"), "galaxtool embed in --resume"),
        (("galaxtool", "embed", "--overwrite", "--", "-in", "--resume"), "galaxtool embed --resume -- -in --resume"),
        ((), "the same call and resume=True"),
    ],
)
def test_the_command_to_type(argv: tuple[str, ...], command: str) -> None:
    token = invocation.set(Invocation(argv=argv))
    try:
        assert make_resume_command() == command
    finally:
        invocation.reset(token)


@pytest.mark.usefixtures("folder")
def test_parts_are_no_inputs() -> None:
    found = gather(["in"])
    assert [item.id for item in found.items] == ["a"]
    assert dict(found.skipped) == {IS_UNFINISHED: 1}
    with pytest.raises(InputError, match="not a folder of images") as raised:
        gather(["in/p.csv.unfinished"])
    assert "finished parts of 'p.csv'" in raised.value.hint and "--resume" in raised.value.hint
    with pytest.raises(InputError, match="There is nothing at") as raised:
        gather(["in/p.csv"])
    assert "It is unfinished" in raised.value.hint and "--resume" in raised.value.hint


def test_the_doctor_lists_them(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "in" / ".unfinished-x1.csv").write_bytes(b"")
    job, files = find_unfinished(Path())
    assert "'in/p.csv.unfinished', 1 of 4 parts; resume it with: galaxtool classify in -o in/p.csv --resume" in job
    assert files.startswith("1 temporary file .unfinished-* such as 'in/.unfinished-x1.csv'")
    monkeypatch.chdir(folder / "in")
    assert f"resume it in {folder} with: galaxtool classify" in find_unfinished(Path())[0]
    (folder / "in/p.csv.unfinished/job.json").write_text("{")
    assert "by running its command again with --resume" in find_unfinished(Path())[0]


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no SIGHUP")
def test_signals_stop_in_order() -> None:
    before = signal.getsignal(signal.SIGTERM)
    for number in (signal.SIGTERM, signal.SIGHUP):
        with pytest.raises(Stopped) as raised, stop_on_signals():
            os.kill(os.getpid(), number)
        assert raised.value.number == number
    assert signal.getsignal(signal.SIGTERM) is before
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with stop_on_signals():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def test_an_interruption_says_how_to_resume(capsys: pytest.CaptureFixture[str]) -> None:
    error = Stopped(signal.SIGTERM)
    error.add_note("Resume with: galaxtool x --resume")
    print_interruption(error)
    print_interruption(KeyboardInterrupt())
    assert capsys.readouterr().err.splitlines() == [
        "Interrupted by SIGTERM.", "Resume with: galaxtool x --resume", "Interrupted."
    ]  # fmt: skip


def test_a_full_disk_says_how_to_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(4):
        write_png(tmp_path / "in" / f"{seed}.png", seed)

    def fail(*_: object, **__: object) -> None:
        raise galaxtool.GalaxtoolError("Cannot write 'p.csv': No space left on device.")

    monkeypatch.setattr("galaxtool.reports.outputs.write_stream", fail)
    with pytest.raises(galaxtool.GalaxtoolError, match="No space") as raised:
        galaxtool.classify([tmp_path / "in"], output=tmp_path / "p.csv")
    (note,) = raised.value.__notes__
    assert note.endswith("Resume with: the same call and resume=True") and "parts are done and kept in" in note
    monkeypatch.undo()
    assert galaxtool.classify([tmp_path / "in"], output=tmp_path / "p.csv", resume=True).n == 4
