"""Thousands of damaged and lying files: a row or an error for each, in bounded time and memory, whatever they hold.

The mutants are those of `mutants`, classified by `mutant_runs` in a process of its own. The numbers are the same each
time, unless GALAXTOOL_FUZZ_SEED says otherwise, as ``make fuzz`` does.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.mutant_runs import find_problems
from support.mutant_seeds import make_catalogues, make_containers, make_images
from support.mutants import Mutant, make_mutant, make_seeds

RUNS = Path(__file__).resolve().parents[1] / "support" / "mutant_runs.py"
SEED = os.environ.get("GALAXTOOL_FUZZ_SEED", "")
FIRST = int(SEED or 0) * 10_000
FEW, SOME = (2000, 400) if SEED else (40, 20)


def classified(
    folder: Path, kind: str, first: int, count: int, *, limit: float = 30, timeout: float = 900
) -> dict[str, int]:
    """Classify mutants, and fail naming those that something is wrong with; return what came of them."""
    done = _ran("run", kind, first, count, folder, limit=limit, timeout=timeout)
    if done.returncode:
        _fail(folder, kind, first, count, limit, done)
    result = json.loads(done.stdout)
    assert result["problems"] == [], f"{_again(kind)}\n" + "\n".join(result["problems"])
    counts: dict[str, int] = result["counts"]
    return counts


def _fail(folder: Path, kind: str, first: int, count: int, limit: float, done: subprocess.CompletedProcess) -> None:
    """Fail, naming the mutant that took too long or ended the process."""
    alone = _ran("each", kind, first, count, folder / "alone", limit=limit, timeout=1200)
    last = alone.stdout.splitlines()[-1:]
    which = f"{last} or one before it" if alone.returncode else "none of them alone"
    pytest.fail(f"ended by {which}; {_again(kind)}\n{done.stderr[-3000:]}")


def _ran(
    what: str, kind: str, first: int, count: int, folder: Path, *, limit: float, timeout: float
) -> subprocess.CompletedProcess:
    command = [sys.executable, RUNS, what, kind, str(first), str(count), folder, str(limit)]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=timeout, check=False)


def _again(kind: str) -> str:
    return f"to write one of them: python {RUNS} write {kind} NUMBER FOLDER"


# --- runs -------------------------------------------------------------------------------------------------------------


def test_a_row_for_each_of_some_mutants(tmp_path: Path) -> None:
    counts = classified(tmp_path, "files", FIRST, FEW)
    assert counts["mutants"] == FEW and counts["rows"] > FEW
    assert 0.2 * counts["rows"] < counts["errors"] < 0.8 * counts["rows"]  # so that there is something to be learnt


@pytest.mark.slow
def test_a_row_for_each_row_of_damaged_catalogues(tmp_path: Path) -> None:
    counts = classified(tmp_path, "catalogues", FIRST, SOME)
    assert counts["mutants"] == SOME and counts["rows"] and counts["refused"]


@pytest.mark.slow
def test_a_row_for_each_of_five_thousand_mutants(tmp_path: Path) -> None:
    counts = classified(tmp_path, "files", FIRST + 2000, 5000)
    assert counts["mutants"] == 5000 and counts["rows"] > 5000


@pytest.mark.slow
def test_a_row_for_each_row_of_many_damaged_catalogues(tmp_path: Path) -> None:
    assert classified(tmp_path, "catalogues", FIRST + 2000, 500)["mutants"] == 500


@pytest.mark.slow
@pytest.mark.shared_data
def test_a_row_for_each_mutant_of_real_images(shared_data: Path, tmp_path: Path) -> None:
    assert classified(tmp_path, str(shared_data), FIRST, 500)["mutants"] == 500


# --- what would be noticed --------------------------------------------------------------------------------------------


def test_a_mutant_is_the_same_again() -> None:
    seeds = make_seeds("files")
    made = [make_mutant(n, seeds) for n in range(200)]
    assert made == [make_mutant(n, dict(reversed(seeds.items()))) for n in range(200)]
    assert sum(m.content in seeds.values() for m in made) < 20
    assert len({m.name for m in made}) == 200


def test_seeds_are_of_every_kind() -> None:
    suffixes = {name.partition(".")[2] for name in (*make_images(), *make_containers(), *make_catalogues())}
    for kind in ("fits", "fits.gz", "fits.fz", "png", "jpg", "tif", "webp", "bmp", "gif", "zip", "h5", "npy", "npz"):
        assert kind in suffixes
    assert {"tar", "tar.gz", "tar.bz2", "tar.xz", "csv", "ecsv", "vot", "parquet"} <= suffixes


@pytest.mark.parametrize("what", [pytest.param("run", marks=pytest.mark.slow), "each"])
def test_what_takes_too_long_is_named(what: str, tmp_path: Path) -> None:
    done = _ran(what, "files", 7, 2, tmp_path, limit=0.0005, timeout=120)
    # faulthandler may itself fall over what runs while it looks at it
    assert done.returncode in (1, -signal.SIGSEGV) and "Timeout" in done.stderr
    assert what == "run" or done.stdout.splitlines()[-1].startswith("7 000000007-")


GOOD = {"path": "/x/1.png", "label": "a", "probability": "0.75", "p_a": "0.75", "p_b": "0.25", "error": ""}
BAD = {"path": "/x/1.png", "label": "", "probability": "", "p_a": "", "p_b": "", "error": "It is damaged."}


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([GOOD], []),
        ([BAD], []),
        ([], ["1.png: no row"]),
        ([GOOD, GOOD], ["1.png: 2 rows"]),
        ([GOOD | {"p_b": ""}], ["1.png: probabilities"]),
        ([GOOD | {"p_b": "nan"}], ["1.png: probabilities"]),
        ([GOOD | {"p_b": "0.3"}], ["1.png: probabilities"]),
        ([GOOD | {"error": "But."}], ["1.png: predictions beside an error"]),
        ([BAD | {"error": "Two\nlines"}], ["1.png: odd error"]),
        ([BAD | {"error": "Traceback (most recent call last)"}], ["1.png: odd error"]),
        ([BAD | {"error": "'1.png' needs more memory than is available."}], ["1.png: '1.png' needs more memory"]),
        ([GOOD, GOOD | {"path": "/x/2.png"}], ["/x/2.png: a row without a file"]),
    ],
)
def test_what_is_wrong_with_a_table_is_said(rows: Sequence[dict[str, str]], says: list[str]) -> None:
    said = find_problems(rows, [Mutant("1.png", b"", "")], {}, [])
    assert len(said) == len(says) and all(one.startswith(start) for one, start in zip(said, says, strict=True)), said


def test_a_good_file_that_is_lost_is_noticed() -> None:
    assert find_problems([GOOD], [], {}, ["1.png"]) == []
    assert find_problems([BAD], [], {}, ["1.png"]) == find_problems([], [], {}, ["1.png"]) != []
    lost = [Mutant("a.zip", b"", ""), Mutant("t.fits", b"", "")]
    assert find_problems([], lost, {"FITS table": 1, "archive or stack without images": 1}, []) == []
    assert len(find_problems([], lost, {"FITS table": 1}, [])) == 1
