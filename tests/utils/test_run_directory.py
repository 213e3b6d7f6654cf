"""Run directories, and files that are whole or not there."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import galaxtool
from galaxtool.errors import GalaxtoolError, InputError, OutputExists
from galaxtool.utils.config import Invocation, invocation
from galaxtool.utils.digests import hash_file, hash_json
from galaxtool.utils.files.atomic_write import atomic_write, write_json
from galaxtool.utils.files.locks import lock_file
from galaxtool.utils.run_directory import RunDirectory
from galaxtool.utils.run_manifest import find_versions, utc_now


def create(path: Path, overwrite: bool = False, **config: object) -> RunDirectory:
    return RunDirectory.create(path, command="finetune", config={"seed": 3, **config}, overwrite=overwrite)


def manifest(path: Path) -> dict:
    return json.loads((path / "manifest.json").read_text())


@pytest.fixture
def another_process() -> Iterator[subprocess.Popen]:
    """A process that holds the run directory whose path it is given, until it is told to end."""
    script = (
        "import sys; from pathlib import Path; from galaxtool.utils.files.locks import lock_file\n"
        "held = lock_file(Path(sys.stdin.readline().strip())); print('held', flush=True); sys.stdin.readline()"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        yield process
        process.kill()


def lock(process: subprocess.Popen, path: Path) -> None:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(f"{path}\n")
    process.stdin.flush()
    assert process.stdout.readline() == "held\n"


def test_manifest_is_written_first_and_says_what_was_asked(tmp_path: Path) -> None:
    token = invocation.set(Invocation(argv=("galaxtool", "finetune"), sources={"epochs": "flag", "out": "default"}))
    try:
        run = create(tmp_path / "run", epochs=2, out=tmp_path, dataset=(Path("a"), "b"))
    finally:
        invocation.reset(token)
    found = manifest(run.path)
    assert found["status"] == "running" and found["finished"] is None and found["started"] <= utc_now()
    assert found["argv"] == ["galaxtool", "finetune"] and found["seed"] == 3
    assert found["config"]["epochs"] == {"value": 2, "source": "flag"}
    assert found["config"]["out"] == {"value": str(tmp_path), "source": "default"}
    assert found["config"]["dataset"]["value"] == ["a", "b"]
    assert found["versions"]["galaxtool"] and found["versions"]["python"]
    run.release()


def test_from_python_the_source_is_python(tmp_path: Path) -> None:
    run = create(tmp_path / "run")
    run.release()
    assert manifest(run.path)["config"]["seed"]["source"] == "python"
    assert find_versions()["torch"]


def test_outputs_have_their_digests(tmp_path: Path) -> None:
    run = create(tmp_path / "run")
    for name in ("metrics.json", "model/model.json", "checkpoints/last.pt"):
        (run.path / name).parent.mkdir(exist_ok=True)
        (run.path / name).write_text(name)
    run.finish("done")
    outputs = manifest(run.path)["outputs"]
    assert outputs == {
        name: {"bytes": len(name), "sha256": hashlib.sha256(name.encode()).hexdigest()}
        for name in ("metrics.json", "model/model.json")
    }
    assert manifest(run.path)["status"] == "done" and manifest(run.path)["finished"]
    assert not (run.path / ".lock").exists()


@pytest.mark.parametrize("status", ["done", "failed", "interrupted", "running"])
def test_an_existing_run_is_kept_unless_overwritten(status: str, tmp_path: Path) -> None:
    run = create(tmp_path / "run")
    (run.path / "metrics.json").write_text("{}")
    run.finish(status)
    with pytest.raises(OutputExists, match=rf"{status if status != 'done' else 'finished'}.* run") as caught:
        create(run.path)
    assert "--overwrite" in caught.value.hint and ("--resume" in caught.value.hint) == (status != "done")
    assert (run.path / "metrics.json").exists()
    again = create(run.path, overwrite=True)
    assert sorted(p.name for p in again.path.iterdir()) == [".lock", "manifest.json"]
    again.release()


@pytest.mark.parametrize(
    ("command", "resume"),
    [("finetune", ", or --resume RUN."), ("evaluate", ", or --resume."), ("cluster", "."), ("compare", ".")],
)
def test_only_what_the_command_has_is_proposed(command: str, resume: str, tmp_path: Path) -> None:
    RunDirectory.create(tmp_path / "run", command=command, config={}).finish("interrupted")
    for begins, end in ((command, resume), ("detect train", ".")):
        with pytest.raises(OutputExists) as caught:
            RunDirectory.create(tmp_path / "run", command=begins, config={})
        hint = caught.value.hint.replace(str(tmp_path / "run"), "RUN")
        assert hint == f"Choose another --output, or --overwrite{end}"


def test_a_run_of_another_command_is_not_resumed(tmp_path: Path) -> None:
    RunDirectory.create(tmp_path / "scores", command="evaluate", config={}).finish("interrupted")
    before = (tmp_path / "scores" / "manifest.json").read_text()
    with pytest.raises(InputError, match="was begun by `galaxtool evaluate`, not by `galaxtool finetune`"):
        galaxtool.finetune(resume=tmp_path / "scores")
    assert (tmp_path / "scores" / "manifest.json").read_text() == before
    RunDirectory.open(tmp_path / "scores").release()


@pytest.mark.parametrize("overwrite", [False, True])
def test_what_is_no_run_is_never_emptied(overwrite: bool, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputExists):
        create(tmp_path, overwrite)
    (tmp_path / "manifest.json").write_text("{ not ours")
    with pytest.raises(OutputExists):
        create(tmp_path, overwrite)
    with pytest.raises(OutputExists, match="is a file"):
        create(tmp_path / "thesis.tex", overwrite)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


@pytest.mark.parametrize("name", ["thesis.tex", "model/notes.txt", "figures/mine.png", "sub/deep/x", "empty/"])
def test_a_run_with_other_files_is_not_emptied(name: str, tmp_path: Path) -> None:
    run = create(tmp_path / "run")
    (run.path / "model").mkdir()
    (run.path / "model" / "model.json").write_text("{}")
    run.finish("done")
    file = run.path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    if name.endswith("/"):
        file.mkdir()
    else:
        file.write_text("precious")
    with pytest.raises(OutputExists, match=name.rstrip("/")):
        create(run.path, overwrite=True)
    assert file.exists() and (run.path / "model" / "model.json").exists()


def test_what_somebody_puts_into_a_run_meanwhile_is_not_an_output_of_it(tmp_path: Path) -> None:
    run = create(tmp_path / "run")
    (run.path / "thesis.tex").write_text("precious")
    write_json(run.path / "own.json", {})
    run.finish("done")
    assert set(manifest(run.path)["outputs"]) == {"own.json"}
    with pytest.raises(OutputExists, match=r"also contains 'thesis\.tex'"):
        create(run.path, overwrite=True)
    (run.path / "thesis.tex").unlink()
    create(run.path, overwrite=True).release()
    assert not (run.path / "own.json").exists()


@pytest.mark.parametrize("content", ["[]", "1", '{"status": "running"}', "[" * 100_000])
def test_a_manifest_of_something_else_is_not_resumed(content: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(InputError, match="is damaged"):
        RunDirectory.open(tmp_path)


def test_the_manifest_of_another_program_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    (tmp_path / "manifest.json").write_text('{"status": "done"}')
    with pytest.raises(OutputExists, match="not a run directory"):
        create(tmp_path, overwrite=True)
    assert (tmp_path / "thesis.tex").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model", "{run}"),
        ("model", "{run}/model"),
        ("backbone", "mini@{run}/model/weights.safetensors"),
        ("evaluations", ["elsewhere", "mine={run}:head"]),
        ("inputs", ["{link}/embeddings.parquet"]),
        ("option", ("teacher={run}",)),
    ],
)
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_run_that_the_command_reads_from_is_not_emptied(
    name: str, value: str | list[str], overwrite: bool, tmp_path: Path
) -> None:
    run = create(tmp_path / "run")
    (run.path / "model").mkdir()
    for file in ("model/weights.safetensors", "embeddings.parquet"):
        (run.path / file).write_text("precious")
    run.finish("done")
    (tmp_path / "link").symlink_to(run.path)
    places = {"run": run.path, "link": tmp_path / "link"}
    given = value.format(**places) if isinstance(value, str) else [text.format(**places) for text in value]
    with pytest.raises(OutputExists, match="is read from the run") as caught:
        create(run.path, overwrite, **{name: given})
    assert "--overwrite" not in caught.value.hint
    assert (run.path / "model" / "weights.safetensors").read_text() == "precious"


def test_a_run_is_emptied_by_a_command_that_reads_beside_it(tmp_path: Path) -> None:
    create(tmp_path / "run").finish("done")
    (tmp_path / "run2").mkdir()
    settings = {"model": str(tmp_path / "run2"), "inputs": [tmp_path, "nowhere"], "output": tmp_path / "run"}
    create(tmp_path / "run", overwrite=True, split=tmp_path / "run" / "manifest.json", **settings).release()


def test_overwriting_does_not_follow_links(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "data").write_text("kept")
    run = create(tmp_path / "run")
    (run.path / "figures").symlink_to(tmp_path / "precious")
    run.finish("done")
    create(run.path, overwrite=True).release()
    assert (tmp_path / "precious" / "data").read_text() == "kept" and not (run.path / "figures").exists()


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    run = create(tmp_path)
    assert manifest(tmp_path)["status"] == "running"
    run.release()


def test_a_run_in_use_is_left_alone(tmp_path: Path, another_process: subprocess.Popen) -> None:
    run = create(tmp_path / "run")
    run.finish("interrupted")
    lock(another_process, run.path / ".lock")
    for attempt in (lambda: create(run.path, overwrite=True), lambda: RunDirectory.open(run.path)):
        with pytest.raises(OutputExists, match="Another galaxtool process"):
            attempt()
    assert manifest(run.path)["status"] == "interrupted"
    another_process.kill()
    another_process.wait()
    reopened = RunDirectory.open(run.path)
    assert manifest(run.path)["status"] == "running" and len(manifest(run.path)["resumed"]) == 1
    reopened.release()


def test_only_an_unfinished_run_is_opened(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a run directory"):
        RunDirectory.open(tmp_path / "nowhere")
    create(tmp_path / "run").finish("done")
    with pytest.raises(InputError, match="is finished"):
        RunDirectory.open(tmp_path / "run")
    (tmp_path / "run" / "manifest.json").write_text("{ half")
    with pytest.raises(InputError, match=r"manifest\.json' is damaged"):
        RunDirectory.open(tmp_path / "run")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(GalaxtoolError, match=r"Cannot write '.*run': the folder '.*' cannot be written to"):
        create(tmp_path / "run")


def test_a_run_cannot_be_made_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(GalaxtoolError, match=r"Cannot write '.*run': '.*file' is not a folder"):
        create(tmp_path / "file" / "run")


# --- files -----------------------------------------------------------------------------------------------------------


def test_replacing_puts_a_whole_file_in_place(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file.txt"
    with atomic_write(target) as temporary:
        temporary.write_text("whole")
        assert not target.exists() and temporary.suffix == ".txt"
    assert target.read_text() == "whole" and [p.name for p in target.parent.iterdir()] == ["file.txt"]
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(target.stat().st_mode) == 0o666 & ~mask


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("other"), KeyboardInterrupt()])
def test_replacing_leaves_the_earlier_file(error: BaseException, tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    target.write_text("earlier")
    wanted = GalaxtoolError if isinstance(error, OSError) else type(error)
    with pytest.raises(wanted) as caught, atomic_write(target) as temporary:
        temporary.write_text("half")
        raise error
    if isinstance(error, OSError):
        assert "No space left on device" in str(caught.value)
    assert target.read_text() == "earlier" and [p.name for p in tmp_path.iterdir()] == ["file.txt"]


def test_replacing_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(GalaxtoolError, match="Cannot write to the folder"), atomic_write(tmp_path / "file" / "x"):
        pytest.fail("the block must not run")
    (tmp_path / "folder").mkdir()
    with pytest.raises(GalaxtoolError, match="Cannot write"), atomic_write(tmp_path / "folder") as temporary:
        temporary.write_text("")


def test_digests(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    assert hash_file(tmp_path / "f") == hashlib.sha256(b"abc").hexdigest()
    assert hash_json({"a": 1, "b": [2]}) == hash_json({"b": [2], "a": 1}) != hash_json({"a": 1, "b": [3]})


def test_json_is_readable_utf8(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"b": "Übersicht", "a": None})
    text = (tmp_path / "x.json").read_text(encoding="utf-8")
    assert "Übersicht" in text and list(json.loads(text)) == ["b", "a"] and text.endswith("}\n")


def test_a_lock_goes_with_its_process(tmp_path: Path, another_process: subprocess.Popen) -> None:
    place = tmp_path / ".lock"
    lock(another_process, place)
    assert lock_file(place) is None
    another_process.kill()
    another_process.wait()
    held = lock_file(place)
    assert held is not None
    held.close()
