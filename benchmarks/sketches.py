"""Draw sketches of classes as people might, to query an index with drawings that no model was trained on.

They share no code with the bundled symbols (``scripts/draw_symbols.py``): the proportions are drawn anew for each
sketch, lines wobble, and there are six styles, white on black and black on white::

    python benchmarks/sketches.py FOLDER [--size 256] [--seeds 1]

writes ``FOLDER/<class>/<style>_<seed>.png`` for each class and style.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

STYLES = ("pencil", "ink", "filled", "marker", "chalk", "shaded")
"""Thin repeated white lines; a black line on white; white areas; a thick black pen; rough white lines, off-centre;
black hatching and dots on white."""

_WIDTH = {"pencil": 0.014, "ink": 0.022, "filled": 0.03, "marker": 0.06, "chalk": 0.04, "shaded": 0.018}
_DARK_ON_LIGHT = frozenset({"ink", "marker", "shaded"})
TAU = 2 * np.pi


class Hand:
    """Draws on a canvas from -1 to 1 in one style, turned, shifted and scaled as one sketch is.

    Parameters
    ----------
    style : str
        One of `STYLES`.
    seed : int
        Random seed.
    size : int
        Side in pixels.
    """

    def __init__(self, style: str, seed: int, size: int) -> None:
        self.rng = np.random.default_rng((seed, STYLES.index(style)))
        self.style, self.size = style, size
        self.ink, self.paper = (0.0, 1.0) if style in _DARK_ON_LIGHT else (1.0, 0.0)
        self.figure = Figure(figsize=(1, 1), dpi=size, facecolor=str(self.paper))
        self.axes = self.figure.add_axes((0, 0, 1, 1), xlim=(-1, 1), ylim=(-1, 1))
        self.axes.axis("off")
        angle, mirror = TAU * self.rng.random(), self.rng.choice([-1, 1])
        self.matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * [1, mirror]
        self.scale = self.rng.uniform(0.6, 0.85)
        self.shift = self.rng.uniform(-1, 1, 2) * (0.15 if style == "chalk" else 0.04)

    def place(self, points: np.ndarray) -> np.ndarray:
        """Return points (N, 2) on the canvas."""
        return self.scale * points @ self.matrix.T + self.shift

    def wobble(self, points: np.ndarray, amount: float = 0.012) -> np.ndarray:
        """Displace points smoothly, as an unsteady hand does; the ends of a closed line need not meet."""
        t = np.linspace(0, 1, len(points))[:, None, None]
        waves, phase = self.rng.uniform(0.5, 3.5, (1, 2, 6)), self.rng.uniform(0, TAU, (1, 2, 6))
        strength = self.rng.normal(0, amount * np.ptp(points, axis=0).max() / 2, (1, 2, 6))
        return points + (strength * np.sin(TAU * waves * t + phase)).sum(axis=2)

    def line(self, points: np.ndarray, width: float = 1.0) -> None:
        """Draw a line through points (N, 2)."""
        strokes = {"pencil": 3, "chalk": 2}.get(self.style, 1)
        for _ in range(strokes):
            x, y = self.place(self.wobble(points)).T
            self.axes.plot(
                x, y, color=str(self.ink), linewidth=72 * width * _WIDTH[self.style] * self.rng.uniform(0.8, 1.2),
                alpha=0.75 if strokes > 1 else 1.0, solid_capstyle="round", solid_joinstyle="round",
            )  # fmt: skip

    def area(self, outline: np.ndarray, level: float = 1.0) -> None:
        """Draw an area of the given brightness by its outline (N, 2): filled, hatched or only outlined, by style."""
        x, y = self.place(self.wobble(outline, 0.008)).T
        if self.style == "filled":
            shade = self.paper + (self.ink - self.paper) * level
            self.axes.fill(x, y, color=str(float(shade)), linewidth=0)
        elif self.style == "shaded":
            hatch = "....." if level < 0.7 else "xxxxx"
            self.axes.fill(x, y, facecolor="none", edgecolor=str(self.ink), hatch=hatch, linewidth=0.4)
        else:
            self.line(np.vstack([outline, outline[:1]]), width=0.6 + 0.4 * level)

    def spot(self, x: float, y: float, radius: float) -> None:
        """Draw a bright spot."""
        circle = ellipse(radius, radius) + np.array([x, y])
        self.axes.fill(*self.place(self.wobble(circle, 0.004)).T, color=str(self.ink), linewidth=0)

    def picture(self) -> np.ndarray:
        """Return the sketch, uint8 (size, size, 3)."""
        canvas = FigureCanvasAgg(self.figure)
        canvas.draw()
        pixels = np.asarray(canvas.buffer_rgba())[..., :3].astype(np.int16)
        if self.style in ("chalk", "pencil"):  # the grain of the paper
            pixels = pixels * self.rng.uniform(0.55, 1, (*pixels.shape[:2], 1)) + self.rng.uniform(0, 12, 3)
        return np.clip(pixels, 0, 255).astype(np.uint8)


def draw_sketch(class_slug: str, style: str, seed: int, size: int) -> np.ndarray:
    """Draw one sketch of a class.

    Parameters
    ----------
    class_slug : str
        A key of `SKETCHES`: a class of ``galaxy10``, ``galaxymnist``, ``gz2-5``, ``gz1-coarse`` or ``radio-fr``.
    style : str
        One of `STYLES`.
    seed : int
        Random seed; another one gives another orientation, size, position and other proportions.
    size : int
        Side in pixels.

    Returns
    -------
    ndarray of uint8, shape (size, size, 3)
        Row 0 is the top row. ``ink``, ``marker`` and ``shaded`` are black on white, the others white on black.
    """
    hand = Hand(style, seed, size)
    SKETCHES[class_slug](hand)
    return hand.picture()


# --- shapes ----------------------------------------------------------------------------------------------------------


def ellipse(a: float, b: float, turn: float = 0.0) -> np.ndarray:
    """Return an ellipse with semi-axes `a` and `b`, turned by `turn` radians."""
    t = np.linspace(0, TAU, 90, endpoint=False)
    x, y = a * np.cos(t), b * np.sin(t)
    return np.column_stack([x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)])


def arm(radius: float, outer: float, turns: float, start: float) -> np.ndarray:
    """Return an arm that winds outwards evenly (an Archimedean spiral)."""
    t = np.linspace(0, 1, 70)
    r, angle = radius + (outer - radius) * t, start + TAU * turns * t
    return np.column_stack([r * np.cos(angle), r * np.sin(angle)])


def curve(*points: tuple[float, float]) -> np.ndarray:
    """Return a smooth curve with the given points as its Bezier control points."""
    t, now = np.linspace(0, 1, 60)[:, None], [np.array([p], float) for p in points]
    while len(now) > 1:
        now = [(1 - t) * a + t * b for a, b in itertools.pairwise(now)]
    return now[0]


def smooth(low: float, high: float) -> Callable[[Hand], None]:
    """Return a drawer of featureless galaxies whose axis ratio is between `low` and `high`."""

    def draw(hand: Hand) -> None:
        ratio = hand.rng.uniform(low, high)
        hand.area(ellipse(1, ratio), 0.45)
        if hand.style in ("filled", "shaded") or hand.rng.random() < 0.6:
            hand.area(ellipse(0.6, 0.6 * ratio), 0.7)
            hand.area(ellipse(0.28, 0.28 * ratio), 1.0)

    return draw


def spiral(turns: tuple[float, float], *, bar: bool = False) -> Callable[[Hand], None]:
    """Return a drawer of face-on spirals whose arms make so many turns."""

    def draw(hand: Hand) -> None:
        wind, n = hand.rng.uniform(*turns), 2 if bar or turns[0] > 1 else hand.rng.choice([2, 2, 3])
        inner = hand.rng.uniform(0.3, 0.4) if bar else hand.rng.uniform(0.14, 0.2)
        if hand.style == "filled":
            hand.area(ellipse(0.98, 0.98), 0.2)
        for k in range(n):
            hand.line(arm(inner, 0.97, wind, TAU * k / n), 1.1)
        if bar:
            hand.area(np.array([[-inner, -0.07], [inner, -0.07], [inner, 0.07], [-inner, 0.07], [-inner, -0.07]]))
        hand.spot(0, 0, hand.rng.uniform(0.1, 0.14))

    return draw


def edge_on(bulge: tuple[float, float]) -> Callable[[Hand], None]:
    """Return a drawer of discs from the side with a bulge of such a radius (0 for none)."""

    def draw(hand: Hand) -> None:
        thickness, radius = hand.rng.uniform(0.05, 0.09), hand.rng.uniform(*bulge)
        x = np.linspace(-1, 1, 81)
        height = thickness * (1 - np.abs(x) ** 1.5) + radius * np.exp(-0.5 * (x / (0.75 * radius + 1e-6)) ** 2)
        hand.area(np.vstack([np.column_stack([x, height]), np.column_stack([x, -height])[::-1]]), 0.8)
        if hand.rng.random() < 0.5 and hand.style not in ("filled", "shaded"):
            hand.line(np.column_stack([0.75 * x, 0 * x]), 0.7)

    return draw


def merging(hand: Hand) -> None:
    """Draw two galaxies that touch, and a tail of each."""
    apart, ratio = hand.rng.uniform(0.24, 0.34), hand.rng.uniform(0.55, 0.8)
    for side in (-1, 1):
        turn = hand.rng.uniform(0, TAU / 2)
        hand.area(ellipse(0.34, 0.34 * ratio, turn) + np.array([side * apart, 0]), 0.6)
        hand.spot(side * apart, 0, 0.07)
        reach = hand.rng.uniform(0.75, 1.0)
        hand.line(curve((side * (apart + 0.25), side * 0.1), (side * 0.9, side * 0.6), (side * 0.2, side * reach)), 1.0)


def disturbed(hand: Hand) -> None:
    """Draw one lopsided galaxy with a stream, and a shell or an arm on one side only."""
    t = np.linspace(0, TAU, 120, endpoint=False)
    r = 0.5 * (1 + 0.2 * np.cos(t - 0.4) + 0.14 * np.cos(2 * t + hand.rng.uniform(0, 6)) + 0.09 * np.cos(3 * t))
    hand.area(np.column_stack([r * np.cos(t), r * np.sin(t)]), 0.5)
    hand.spot(0.1, 0.04, 0.1)
    hand.line(curve((0.45, 0.2), (0.95, 0.5), (0.5, 1.0), (-0.2, 0.95)), 1.0)
    if hand.rng.random() < 0.5:
        hand.line(curve((-0.5, -0.75), (-0.95, -0.4), (-0.85, 0.2)), 0.9)
    else:
        hand.line(curve((-0.4, -0.3), (-0.6, -0.8), (0.1, -0.95)), 0.9)


def compact(hand: Hand) -> None:
    """Draw a point source."""
    radius = hand.rng.uniform(0.14, 0.3)
    hand.area(ellipse(radius, radius * hand.rng.uniform(0.85, 1)), 0.7)
    hand.spot(0, 0, 0.55 * radius)


def jets_that_fade(hand: Hand) -> None:
    """Draw a bright core and two plumes that widen and dim outwards (FR I)."""
    for side in (-1, 1):
        x, bend = np.linspace(0.1, 1, 50), hand.rng.uniform(-0.15, 0.15)
        nested = ((1.0, 0.35), (0.7, 0.6), (0.4, 0.9)) if hand.style in ("filled", "shaded") else ((1.0, 0.6),)
        for share, level in nested:
            along = x[: int(share * len(x))]
            width = (0.05 + 0.2 * along) * (1 - (along / along[-1]) ** 12) ** 0.5
            upper, lower = bend * along**2 + width, bend * along**2 - width
            outline = np.vstack([np.column_stack([along, upper]), np.column_stack([along, lower])[::-1]])
            hand.area(outline * [side, 1], level)
    hand.spot(0, 0, 0.11)


def lobes_with_hotspots(hand: Hand) -> None:
    """Draw two lobes with bright outer ends, and perhaps a core and a bridge (FR II)."""
    reach, width = hand.rng.uniform(0.8, 0.95), hand.rng.uniform(0.16, 0.26)
    for side in (-1, 1):
        lobe = ellipse(0.36, width) * [1, 1 + 0.2 * hand.rng.random()] + [reach - 0.36, 0]
        hand.area(lobe * [side, 1], 0.4)
        hand.spot(side * (reach - 0.1), 0, hand.rng.uniform(0.08, 0.12))
    if hand.rng.random() < 0.6:
        hand.spot(0, 0, 0.05)
    if hand.rng.random() < 0.5:
        hand.line(np.array([[-0.3, 0.0], [0.0, 0.0], [0.3, 0.0]]), 0.8)


def bent_tails(hand: Hand) -> None:
    """Draw a core whose two jets are swept to the same side."""
    opening, reach = hand.rng.uniform(0.35, 0.8), hand.rng.uniform(0.8, 1.0)
    for side in (-1, 1):
        spine = curve((0, 0.6), (side * opening, 0.55), (side * opening * 1.2, 0.6 - 1.2 * reach))
        across = np.gradient(spine, axis=0)
        across = np.column_stack([-across[:, 1], across[:, 0]]) / np.hypot(*across.T)[:, None]
        for share, level in ((1.0, 0.4), (0.5, 0.8)) if hand.style in ("filled", "shaded") else ((1.0, 0.6),):
            n = int(share * len(spine))
            width = (0.05 + 0.14 * np.linspace(0, share, n)) * (1 - np.linspace(0, 1, n) ** 12) ** 0.5
            width = width[:, None]
            outline = np.vstack([spine[:n] + across[:n] * width, (spine[:n] - across[:n] * width)[::-1]])
            hand.area(outline, level)
    hand.spot(0, 0.6, 0.1)


ROUND, BETWEEN, CIGAR = smooth(0.88, 1.0), smooth(0.5, 0.7), smooth(0.2, 0.3)
DISC, BULGE, EDGE_ON = edge_on((0.0, 0.0)), edge_on((0.22, 0.3)), edge_on((0.06, 0.25))
SPIRAL = spiral((0.5, 0.9))

SKETCHES: dict[str, Callable[[Hand], None]] = {
    "disturbed": disturbed,
    "merging": merging,
    "round_smooth": ROUND,
    "in_between_round_smooth": BETWEEN,
    "cigar_shaped_smooth": CIGAR,
    "barred_spiral": spiral((0.4, 0.6), bar=True),
    "unbarred_tight_spiral": spiral((1.2, 1.6)),
    "unbarred_loose_spiral": spiral((0.4, 0.55)),
    "edge_on_without_bulge": DISC,
    "edge_on_with_bulge": BULGE,
    "smooth_round": ROUND,
    "smooth_inbetween": BETWEEN,
    "smooth_cigar": CIGAR,
    "edge_on_disk": DISC,
    "unbarred_spiral": SPIRAL,
    "edge_on": EDGE_ON,
    "spiral": SPIRAL,
    "elliptical": smooth(0.5, 1.0),
    "merger": merging,
    "fri": jets_that_fade,
    "frii": lobes_with_hotspots,
    "compact": compact,
    "bent": bent_tails,
}


def main() -> None:
    """Write the sketches of all classes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--seeds", type=int, default=1, help="sketches of each class and style")
    given = parser.parse_args()
    for slug in SKETCHES:
        (given.folder / slug).mkdir(parents=True, exist_ok=True)
        for style in STYLES:
            for seed in range(given.seeds):
                picture = draw_sketch(slug, style, seed, given.size)
                Image.fromarray(picture).save(given.folder / slug / f"{style}_{seed}.png")


if __name__ == "__main__":
    main()
