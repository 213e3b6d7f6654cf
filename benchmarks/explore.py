"""Time the page of `galaxtool explore` on many objects: how soon it opens, and how long it takes to answer.

The vectors are drawn: clusters on the unit sphere, whose sizes follow a power law. The pictures are simulated, and
many objects share one. Run on an otherwise idle machine:

    python benchmarks/explore.py --folder /tmp/explore --count 1000000 --dim 512
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

import galaxtool
from galaxtool.models.find import find_model
from galaxtool.search.index.assemble import IndexPlan, assemble_index
from galaxtool.search.index.record import BUNDLED, RECORD, IndexRecord
from galaxtool.search.index.vector_source import ArraySource
from galaxtool.search.source import read_record
from galaxtool.types import Silent

CLUSTERS = 300
PICTURES = 100


def draw_vectors(count: int, dim: int) -> np.ndarray:
    """Return unit vectors in clusters, float32 (count, dim)."""
    random = np.random.default_rng(0)
    centers = random.normal(size=(CLUSTERS, dim)).astype(np.float32)
    sizes = random.pareto(1.2, CLUSTERS) + 1
    member = random.choice(CLUSTERS, count, p=sizes / sizes.sum())
    vectors = np.empty((count, dim), np.float32)
    for start in range(0, count, 50_000):
        rows = slice(start, start + 50_000)
        block = centers[member[rows]] + 0.9 * random.normal(size=(len(member[rows]), dim)).astype(np.float32)
        vectors[rows] = block / np.linalg.norm(block, axis=1, keepdims=True)
    return vectors


def build(folder: Path, count: int, dim: int) -> None:
    """Write an index, unless it is there."""
    if (folder / "index" / RECORD).is_file():
        return
    galaxtool.simulate(output=folder / "pictures", n=PICTURES)
    pictures = sorted(str(path) for path in (folder / "pictures").rglob("*.fits"))
    vectors, random = draw_vectors(count, dim), np.random.default_rng(1)
    items = pa.table({
        "id": [f"object {row}" for row in range(count)],
        "path": [pictures[row % len(pictures)] for row in range(count)],
        "ra": random.uniform(0, 360, count),
        "dec": np.degrees(np.arcsin(random.uniform(-1, 1, count))),
        "z": random.exponential(0.1, count),
        "g": random.normal(18, 1, count),
        "r": random.normal(17.4, 1, count),
        "survey": random.choice(["north", "south", "deep"], count),
    })  # fmt: skip
    files = find_model("mini")
    model = read_record(files)
    record = IndexRecord(
        kind="ivf-sq8", count=count, dim=dim, model="mini", model_at=BUNDLED, model_digest=model.digest,
        preprocess_digest=model.make_preprocess().digest, layer="penultimate", recall_at_10=0.0,
        recall_queries=0, target_recall=0.99,
    )  # fmt: skip
    start = time.perf_counter()
    source = ArraySource(vectors, items)
    plan = IndexPlan(folder=folder / "index", sources=[source], record=record, model=files, model_record=model)
    assemble_index(plan, Silent())
    print(f"index built in {time.perf_counter() - start:.0f} s", flush=True)


class Page:
    """A running page."""

    def __init__(self, index: Path) -> None:
        self.begun = time.perf_counter()
        command = [sys.executable, "-m", "galaxtool", "explore", str(index), "--no-browser", "--json"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        text = ""
        while not text.endswith("}\n"):
            text += self.process.stdout.readline()
        told = json.loads(text)
        self.port, self.token = told["port"], told["address"].partition("token=")[2]
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)

    def ask(self, path: str, values: Any = None) -> tuple[float, bytes]:
        """Return how long an answer took in ms, and the answer."""
        start = time.perf_counter()
        body = None if values is None else json.dumps(values)
        headers = {"Authorization": f"Bearer {self.token}", "X-Galaxtool": "1"}
        self.connection.request("GET" if body is None else "POST", path, body, headers)
        answer = self.connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content
        return 1000 * (time.perf_counter() - start), content

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        self.process.terminate()
        assert self.process.wait(60) == 143


def open_page(index: Path) -> Page:
    """Open the page, and print how long it took."""
    page = Page(index)
    address = time.perf_counter() - page.begun
    page.ask("/")
    page.ask("/api/about")
    page.ask("/api/view", {})
    print(f"address after {address:.2f} s, first objects after {time.perf_counter() - page.begun:.2f} s", flush=True)
    return page


def time_many(page: Page, what: str, requests: list[Any]) -> None:
    """Print the median and the 95th percentile of some requests."""
    times = sorted(page.ask("/api/view", one)[0] for one in requests)
    print(f"{what}: median {statistics.median(times):.0f} ms, 95 % {times[int(0.95 * (len(times) - 1))]:.0f} ms")


def main() -> None:
    """Build, open twice, and ask."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=512)
    arguments = parser.parse_args()
    build(arguments.folder, arguments.count, arguments.dim)
    page = open_page(arguments.folder / "index")
    start = time.perf_counter()
    while (state := json.loads(page.ask("/api/map/pca")[1]))["state"] == "computing":
        time.sleep(0.2)
    assert state["state"] == "ready", state["error"]
    print(f"map made in {time.perf_counter() - start:.1f} s (0 if it was there)", flush=True)
    page.stop()
    page = open_page(arguments.folder / "index")
    took, content = page.ask("/api/map/pca/points")
    print(f"map sent in {took:.0f} ms, {len(content) / 1e6:.1f} MB")
    rows = np.random.default_rng(2).choice(arguments.count, 60, replace=False).tolist()
    parts = [[{"kind": "row", "row": row}] for row in rows]
    time_many(page, "search by an object", [{"parts": one} for one in parts])
    pairs = itertools.pairwise(parts)
    time_many(page, "search by two, one unlike", [{"parts": [*a, {**b[0], "weight": -0.5}]} for a, b in pairs])
    where = "z < 0.05 and g - r > 0.7"
    took, _ = page.ask("/api/view", {"where": where})
    print(f"a new condition: {took:.0f} ms")
    time_many(page, "search within a condition", [{"parts": one, "where": where} for one in parts])
    cone = {"ra": "150", "dec": "2", "radius": 72_000}
    took, content = page.ask("/api/view", cone)
    print(f"a new circle on the sky: {took:.0f} ms, {json.loads(content)['found']} objects")
    time_many(page, "search within a circle", [{"parts": one, **cone} for one in parts])
    took, _ = page.ask("/api/view", {"sort": "z"})
    print(f"sorting by a column: {took:.0f} ms")
    for column in (4, 7):
        took, _ = page.ask(f"/api/column/{column}/values")
        print(f"colours by column {column}: {took:.0f} ms")
    times = sorted(page.ask(f"/api/picture/{row}?size=160")[0] for row in rows)
    print(f"a picture: median {statistics.median(times):.1f} ms")
    page.stop()


if __name__ == "__main__":
    main()
