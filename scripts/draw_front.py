"""Draw the figure of the front page of the documentation, from simulated galaxies alone.

It simulates galaxies, classifies them with the bundled model, searches look-alikes and makes a map. Run from anywhere;
it takes a minute, and keeps what it made in the folder that is named::

    python scripts/draw_front.py /tmp/front
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from astropy.table import Table
from matplotlib.figure import Figure
from PIL import Image
from sklearn.manifold import TSNE

import galaxtool

TARGET = Path(__file__).resolve().parent.parent / "docs" / "images" / "front.jpg"
DARK, LIGHT, FAINT = "#0d1628", "#ffffff", "#9fb2d0"
COLORS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#5f9be6", "#d55e00", "#cc79a7", "#b8b8b8", "#8fd16a", "#ffb3a7")
CLASSES = ("barred_spiral", "unbarred_loose_spiral", "edge_on_with_bulge", "merging", "round_smooth", "disturbed")
QUERY = "sim-train-000005"


def read_pictures(paths: list[Path]) -> list[np.ndarray]:
    """Return the middle of each image, as the bundled model stretches it."""
    preprocess = galaxtool.load_model("mini").preprocess
    finer = galaxtool.Preprocess(size=160, crop=preprocess.crop, stretch=preprocess.stretch)
    return [finer.display(galaxtool.read_image(path)) for path in paths]


def show(axes: Any, picture: np.ndarray, title: str, color: str = LIGHT) -> None:
    """Draw a picture with a line below it."""
    axes.imshow(picture)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel(title, fontsize=8, color=color, labelpad=3)
    for spine in axes.spines.values():
        spine.set_color(color if color != LIGHT else DARK)
        spine.set_linewidth(1.5)


def draw_classes(panel: Any, table: Any) -> None:
    """Draw one confident galaxy of each of six classes."""
    panel.suptitle("classify", x=0.02, ha="left", fontsize=11, color=LIGHT, weight="bold")
    rows = []
    for name in CLASSES:
        of_class = table[table["label"] == name]
        rows.append(of_class[int(np.argmax(of_class["probability"]))])
    pictures = read_pictures([Path(row["path"]) for row in rows])
    for axes, row, picture in zip(panel.subplots(2, 3).flat, rows, pictures, strict=True):
        show(axes, picture, f"{row['label'].removeprefix('unbarred_').replace('_', ' ')}\n{row['probability']:.2f}")


def draw_neighbors(panel: Any, found: Any) -> None:
    """Draw the query and five look-alikes."""
    panel.suptitle("similar", x=0.02, ha="left", fontsize=11, color=LIGHT, weight="bold")
    pictures = read_pictures([Path(path) for path in found["path"]])
    for i, axes in enumerate(panel.subplots(2, 3).flat):
        title = "query\n" if i == 0 else f"similarity\n{found['similarity'][i]:.2f}"
        show(axes, pictures[i], title, "#ffd08a" if i == 0 else LIGHT)


def draw_map(panel: Any, table: Any, vectors: np.ndarray) -> None:
    """Draw all galaxies in a plane, coloured by their class."""
    panel.suptitle("explore", x=0.02, ha="left", fontsize=11, color=LIGHT, weight="bold")
    axes = panel.subplots()
    places = TSNE(random_state=1, init="pca", perplexity=20).fit_transform(vectors)
    for i, name in enumerate(sorted(set(table["label"]))):
        chosen = np.asarray(table["label"] == name)
        axes.scatter(*places[chosen].T, s=9, color=COLORS[i % len(COLORS)], linewidth=0)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_facecolor(DARK)
    axes.set_xlabel(f"{len(table)} galaxies, coloured by class\n", fontsize=8, color=FAINT, labelpad=3)
    for spine in axes.spines.values():
        spine.set_color("#2b3c5e")


def main() -> None:
    """Make what is not there yet, and draw the figure."""
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    os.chdir(sys.argv[1])
    if not Path("cutouts").exists():
        galaxtool.simulate(output="cutouts", n=400)
    table = galaxtool.classify(["cutouts"], output="predictions.csv", overwrite=True).table
    query = f"cutouts/images/{QUERY}.fits"
    found = Table.read(galaxtool.similar([query], among=["cutouts"], top_k=6).output)
    vectors = galaxtool.load_model("mini").embed([str(path) for path in table["path"]])
    with mpl.rc_context({"font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(10, 3.75), dpi=180, facecolor=DARK)
        panels = figure.subfigures(1, 3, width_ratios=(1, 1, 0.95))
        for panel in panels:
            panel.set_facecolor(DARK)
        draw_classes(panels[0], table)
        draw_neighbors(panels[1], found)
        draw_map(panels[2], table, vectors)
        for panel in panels:
            panel.subplots_adjust(left=0.03, right=0.97, top=0.9, bottom=0.11, hspace=0.3, wspace=0.06)
        figure.savefig("front.png")
    with Image.open("front.png") as image:
        image.convert("RGB").save(TARGET, quality=82, optimize=True)
    print(f"{TARGET} {TARGET.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
