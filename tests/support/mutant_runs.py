"""Classifying mutants in a process of its own, with bounds on time and memory; and writing one, to look at it.

::

    python tests/support/mutant_runs.py write files 1234 FOLDER    # the mutant of a number
    python tests/support/mutant_runs.py run files 0 500 FOLDER     # classify those of 500 numbers
    python tests/support/mutant_runs.py each files 0 500 FOLDER    # read them one by one, to find which one hangs

``files`` are images, archives and stacks, ``catalogues`` tables; anything else is a folder with seeds.
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

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run as a script, by its path

from support.mutant_seeds import images
from support.mutants import Mutant, mutant, seeds_of

TOGETHER = 250
MOST_GROWTH = 3 << 30
"""Bytes that mutants may take beyond what galaxtool takes anyway; a picture may have 179 million pixels."""

_ADDRESSES = 6 << 30
_SUFFIXES_OF_MANY = (".zip", ".tar", ".gz", ".bz2", ".xz", ".npy", ".npz", ".h5", ".hdf5")
_MAY_LACK = (*_SUFFIXES_OF_MANY, ".fits", ".fit", ".fts", ".fz")  # by holding no image, or only a table
_REASONS = ("archive or stack without images", "FITS table")
_NO_MEMORY = "needs more memory"


class Watch:
    """A `galaxtool.types.Progress` that ends the process where nothing has come out for as long as a limit."""

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
        """Say nothing."""


def complaints(
    rows: Iterable[Mapping[str, str]], made: Sequence[Mutant], skipped: Mapping[str, int], good: Sequence[str]
) -> list[str]:
    """Return what is wrong with a table of predictions.

    Parameters
    ----------
    rows : iterable of mapping
        As the CSV file has them.
    made : sequence of Mutant
        The files that were classified, whose names are in the column ``path``.
    skipped : mapping
        How many files were passed over, by reason.
    good : sequence of str
        Names of undamaged files, which must have come out.
    """
    said: list[str] = []
    by_file: dict[str, list[Mapping[str, str]]] = defaultdict(list)
    names = {m.name for m in made} | set(good)
    for row in rows:
        file = next((part for part in re.split(r"[/\[]", row["path"]) if part in names), "")
        by_file[file].append(row)
        said += [f"{file or row['path']}: {what}" for what in _wrong_with(row)]
    said += [f"{row['path']}: a row of no file" for row in by_file.pop("", [])]
    said += [f"{name}: a good file did not come out" for name in good if [r["error"] for r in by_file[name]] != [""]]
    lacking = [m.name for m in made if not by_file[m.name]]
    said += [f"{name}: no row" for name in lacking if not name.endswith(_MAY_LACK)]
    lacking = [name for name in lacking if name.endswith(_MAY_LACK)]
    if len(lacking) > sum(skipped.get(reason, 0) for reason in _REASONS):
        said.append(f"without a row, and not counted as passed over: {lacking}")
    for m in made:
        if len(by_file[m.name]) > 1 and not m.name.endswith(_SUFFIXES_OF_MANY):
            said.append(f"{m.name}: {len(by_file[m.name])} rows")
    return said


def _wrong_with(row: Mapping[str, str]) -> list[str]:
    """Return what is wrong with one row."""
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
    """Classify mutants, together and those of many images also by themselves; return what came of it."""
    import galaxtool
    from galaxtool.errors import GalaxtoolError

    warnings.simplefilter("error")
    seeds = seeds_of(kind)
    good = _good_files(folder / "good")
    galaxtool.classify(good, output=folder / "first.csv", executor="threads")
    base = _peak()
    resource.setrlimit(resource.RLIMIT_AS, (_addresses() + _ADDRESSES, resource.RLIM_INFINITY))
    said: list[str] = []
    counts: Counter[str] = Counter()
    watch = Watch(limit)
    for start in range(first, first + count, TOGETHER):
        made = [mutant(n, seeds) for n in range(start, min(start + TOGETHER, first + count))]
        batch = folder / f"batch-{start}"
        _write(made, batch)
        if kind == "catalogues":
            _pictures(batch / "good")
        counts["mutants"] += len(made)
        try:
            if kind == "catalogues":
                said += _catalogues(made, batch, watch, counts)
            else:
                result = galaxtool.classify(
                    [good[0], batch, good[1]], output=folder / "together.csv", executor="threads", workers=2,
                    batch_size=16, progress=watch,
                )  # fmt: skip
                rows = _rows(result.output)
                counts.update({"rows": len(rows), "errors": result.errors})
                said += complaints(rows, made, result.skipped, [path.name for path in good[:2]])
                said += _one_by_one([m for m in made if m.name.endswith(_SUFFIXES_OF_MANY)][::4], batch, watch, counts)
        except GalaxtoolError as error:
            said.append(f"{start} to {start + len(made)}: {error.message}")
        if _peak() - base > MOST_GROWTH:
            said.append(f"{start} to {start + len(made)}: took {(_peak() - base) >> 20} MB more than before")
            base = _peak()
        shutil.rmtree(batch)
    faulthandler.cancel_dump_traceback_later()
    counts["slowest, ms"] = round(watch.slowest * 1000)
    counts["growth, MB"] = (_peak() - base) >> 20
    return {"said": said, "counts": counts}


def each(kind: str, first: int, count: int, folder: Path, limit: float) -> None:
    """Read mutants one by one, the number of each said first; the process ends at one that takes too long."""
    from galaxtool.errors import GalaxtoolError
    from galaxtool.inputs.gather import gather
    from galaxtool.inputs.read_item import read_item

    seeds = seeds_of(kind)
    for number in range(first, first + count):
        made = mutant(number, seeds)
        print(number, made.name, f"({made.history})", flush=True)
        faulthandler.dump_traceback_later(limit, exit=True)
        _write([made], folder)
        try:
            items = gather([folder / made.name]).items
        except GalaxtoolError:
            continue
        for item in items:
            with suppress(GalaxtoolError):
                read_item(item)
    faulthandler.cancel_dump_traceback_later()
    print("all")


def _catalogues(made: Sequence[Mutant], batch: Path, watch: Watch, counts: Counter[str]) -> list[str]:
    """Classify what each catalogue names: an error, or as many rows as it has."""
    import galaxtool
    from galaxtool.errors import GalaxtoolError
    from galaxtool.tables.read import read_table

    said = []
    output = batch / "p.csv"
    for m in made:
        watch.advance()
        try:
            galaxtool.classify([batch / m.name], output=output, executor="threads", overwrite=True, progress=watch)
        except GalaxtoolError as error:  # after the table is written, where no image can be read
            counts["refused"] += 1
            said += [f"{m.name}: odd error {error.message!r}"] * (len(error.message.splitlines()) != 1)
            said += [f"{m.name}: {error.message}"] * ("emory" in error.message)
        if not output.exists():
            continue
        rows = _rows(output)
        output.unlink()
        counts["rows"] += len(rows)
        wanted = 1  # a FITS file that is not a table any more is an image
        with suppress(GalaxtoolError):
            wanted = len(read_table(batch / m.name))
        said += [f"{m.name}: {len(rows)} rows of {wanted}"] * (len(rows) != wanted)
        said += [f"{m.name}: {what}" for row in rows for what in _wrong_with(row)]
    return said


def _one_by_one(made: Sequence[Mutant], batch: Path, watch: Watch, counts: Counter[str]) -> list[str]:
    """Classify what each file of many images holds: an error, or rows."""
    import galaxtool
    from galaxtool.errors import GalaxtoolError

    said = []
    for m in made:
        watch.advance()
        output = batch / "p.csv"
        try:
            galaxtool.classify([batch / m.name], output=output, executor="threads", overwrite=True, progress=watch)
        except GalaxtoolError as error:
            counts["refused"] += 1
            said += [f"{m.name}: odd error {error.message!r}"] * (len(error.message.splitlines()) != 1)
        else:
            said += complaints(_rows(output), [m], {}, [])
        output.unlink(missing_ok=True)
    return said


def _good_files(folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("plain.fits", "colour.jpg"):
        (folder / name).write_bytes(images()[name])
    return [folder / "plain.fits", folder / "colour.jpg"]


def _pictures(folder: Path) -> None:
    """Write the images that catalogues name."""
    folder.mkdir()
    for i in range(6):
        (folder / f"{i}.png").write_bytes(images()["colour.png"])


def _write(made: Sequence[Mutant], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for m in made:
        (folder / m.name).write_bytes(m.content)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def _addresses() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def main(what: str, kind: str, *rest: str) -> None:
    """Do what the command line says."""
    if what == "write":
        made = mutant(int(rest[0]), seeds_of(kind))
        _write([made], Path(rest[1]))
        print(f"{rest[1]}/{made.name}: {made.history}")
        return
    first, count, folder = int(rest[0]), int(rest[1]), Path(rest[2])
    limit = float(rest[3]) if len(rest) > 3 else 30.0
    if what == "each":
        each(kind, first, count, folder, limit)
    else:
        print(json.dumps(run(kind, first, count, folder, limit)))


if __name__ == "__main__":
    main(*sys.argv[1:])
