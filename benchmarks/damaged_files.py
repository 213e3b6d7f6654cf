"""Classify thousands of damaged files of each format, and solve random headers: no signal, no hang, no traceback.

    python benchmarks/damaged_files.py                         # 5,000 files of each format, 4,000 headers
    python benchmarks/damaged_files.py --count 200 zip hdf5    # fewer, of some formats

The files are those of ``tests/support/mutants.py``: sound files with up to three changes, drawn by number, so that each
can be made again. They are classified by the bundled model in child processes with limits: 60 s without progress, and
memory. Each file must give rows or an error of one line. Exits with status 1 if one does not.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path.insert(0, str(TESTS))

from support.mutants import FORMATS  # noqa: E402

CHUNK = 1000
LIMIT_S = 60
HEADERS = """
import sys
from support.wcs_cards import make_random_header, solve

for number in range(*map(int, sys.argv[1:])):
    solve(make_random_header(number))
"""


def main() -> None:
    """Run the formats one after another, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("formats", nargs="*", help=f"by default all: headers, {', '.join(FORMATS)}")
    parser.add_argument("--count", type=int, default=5000, help="files of each format; four fifths of it headers")
    parser.add_argument("--seed", type=int, default=0, help="number of the first file")
    options = parser.parse_args()
    print(f"Numbers {options.seed} to {options.seed + options.count - 1}, {LIMIT_S} s without progress at most\n")
    print("| format | files | rows | of these errors | refused whole | slowest, s | memory, MB | time, s | problems |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    problems: list[str] = []
    for name in options.formats or ("headers", *FORMATS):
        begun = time.monotonic()
        counts: Counter[str] = Counter()
        run = _solve_headers if name == "headers" else _classify
        found = run(name, options.seed, options.count, counts)
        problems += found
        counts["rows"] += counts["rows, alone"]
        cells = (counts[key] for key in ("mutants", "rows", "errors", "refused"))
        row = [name, *cells, f"{counts['slowest, ms'] / 1000:.1f}", counts["growth, MB"]]
        print(f"| {' | '.join(map(str, [*row, round(time.monotonic() - begun), len(found)]))} |", flush=True)
    print("", *problems, sep="\n")
    sys.exit(bool(problems))


def _solve_headers(name: str, first: int, count: int, counts: Counter[str]) -> list[str]:
    count = count * 4 // 5
    environment = os.environ | {"PYTHONPATH": f"{TESTS}:{os.environ.get('PYTHONPATH', '')}"}
    command = [sys.executable, "-c", HEADERS, str(first), str(first + count)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3600, env=environment, check=False)
    counts["mutants"] = count
    return [f"headers: status {done.returncode}: {done.stderr[-500:]}"] if done.returncode else []


def _classify(name: str, first: int, count: int, counts: Counter[str]) -> list[str]:
    problems: list[str] = []
    for start in range(first, first + count, CHUNK):
        size = min(CHUNK, first + count - start)
        with tempfile.TemporaryDirectory() as folder:
            arguments = ["run", name, str(start), str(size), folder, str(LIMIT_S)]
            script = TESTS / "support" / "mutant_runs.py"
            done = subprocess.run(
                [sys.executable, script, *arguments], capture_output=True, text=True, errors="replace", check=False
            )
        if done.returncode:
            problems.append(f"{name}: status {done.returncode} among {start} to {start + size}: {done.stderr[-800:]}")
            continue
        result = json.loads(done.stdout.splitlines()[-1])
        problems += [f"{name}: {problem}" for problem in result["problems"]]
        for key, value in result["counts"].items():
            largest = key in ("slowest, ms", "growth, MB")
            counts[key] = max(counts[key], value) if largest else counts[key] + value
    return problems


if __name__ == "__main__":
    main()
