"""Embed images and copies of them that are turned, mirrored and cut, for `benchmarks/search.py --embeddings`.

    python benchmarks/turned_embeddings.py FOLDER ... -o turned.parquet [--model mini]

Each picture (JPG, PNG) is embedded in eight orientations: turned by 0, 90, 180 and 270 degrees, as it is and mirrored.
Each of them is cut to a square of 80 to 100 % of its width, at a random place, with a random seed that depends only on
the number of the picture. Nothing but the embeddings is written.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

import galaxtool

SUFFIXES = {".jpg", ".jpeg", ".png"}
LEAST = 0.8  # share of the width that is kept
PICTURES = 64  # at a time


def turn_and_cut(picture: np.ndarray, seed: int) -> list[np.ndarray]:
    """Return eight copies of a picture (H, W, 3)."""
    rng = np.random.default_rng(seed)
    width = min(picture.shape[:2])
    copies = []
    for mirrored in (picture, picture[:, ::-1]):
        for quarters in range(4):
            turned = np.rot90(mirrored, quarters)
            size = round(width * rng.uniform(LEAST, 1))
            top, left = (int(rng.integers(0, length - size + 1)) for length in turned.shape[:2])
            copies.append(np.ascontiguousarray(turned[top : top + size, left : left + size]))
    return copies


def main() -> None:
    """Embed the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--model", default="mini")
    options = parser.parse_args()
    files = sorted(p for folder in options.folders for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
    model = galaxtool.load_model(options.model)
    parts, names = [], []
    for start in range(0, len(files), PICTURES):
        chosen = files[start : start + PICTURES]
        pictures = [np.asarray(Image.open(file).convert("RGB")) for file in chosen]
        copies = [copy for row, picture in enumerate(pictures, start) for copy in turn_and_cut(picture, row)]
        parts.append(model.embed(copies))
        names += [f"{file.stem}-{number}" for file in chosen for number in range(8)]
    vectors = np.concatenate(parts)
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
    pq.write_table(pa.table({"id": names, "embedding": column}), options.output)
    print(f"{len(files):,} pictures, {len(vectors):,} embeddings of {vectors.shape[1]} numbers")


if __name__ == "__main__":
    main()
