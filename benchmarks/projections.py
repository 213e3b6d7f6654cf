"""Measure time and memory of `galaxtool plot umap` and `tsne`.

    python benchmarks/projections.py [--many 100000] [--dim 512]

The script prints Markdown: wall-clock time, processor time and peak memory of whole commands, each in a new process,
on clustered random embeddings in a Parquet file. The first UMAP runs with an empty cache of machine code, as after the
installation.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from galaxtool.inference.embeddings.file import EmbeddedImage, open_embedding_writer

CLUSTERS, SPREAD = 10, 0.2


def write_embeddings(path: Path, n: int, dim: int) -> None:
    """Write unit vectors in clusters as `galaxtool embed` does."""
    rng = np.random.default_rng(0)
    with open_embedding_writer(path, count=n, dim=dim, meta={}) as writer:
        centres = rng.normal(size=(CLUSTERS, dim))
        for start in range(0, n, 10_000):
            size = min(10_000, n - start)
            vectors = centres[rng.integers(CLUSTERS, size=size)] + SPREAD * dim**0.5 * rng.normal(size=(size, dim))
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            rows = [EmbeddedImage(f"g{start + i}", "", None, None) for i in range(size)]
            writer.write(rows, vectors.astype(np.float32))


def measure(arguments: list[str], folder: Path) -> tuple[float, float, float]:
    """Run a command; return its wall-clock seconds, its seconds on processors, and its peak memory in GB."""
    command = [sys.executable, "-m", "galaxtool", "plot", *arguments, "--quiet", "-o", str(folder / "figure.png")]
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder / "numba")}
    start = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    if status:
        sys.exit(f"{' '.join(command)} failed.")
    scale = 1e9 if sys.platform == "darwin" else 1e6
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / scale


def main() -> None:
    """Measure the commands and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--few", type=int, default=2000, help="number of embeddings of a small figure")
    parser.add_argument("--many", type=int, default=100_000, help="number of embeddings of a large figure; 0 for none")
    parser.add_argument("--dim", type=int, default=512, help="length of an embedding")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        few, many = folder / "few.parquet", folder / "many.parquet"
        write_embeddings(few, options.few, options.dim)
        cases = [
            (f"umap of {options.few:,}, the first after the installation", ["umap", str(few)]),
            (f"umap of {options.few:,}", ["umap", str(few)]),
            (f"umap of PCA-10 of {options.few:,}", ["umap", str(few), "--option", "pca=10"]),
            (f"tsne of {options.few:,}", ["tsne", str(few)]),
        ]
        if options.many:
            write_embeddings(many, options.many, options.dim)
            cases.append((f"umap of {options.many:,}", ["umap", str(many)]))
        print(
            f"{options.dim} dimensions, {os.cpu_count()} cores, {platform.machine()}, load {os.getloadavg()[0]:.1f}\n"
        )
        print("| figure | wall clock, s | on processors, s | peak memory, GB |\n|---|---|---|---|")
        for name, arguments in cases:
            wall, busy, memory = measure(arguments, folder)
            print(f"| {name} | {wall:.1f} | {busy:.1f} | {memory:.2f} |", flush=True)


if __name__ == "__main__":
    main()
