"""Classify mutants in a separate process with limits on time and memory, or write one of them to a file.

::

    python tests/support/mutant_runs.py write files 1234 FOLDER    # write mutant 1234
    python tests/support/mutant_runs.py run files 0 500 FOLDER     # classify mutants 0 to 499
    python tests/support/mutant_runs.py each files 0 500 FOLDER    # read them one by one, to find one that hangs

``files`` are images, archives and stacks, and ``catalogues`` are tables; anything else is a folder with seeds.
"""

from __future__ import annotations

import csv
import faulthandler
import json
import math
import re
import resource
import shutil
import sys
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for use as a script

from support.mutant_seeds import make_images
from support.mutants import Mutant, make_mutant, make_seeds

BATCH_SIZE = 250
TABLES_OF_PICTURES = ("fits-cells", "parquet")
"""Formats whose files are tables with an image in each row, which are named one by one."""

MAX_GROWTH = 3 << 30
"""Largest growth of the peak memory by mutants, in bytes; a picture may have 179 million pixels."""

_MORE_ADDRESSES = 6 << 30
_SUFFIXES_OF_MANY = (".zip", ".tar", ".gz", ".bz2", ".xz", ".npy", ".npz", ".h5", ".hdf5")
_MAY_LACK = (*_SUFFIXES_OF_MANY, ".fits", ".fit", ".fts", ".fz")  # they may contain no image, or only a table
_REASONS = ("archive or stack without images", "FITS table")
_NO_MEMORY = "needs more memory"


class Watch:
    """A `galaxtool.types.Progress` that ends the process if nothing happens for `limit` seconds."""

    def __init__(self, limit: float) -> None:
        self.limit, self.slowest = limit, 0.0
        self._last = time.monotonic()
        self.advance()

    def start(self, what: str, total: int | None = None) -> None:
        self.advance()

    def advance(self, n: int = 1, note: str = "") -> None:
        now = time.monotonic()
        self.slowest, self._last = max(self.slowest, now - self._last), now
        faulthandler.dump_traceback_later(self.limit, exit=True)

    def say(self, message: str) -> None:
        """Ignore the message."""


def find_problems(
    rows: Iterable[Mapping[str, str]], made: Sequence[Mutant], skipped: Mapping[str, int], good: Sequence[str]
) -> list[str]:
    """Return the problems of a table of predictions.

    Parameters
    ----------
    rows : iterable of mapping
        Rows of the CSV file.
    made : sequence of Mutant
        Classified files, whose names are in the column ``path``.
    skipped : mapping
        Number of skipped files by reason.
    good : sequence of str
        Names of undamaged files, which must have predictions.
    """
    problems: list[str] = []
    by_file: dict[str, list[Mapping[str, str]]] = defaultdict(list)
    names = {m.name for m in made} | set(good)
    for row in rows:
        file = next((part for part in re.split(r"[/\[]", row["path"]) if part in names), "")
        by_file[file].append(row)
        problems += [f"{file or row['path']}: {what}" for what in _check_row(row)]
    problems += [f"{row['path']}: a row without a file" for row in by_file.pop("", [])]
    problems += [
        f"{name}: an undamaged file has no prediction" for name in good if [r["error"] for r in by_file[name]] != [""]
    ]
    lacking = [m.name for m in made if not by_file[m.name]]
    problems += [f"{name}: no row" for name in lacking if not name.endswith(_MAY_LACK)]
    lacking = [name for name in lacking if name.endswith(_MAY_LACK)]
    if len(lacking) > sum(skipped.get(reason, 0) for reason in _REASONS):
        problems.append(f"without a row, and not counted as skipped: {lacking}")
    for m in made:
        if len(by_file[m.name]) > 1 and not m.name.endswith(_SUFFIXES_OF_MANY):
            problems.append(f"{m.name}: {len(by_file[m.name])} rows")
    return problems


def _check_row(row: Mapping[str, str]) -> list[str]:
    """Return the problems of one row."""
    error = row["error"]
    cells = [row[name] for name in row if name.startswith("p_")]
    if error:
        odd = "Traceback" in error or len(error.splitlines()) != 1 or not error.strip() or "GALAXTOOL_DEBUG" in error
        left = any(cells) or row["label"] or row["probability"]
        memory = _NO_MEMORY in error
        return [f"odd error {error!r}"] * odd + ["predictions beside an error"] * bool(left) + [error] * memory
    values = [float(cell) for cell in cells if cell]
    whole = len(values) == len(cells) > 1 and all(0 <= value <= 1 for value in values)
    return [] if whole and math.isclose(sum(values), 1, abs_tol=1e-4) and row["label"] else [f"probabilities {cells}"]


def run(kind: str, first: int, count: int, folder: Path, limit: float) -> dict[str, object]:
    """Classify mutants together, and some of those with many images also alone; return problems and counts."""
    import galaxtool
    from galaxtool.errors import GalaxtoolError

    warnings.simplefilter("error")
    seeds = make_seeds(kind)
    good = _write_good_files(folder / "good")
    galaxtool.classify(good, output=folder / "first.csv", executor="threads")
    base = _get_peak_memory()
    resource.setrlimit(resource.RLIMIT_AS, (_get_address_space() + _MORE_ADDRESSES, resource.RLIM_INFINITY))
    problems: list[str] = []
    counts: Counter[str] = Counter()
    watch = Watch(limit)
    for start in range(first, first + count, BATCH_SIZE):
        made = [make_mutant(n, seeds) for n in range(start, min(start + BATCH_SIZE, first + count))]
        batch = folder / f"batch-{start}"
        _write_mutants(made, batch)
        if kind == "catalogues":
            _write_pictures(batch / "good")
        counts["mutants"] += len(made)
        try:
            if kind == "catalogues":
                problems += _classify_catalogues(made, batch, watch, counts)
            elif kind in TABLES_OF_PICTURES:
                problems += _classify_one_by_one(made, batch, watch, counts)
            else:
                result = galaxtool.classify(
                    [good[0], batch, good[1]], output=folder / "together.csv", executor="threads", workers=2,
                    batch_size=16, progress=watch,
                )  # fmt: skip
                rows = _read_rows(result.output)
                counts.update({"rows": len(rows), "errors": result.errors})
                problems += find_problems(rows, made, result.skipped, [path.name for path in good[:2]])
                problems += _classify_one_by_one(
                    [m for m in made if m.name.endswith(_SUFFIXES_OF_MANY)][::4], batch, watch, counts
                )
        except GalaxtoolError as error:
            problems.append(f"{start} to {start + len(made)}: {error.message}")
        if _get_peak_memory() - base > MAX_GROWTH:
            problems.append(
                f"{start} to {start + len(made)}: used {(_get_peak_memory() - base) >> 20} MB more than before"
            )
            base = _get_peak_memory()
        shutil.rmtree(batch)
    faulthandler.cancel_dump_traceback_later()
    counts["slowest, ms"] = round(watch.slowest * 1000)
    counts["growth, MB"] = (_get_peak_memory() - base) >> 20
    return {"problems": problems, "counts": counts}


def read_each(kind: str, first: int, count: int, folder: Path, limit: float) -> None:
    """Read mutants one by one and print the number of each first; the process ends if one takes too long."""
    from galaxtool.errors import GalaxtoolError
    from galaxtool.inputs.gather import gather
    from galaxtool.inputs.read_item import read_item

    seeds = make_seeds(kind)
    for number in range(first, first + count):
        made = make_mutant(number, seeds)
        print(number, made.name, f"({made.history})", flush=True)
        faulthandler.dump_traceback_later(limit, exit=True)
        _write_mutants([made], folder)
        try:
            items = gather([folder / made.name]).items
        except GalaxtoolError:
            continue
        for item in items:
            with suppress(GalaxtoolError):
                read_item(item)
    faulthandler.cancel_dump_traceback_later()
    print("all")


def _classify_catalogues(made: Sequence[Mutant], batch: Path, watch: Watch, counts: Counter[str]) -> list[str]:
    """Classify each catalogue alone; the result must be an error, or one row per row of the catalogue."""
    import galaxtool
    from galaxtool.errors import GalaxtoolError
    from galaxtool.tables.read import read_table

    problems = []
    output = batch / "p.csv"
    for m in made:
        watch.advance()
        try:
            galaxtool.classify([batch / m.name], output=output, executor="threads", overwrite=True, progress=watch)
        except GalaxtoolError as error:  # raised after the table is written, if no image can be read
            counts["refused"] += 1
            problems += [f"{m.name}: odd error {error.message!r}"] * (len(error.message.splitlines()) != 1)
            problems += [f"{m.name}: {error.message}"] * ("emory" in error.message)
        if not output.exists():
            continue
        rows = _read_rows(output)
        output.unlink()
        counts["rows"] += len(rows)
        wanted = 1  # a FITS file that is no longer a table is an image
        with suppress(GalaxtoolError):
            wanted = len(read_table(batch / m.name))
        is_error = len(rows) == 1 and bool(rows[0]["error"])  # of a file whose first header is not that of a table
        problems += [f"{m.name}: {len(rows)} rows of {wanted}"] * (len(rows) != wanted and not is_error)
        problems += [f"{m.name}: {what}" for row in rows for what in _check_row(row)]
    return problems


def _classify_one_by_one(made: Sequence[Mutant], batch: Path, watch: Watch, counts: Counter[str]) -> list[str]:
    """Classify each file with many images alone; the result must be an error or rows."""
    import galaxtool
    from galaxtool.errors import GalaxtoolError

    problems = []
    for m in made:
        watch.advance()
        output = batch / "p.csv"
        try:
            galaxtool.classify([batch / m.name], output=output, executor="threads", overwrite=True, progress=watch)
        except GalaxtoolError as error:
            counts["refused"] += 1
            problems += [f"{m.name}: odd error {error.message!r}"] * (len(error.message.splitlines()) != 1)
        else:
            rows = _read_rows(output)
            counts["rows, alone"] += len(rows)
            found = find_problems(rows, [m], {}, [])
            problems += [one for one in found if not re.fullmatch(r".*: [35] rows", one)]  # of a table of pictures
        output.unlink(missing_ok=True)
    return problems


def _write_good_files(folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("plain.fits", "colour.jpg"):
        (folder / name).write_bytes(make_images()[name])
    return [folder / "plain.fits", folder / "colour.jpg"]


def _write_pictures(folder: Path) -> None:
    """Write the images that the catalogues refer to."""
    folder.mkdir()
    for i in range(6):
        (folder / f"{i}.png").write_bytes(make_images()["colour.png"])


def _write_mutants(made: Sequence[Mutant], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for m in made:
        (folder / m.name).write_bytes(m.content)


def _read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def _get_peak_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def _get_address_space() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def main(what: str, kind: str, *rest: str) -> None:
    """Run the command given on the command line."""
    if what == "write":
        made = make_mutant(int(rest[0]), make_seeds(kind))
        _write_mutants([made], Path(rest[1]))
        print(f"{rest[1]}/{made.name}: {made.history}")
        return
    first, count, folder = int(rest[0]), int(rest[1]), Path(rest[2])
    limit = float(rest[3]) if len(rest) > 3 else 30.0
    if what == "each":
        read_each(kind, first, count, folder, limit)
    else:
        print(json.dumps(run(kind, first, count, folder, limit)))


if __name__ == "__main__":
    main(*sys.argv[1:])
