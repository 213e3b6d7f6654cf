"""Long jobs of `classify` and `embed`: parts, kills, shards, workers; the result is always the same bytes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from support.adder import make_adder
from support.helpers import make_model, write_fits, write_png
from support.processes import running
from support.training_helpers import run_command, run_failing

from galaxtool.commands.classify import classify
from galaxtool.errors import ConfigError, GalaxtoolError, ModelError
from galaxtool.executors.ordered_map import ordered_map
from galaxtool.executors.processes import ProcessExecutor
from galaxtool.executors.threads import ThreadExecutor
from galaxtool.inference.provenance import normalize_command
from galaxtool.jobs.job import count_batches_per_part
from galaxtool.jobs.shard import Shard
from galaxtool.models.engines.open import open_engine
from galaxtool.models.find import find_model
from galaxtool.types import Silent
from galaxtool.utils.files.locks import lock_file, lock_owner


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty images and one that is damaged."""
    folder = tmp_path_factory.mktemp("images")
    for i in range(15):
        write_fits(folder / "sky" / f"g{i}.fits", i, ra=150 + 0.01 * i, dec=-2.0, size=32)
        write_png(folder / f"p{i}.png", i)
    (folder / "p7x.fits").write_text("SIMPLE = no")
    return folder


def done(*words: object) -> str:
    code, out, err = run_command(*words)
    assert code == 0, err
    return out


def common(images: Path, model: Path) -> tuple[object, ...]:
    return (images, "--model", model, "--batch-size", 4, "--precision", "fp32", "--quiet")


# --- the engine ------------------------------------------------------------------------------------------------------


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a few images many, on a processor with AMX."""
    monkeypatch.setattr("galaxtool.models.engines.selection.MANY", 4)
    monkeypatch.setattr("galaxtool.models.engines.selection.has_amx", lambda: True)


class Interrupting(Silent):
    """A progress that is interrupted by Ctrl-C once so many images are done."""

    def __init__(self, after: int) -> None:
        self.left = after
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)

    def advance(self, n: int = 1, note: str = "") -> None:
        self.left -= n
        if self.left < 0:
            raise KeyboardInterrupt


def classify_begun(images: Path, *, after: int = 1000, **options: Any) -> list[str]:
    """Classify until so many images are done; return what was said, also by the interruption."""
    progress = Interrupting(after)
    try:
        classify([images], output=Path("p.csv"), batch_size=2, progress=progress, **options)
    except KeyboardInterrupt as error:
        progress.said += error.__notes__
    return progress.said


def only(monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    """Have bf16 computed by one engine: all are installed where the tests run."""
    if engine == "openvino":
        skip_without_bf16()
    monkeypatch.setattr("galaxtool.models.engines.selection.is_installed", lambda name: name == engine)


def skip_without_bf16() -> None:
    try:
        open_engine(find_model("mini"), "openvino", "cpu", "bf16")
    except ConfigError as error:
        pytest.skip(error.message)


@pytest.mark.parametrize("named_again", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "engine_at_first",
    [pytest.param("openvino", marks=pytest.mark.slow), pytest.param("torch", marks=pytest.mark.slow), "onnx"],
)
def test_a_job_goes_on_with_the_engine_it_began_with(
    engine_at_first: str, named_again: bool, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    precision = {"precision": "fp32" if engine_at_first == "onnx" else "bf16"}
    with monkeypatch.context() as patch:
        if engine_at_first != "onnx":
            only(patch, engine_at_first)
        patch.setattr("galaxtool.models.engines.selection.has_amx", lambda: True)
        classify_begun(images, **precision)
        whole = Path("p.csv").read_bytes()
        said = classify_begun(images, after=13, overwrite=True, **precision)
        assert said[-1].endswith("Resume with: the same call and resume=True")
        begun = json.loads(Path("p.csv.unfinished/job.json").read_text())
        assert begun["engine"] == engine_at_first and list(Path("p.csv.unfinished").glob("part-*"))
        assert begun["precision"] == precision["precision"]
    monkeypatch.setattr("galaxtool.models.engines.selection.has_amx", lambda: engine_at_first == "onnx")
    classify_begun(images, resume=True, **(precision if named_again else {}))
    assert Path("p.csv").read_bytes() == whole


@pytest.mark.slow
def test_a_named_engine_goes_on_with_the_precision_it_began_with(images: Path) -> None:
    skip_without_bf16()
    classify_begun(images, engine="openvino", precision="bf16")
    whole = Path("p.csv").read_bytes()
    classify_begun(images, after=13, overwrite=True, engine="openvino", precision="bf16")
    begun = json.loads(Path("p.csv.unfinished/job.json").read_text())
    classify_begun(images, resume=True, engine="openvino")
    assert begun["precision"] == "bf16" and Path("p.csv").read_bytes() == whole


@pytest.mark.slow
@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("engine", ["openvino", pytest.param("torch", marks=pytest.mark.slow)])
def test_bf16_is_computed_by_the_fastest_engine_and_only_where_it_is_named(
    engine: str, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, engine)
    code, _, err = run_command("classify", images, "-o", "fast.fits", "--precision", "bf16")
    assert code == 0 and "Computing in fp32" not in err
    code, _, err = run_command("classify", images, "-o", "exact.fits")
    assert code == 0 and err.count("Computing in fp32; --precision bf16") == 1 and "2 to 5 times" in err
    assert ("galaxtool[fast]" in err) == (engine == "torch")
    fast, exact = Table.read("fast.fits"), Table.read("exact.fits")
    headers = [(table.meta["ENGINE"], table.meta["PRECISN"]) for table in (fast, exact)]
    assert headers == [(engine, "bf16"), ("onnx", "fp32")]
    for name in (name for name in exact.colnames if name.startswith("p_")):
        assert np.allclose(fast[name].filled(np.nan), exact[name].filled(np.nan), atol=0.1, equal_nan=True)


@pytest.mark.parametrize(
    "options",
    [
        {},
        pytest.param({"engine": "onnx"}, marks=pytest.mark.slow),
        pytest.param({"precision": "fp32"}, marks=pytest.mark.slow),
        pytest.param({"executor": "threads"}, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("command", ["classify", "embed", "index"])
def test_auto_gives_the_same_numbers_on_every_machine(
    command: str, options: dict[str, str], images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the processor nor the number of images nor what is installed decides the engine or the precision."""
    output = "index" if command == "index" else "p.parquet"
    content = Path("index/index.faiss" if command == "index" else output)
    words = [command, images, "-o", output, "--overwrite", "--quiet"]
    words += [word for name, value in options.items() for word in (f"--{name}", value)]
    done(*words)
    plain = content.read_bytes()
    monkeypatch.setattr("galaxtool.models.engines.selection.MANY", 4)
    monkeypatch.setattr("galaxtool.models.engines.selection.has_amx", lambda: True)
    monkeypatch.setattr("galaxtool.models.engines.selection.is_installed", lambda _: True)
    done(*words)
    assert content.read_bytes() == plain
    if command != "index":
        meta = json.loads(pq.ParquetFile("p.parquet").schema_arrow.metadata[b"galaxtool"])
        assert (meta.get("ENGINE", meta.get("engine")), meta.get("PRECISN", "fp32")) == ("onnx", "fp32")


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("engine", [pytest.param("openvino", marks=pytest.mark.slow), "torch"])
def test_processes_and_clusters_compute_alike(lazy: bool, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, engine)
    opened = open_engine(find_model("mini"), "auto", "auto", "bf16", lazy=lazy)
    assert (opened.name, opened.device, opened.precision) == (engine, "cpu", "bf16")


# --- shards ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "suffix", ["csv", pytest.param("fits", marks=pytest.mark.slow), pytest.param("parquet", marks=pytest.mark.slow)]
)
def test_shards_merged_are_as_one_run(suffix: str, images: Path, model: Path) -> None:
    same = common(images, model)
    done("classify", *same, "-o", f"whole.{suffix}")
    for shard in ("2/3", "3/3", "1/3"):
        done("classify", *same, "-o", f"p.{suffix}", "--shard", shard)
        assert not Path(f"p.{suffix}").exists()
    merged = json.loads(done("merge", f"p.{suffix}", "--json"))
    assert (merged["n"], merged["errors"], merged["shards"]) == (31, 1, 3)
    assert Path(f"p.{suffix}").read_bytes() == Path(f"whole.{suffix}").read_bytes()
    assert not Path(f"p.{suffix}.unfinished").exists()


@pytest.mark.slow
def test_merge_writes_the_same_page_and_folders(images: Path, model: Path) -> None:
    same = common(images, model)
    Path("one").mkdir(), Path("two").mkdir()
    done("classify", *same, "-o", "one/p.csv", "--html", "one/p.html", "--sort-into", "one/sorted")
    for shard in ("1/2", "2/2"):
        done("classify", *same, "-o", "two/p.csv", "--shard", shard)
    Path("two/sorted").mkdir()
    Path("two/sorted/mine").touch()
    more = ("--html", "two/p.html", "--sort-into", "two/sorted")
    assert "already exists" in run_failing("merge", "two/p.csv", *more)
    Path("two/sorted/mine").unlink()
    merged = json.loads(done("merge", "two/p.csv", *more, "--json"))
    assert sum(merged["sorted_into"].values()) == 31
    assert Path("two/p.html").read_bytes() == Path("one/p.html").read_bytes()
    assert Path("two/p.html").read_text(encoding="utf-8").count("data:image/") > 10
    sorted_there = [sorted(p.relative_to(f) for p in Path(f).rglob("*.*")) for f in ("one/sorted", "two/sorted")]
    assert sorted_there[0] == sorted_there[1] and len(sorted_there[0]) == 31 + 1  # and a list


def test_embeddings_are_merged_without_a_page(images: Path, model: Path) -> None:
    for shard in ("1/2", "2/2"):
        done("embed", *common(images, model), "-o", "e.npy", "--shard", shard)
    assert "no classes" in run_failing("merge", "e.npy", "--html", "p.html")
    done("merge", "e.npy")


@pytest.mark.slow
def test_embeddings_in_shards(images: Path, model: Path) -> None:
    same = common(images, model)
    done("embed", *same, "-o", "whole.npy")
    for shard in ("1/2", "2/2"):
        done("embed", *same, "-o", "e.npy", "--shard", shard)
    done("merge", "e.npy")
    for suffix in (".npy", ".ids.csv", ".meta.json"):
        assert Path("e").with_suffix(suffix).read_bytes() == Path("whole").with_suffix(suffix).read_bytes()
    assert np.isnan(np.load("e.npy")).all(axis=1).sum() == 1


def test_merge_names_the_shards_that_are_missing(images: Path, model: Path) -> None:
    assert "There is no unfinished work" in run_failing("merge", "p.csv")
    done("classify", *common(images, model), "-o", "p.csv", "--shard", "2/3")
    said = run_failing("merge", "p.csv")
    assert "parts of 'p.csv' are not done" in said and "--shard 1/3, 3/3" in said


def test_merge_to_another_format_and_keep(images: Path, model: Path) -> None:
    for shard in ("1/2", "2/2"):
        done("classify", *common(images, model), "-o", "p.csv", "--shard", shard)
    done("merge", "p.csv", "-o", "p.parquet", "--keep")
    done("merge", "p.csv.unfinished")
    assert pq.ParquetFile("p.parquet").metadata.num_rows == 31 and len(Path("p.csv").read_text().splitlines()) == 32


def test_merge_waits_for_a_shard_at_work(images: Path, model: Path) -> None:
    for shard in ("1/2", "2/2"):
        done("classify", *common(images, model), "-o", "p.csv", "--shard", shard)
    script = (
        "import sys; from pathlib import Path; from galaxtool.utils.files.locks import lock_file\n"
        "folder = Path('p.csv.unfinished')\n"
        "held = [lock_file(folder / '.lock', shared=True), lock_file(folder / '.lock-1-of-2')]\n"
        "print('held', flush=True); sys.stdin.readline()"
    )
    with running([sys.executable, "-c", script], stdin=-1, stdout=-1, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        said = run_failing("merge", "p.csv")
        assert "is still running" in said and f"process {process.pid} on" in said
        again = ("classify", *common(images, model), "-o", "p.csv", "--resume", "--shard")
        assert f"process {process.pid} on" in run_failing(*again, "1/2")
        done(*again, "2/2")
        process.kill()
    done("merge", "p.csv")


def test_a_shard_goes_on_only_when_told(images: Path, model: Path) -> None:
    again = ("classify", *common(images, model), "-o", "p.csv", "--shard", "1/2")
    done(*again)
    assert "unfinished work from an earlier run" in run_failing(*again)
    done(*again, "--resume")
    done(*again, "--overwrite")
    said = run_failing(
        "classify", images, "--model", model, "--batch-size", 5, "-o", "p.csv", "--shard", "2/2", "--precision", "fp32"
    )
    assert "has a different batch size" in said and "all shards" in said


def test_another_model_is_named_without_what_follows_from_it(images: Path, model: Path) -> None:
    done("classify", *common(images, model), "-o", "p.csv", "--shard", "1/2")
    other = make_model(Path("other"), ("disturbed", "merging"), seed=1)
    assert "a different model." in run_failing("classify", *common(images, other), "-o", "p.csv", "--shard", "2/2")


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "a/b", "1/0", "-1/2"])
def test_what_is_no_shard(text: str) -> None:
    with pytest.raises(ConfigError, match="--shard is"):
        Shard.parse(text)


def test_every_part_has_one_shard() -> None:
    for count in (1, 2, 7):
        shards = [Shard.parse(f"{i + 1}/{count}") for i in range(count)]
        assert all(sum(shard.has(n) for shard in shards) == 1 for n in range(20))


def test_small_jobs_have_parts_for_every_shard() -> None:
    assert count_batches_per_part(10_000, 1) == 16
    assert count_batches_per_part(32, 4) == 2
    assert count_batches_per_part(1, 8) == count_batches_per_part(0, 1) == 1


# --- kills -----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["csv", "fits"])
def test_killed_again_and_again(suffix: str, images: Path, model: Path) -> None:
    """SIGKILL when so many parts are there; after each, the same command goes on where it was."""
    same = (*common(images, model), "--executor", "processes", "--workers", 2)
    command = [sys.executable, "-m", "galaxtool", "classify", *map(str, same), "-o"]
    subprocess.run([*command, f"whole.{suffix}"], check=True)
    folder = Path(f"p.{suffix}.unfinished")
    for parts in (1, 2, 3):
        with running([*command, f"p.{suffix}", "--resume"]) as process:
            while process.poll() is None and len(list(folder.glob("part-*.parquet"))) < parts:
                time.sleep(0.001)
            process.send_signal(signal.SIGKILL)
    subprocess.run([*command, f"p.{suffix}", "--resume"], check=True)
    assert Path(f"p.{suffix}").read_bytes() == Path(f"whole.{suffix}").read_bytes()
    assert not folder.exists() and not list(Path().glob(".unfinished-*"))


def test_the_folder_goes_away(images: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    from galaxtool.models.engines.protocol import Scores
    from galaxtool.models.engines.torch import TorchEngine

    run = TorchEngine.run

    def remove(self: TorchEngine, pictures: np.ndarray) -> Scores:
        shutil.rmtree("out")
        monkeypatch.setattr(TorchEngine, "run", run)
        return run(self, pictures)

    monkeypatch.setattr(TorchEngine, "run", remove)
    said = run_failing("classify", *common(images, model), "-o", "out/p.csv")
    assert "was removed" in said and "Traceback" not in said


# --- workers ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_wherever_it_is_done(images: Path, model: Path) -> None:
    same = common(images, model)
    ways = {"one": ("threads", 1), "threads": ("threads", 3), "processes": ("processes", 2)}
    for name, (executor, workers) in ways.items():
        done("classify", *same, "-o", f"{name}.csv", "--executor", executor, "--workers", workers)
    one = Path("one.csv").read_text().splitlines()
    for name in ("threads", "processes"):
        table = Path(f"{name}.csv").read_text().splitlines()
        assert [row.split(",")[:5] for row in table] == [row.split(",")[:5] for row in one]
        for a, b in zip(table[1:], one[1:], strict=True):
            numbers = [[float(cell or "nan") for cell in row.split(",")[5:9]] for row in (a, b)]
            np.testing.assert_allclose(*numbers, atol=1e-3)


def test_workers_that_make_no_sense(images: Path, model: Path) -> None:
    same = ("classify", images, "--model", model, "-o", "p.csv")
    assert "--workers is 0" in run_failing(*same, "--workers", 0)
    assert "no executor called 'threds'. Did you mean 'threads'?" in run_failing(*same, "--executor", "threds")


@pytest.mark.parametrize("kind", [ThreadExecutor, ProcessExecutor])
def test_results_come_in_order_and_few_are_ahead(kind: type[ThreadExecutor]) -> None:
    taken: list[int] = []

    def tasks() -> object:
        for number in range(40):
            taken.append(number)
            yield number

    executor = kind(2)
    results = executor.map(make_adder, tasks())  # type: ignore[arg-type]
    assert [next(results) for _ in range(5)] == [10, 11, 12, 13, 14]
    assert len(taken) <= 5 + 3 * 2
    assert list(results) == list(range(15, 50))
    executor.close()


@pytest.mark.parametrize("kind", [ThreadExecutor, ProcessExecutor])
def test_an_error_of_a_worker_comes_out_as_itself(kind: type[ThreadExecutor]) -> None:
    with pytest.raises(ModelError, match="No such model") as caught:
        list(kind(2).map(make_adder, [1, -1, 2]))
    assert caught.value.hint == "Train one."


def test_a_worker_that_is_killed() -> None:
    with pytest.raises(GalaxtoolError, match="was killed") as caught:
        list(ProcessExecutor(1).map(make_adder, [1, -2, 2]))
    assert "--resume" in caught.value.hint


def test_cancelled_when_nobody_wants_more() -> None:
    from concurrent.futures import Future

    futures: list[Future[int]] = []

    def submit(task: int) -> Future[int]:
        future: Future[int] = Future()
        futures.append(future)
        if task == 0:
            future.set_result(0)
        return future

    results = ordered_map(submit, range(10), 3)
    assert next(results) == 0
    results.close()  # type: ignore[attr-defined]
    assert all(future.cancelled() for future in futures[1:])


# --- small parts -----------------------------------------------------------------------------------------------------


def test_a_lock_says_who_holds_it(tmp_path: Path) -> None:
    with lock_file(tmp_path / "lock"):
        assert f"process {os.getpid()} on" in lock_owner(tmp_path / "lock")
        assert lock_file(tmp_path / "lock") is None and lock_file(tmp_path / "lock", shared=True) is None
    with lock_file(tmp_path / "lock", shared=True), lock_file(tmp_path / "lock", shared=True):
        assert lock_file(tmp_path / "lock") is None
    assert lock_owner(tmp_path / "nothing") == ""


def test_the_command_in_a_header() -> None:
    words = ["/x/galaxtool", "classify", "in", "--output=p.fits", "--shard", "1/2", "--resume", "-q", "--top-k", "2"]
    assert normalize_command(words) == "galaxtool classify in --top-k 2"
    assert normalize_command([]) == ""
