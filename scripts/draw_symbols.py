"""Draw the schematic symbols of the bundled taxonomies as SVG, and render each to a PNG.

Run from anywhere::

    python scripts/draw_symbols.py [FOLDER]

All drawings are white on black in a square of 256 units and use the same marks. A line is a boundary: the edge of the
light, an arm, a tail or a contour. A solid patch is a concentration: a nucleus, a bar, a hotspot or a peak. A fading
patch is a jet or plume that loses brightness outwards. Only the renderer (resvg_py) is needed besides the standard
library.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

SIZE = 256
CENTER = SIZE / 2
STROKE = 9.0
"""Line width: slightly more than 2 pixels when a symbol is shown at 64 pixels."""

Point = tuple[float, float]
ROOT = Path(__file__).resolve().parent.parent / "assets" / "symbols"


# --- marks: each returns one SVG element; coordinates are relative to the centre, x to the right, y up ---------------


def _path_data(points: Iterable[Point], closed: bool) -> str:
    text = "L".join(f"{CENTER + x:.2f} {CENTER - y:.2f}" for x, y in points)
    return f"M{text}{'Z' if closed else ''}"


def draw_line(points: Iterable[Point], *, closed: bool = False, width: float = STROKE) -> str:
    """Return a stroke through the points, with round ends and joins."""
    return (
        f'<path d="{_path_data(points, closed)}" fill="none" stroke="#fff" stroke-width="{width:g}" '
        'stroke-linecap="round" stroke-linejoin="round"/>'
    )


def draw_patch(points: Iterable[Point], fill: str = "#fff") -> str:
    """Return a solid shape."""
    return f'<path d="{_path_data(points, True)}" fill="{fill}"/>'


def draw_dot(x: float, y: float, radius: float) -> str:
    """Return a solid disc."""
    return f'<circle cx="{CENTER + x:g}" cy="{CENTER - y:g}" r="{radius:g}" fill="#fff"/>'


def make_fade(radius: float, center: Point = (0.0, 0.0)) -> tuple[str, str]:
    """Return a gradient and the fill that refers to it: white around `center`, transparent at `radius`."""
    stops = ((0.0, 1.0), (0.35, 1.0), (0.7, 0.5), (1.0, 0.0))
    inner = "".join(f'<stop offset="{at:g}" stop-color="#fff" stop-opacity="{opacity:g}"/>' for at, opacity in stops)
    where = f'cx="{CENTER + center[0]:g}" cy="{CENTER - center[1]:g}" r="{radius:g}" gradientUnits="userSpaceOnUse"'
    return f'<defs><radialGradient id="fade" {where}>{inner}</radialGradient></defs>', "url(#fade)"


# --- curves: each returns points -------------------------------------------------------------------------------------


def make_steps(start: float, stop: float, n: int) -> list[float]:
    """Return `n` evenly spaced values, including both ends."""
    return [start + (stop - start) * i / (n - 1) for i in range(n)]


def rotate(points: Iterable[Point], degrees: float, shift: Point = (0.0, 0.0)) -> list[Point]:
    """Rotate points anticlockwise around the centre, then shift them."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return [(c * x - s * y + shift[0], s * x + c * y + shift[1]) for x, y in points]


def make_ellipse(a: float, b: float, n: int = 96) -> list[Point]:
    """Return a closed ellipse with semi-axes `a` along x and `b` along y."""
    return [(a * math.cos(t), b * math.sin(t)) for t in make_steps(0, 2 * math.pi, n + 1)[:-1]]


def make_spiral_arm(inner: float, outer: float, pitch: float, start: float = 0.0) -> list[Point]:
    """Return a logarithmic spiral from radius `inner` to `outer` that opens anticlockwise; the pitch is in degrees."""
    growth = math.tan(math.radians(pitch))
    angles = make_steps(0, math.log(outer / inner) / growth, 80)
    return [
        (inner * math.exp(growth * t) * math.cos(start + t), inner * math.exp(growth * t) * math.sin(start + t))
        for t in angles
    ]


def make_edge_on_outline(length: float, thickness: float, bulge: float) -> list[Point]:
    """Return the outline of a thin edge-on disc with pointed ends and a round bulge of radius `bulge` (0 for none)."""

    def height(x: float) -> float:
        disc = thickness * (1 - (x / length) ** 2)
        return max(disc, math.sqrt(max(bulge**2 - x**2, 0.0)))

    upper = [(x, height(x)) for x in make_steps(-length, length, 121)]
    return upper + [(x, -y) for x, y in reversed(upper[1:-1])]


def make_ribbon(spine: Sequence[Point], widths: Sequence[float]) -> list[Point]:
    """Return the outline of a band along `spine` with a full width that varies."""
    left, right = [], []
    for i, (x, y) in enumerate(spine):
        (x0, y0), (x1, y1) = spine[max(i - 1, 0)], spine[min(i + 1, len(spine) - 1)]
        norm = math.hypot(x1 - x0, y1 - y0)
        nx, ny = -(y1 - y0) / norm, (x1 - x0) / norm
        left.append((x + nx * widths[i] / 2, y + ny * widths[i] / 2))
        right.append((x - nx * widths[i] / 2, y - ny * widths[i] / 2))
    return left + right[::-1]


def trace_contour(peaks: Sequence[Point], sigma: float, level: float = 0.3) -> list[Point]:
    """Return the outermost contour of a sum of equal round Gaussians, traced around the mean of their peaks."""
    cx, cy = (sum(axis) / len(peaks) for axis in zip(*peaks, strict=True))

    def field(x: float, y: float) -> float:
        return sum(math.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * sigma**2)) for px, py in peaks)

    points = []
    for angle in make_steps(0, 2 * math.pi, 145)[:-1]:
        c, s = math.cos(angle), math.sin(angle)
        inside, step = CENTER, 4.0
        while field(cx + inside * c, cy + inside * s) < level:
            inside -= step
        outside = inside + step
        while outside - inside > 1e-3:
            middle = (inside + outside) / 2
            lit = field(cx + middle * c, cy + middle * s) >= level
            inside, outside = (middle, outside) if lit else (inside, middle)
        points.append((cx + inside * c, cy + inside * s))
    return points


# --- optical symbols -------------------------------------------------------------------------------------------------


def draw_smooth(a: float, b: float) -> list[str]:
    """Draw an early-type galaxy: the edge of the light, and nothing inside."""
    return [draw_line(make_ellipse(a, b), closed=True)]


def draw_unbarred(pitch: float, nucleus: float, inner: float) -> list[str]:
    """Draw two arms that begin at radius `inner` around a round nucleus."""
    arm = make_spiral_arm(inner, 106, pitch)
    return [draw_dot(0, 0, nucleus), draw_line(arm), draw_line(rotate(arm, 180))]


def draw_barred() -> list[str]:
    """Draw two arms that begin at the ends of a straight bar."""
    half = 54.0
    arm = make_spiral_arm(half, 106, 13)
    bar = half - STROKE / 2
    return [
        draw_dot(0, 0, 19),
        draw_line([(-bar, 0), (bar, 0)], width=2 * STROKE),
        draw_line(arm),
        draw_line(rotate(arm, 180)),
    ]


def draw_edge_on(bulge: float) -> list[str]:
    """Draw an edge-on disc with a dust lane along the middle."""
    lane = 82.0
    return [
        draw_line(make_edge_on_outline(108, 21, bulge), closed=True),
        draw_line([(-lane, 0), (lane, 0)], width=0.6 * STROKE),
    ]


def draw_merging() -> list[str]:
    """Draw two overlapping galaxies, each with a nucleus, and two long tidal tails on opposite sides."""
    one = rotate(make_ellipse(45, 33), 30, (-32, -16))
    tail = [
        (-46 + 52 * math.cos(t), 34 + 66 * math.sin(t)) for t in make_steps(math.radians(240), math.radians(60), 60)
    ]
    marks = []
    for degrees in (0, 180):
        x, y = rotate([(-38, -19)], degrees)[0]
        marks += [draw_line(rotate(one, degrees), closed=True), draw_dot(x, y, 11), draw_line(rotate(tail, degrees))]
    return marks


def draw_disturbed() -> list[str]:
    """Draw one distorted galaxy: a lopsided outline, an off-centre nucleus, a stream and a shell."""
    outline = []
    for t in make_steps(0, 2 * math.pi, 145)[:-1]:
        r = 60 * (1 + 0.17 * math.cos(2 * t - 0.9) + 0.13 * math.cos(3 * t + 0.6) + 0.06 * math.cos(5 * t + 2.0))
        outline.append((r * math.cos(t) - 2, r * math.sin(t) - 2))
    turn = make_steps(0, math.radians(112), 50)
    stream = [((70 + 21 * t) * math.cos(t + 0.42), -(70 + 21 * t) * math.sin(t + 0.42)) for t in turn]
    shell = [(2 + 98 * math.cos(t), 94 * math.sin(t)) for t in make_steps(math.radians(10), math.radians(80), 50)]
    return [draw_line(outline, closed=True), draw_dot(16, 12, 13), draw_line(stream), draw_line(shell)]


# --- radio symbols ---------------------------------------------------------------------------------------------------


def draw_compact() -> list[str]:
    """Draw a single unresolved source."""
    return [draw_dot(0, 0, 36)]


def draw_fr_one() -> list[str]:
    """Draw two jets, brightest near the core, that widen into plumes and fade."""
    spine = [(x, 8 * math.sin(x / 26)) for x in make_steps(6, 118, 60)]
    plume = make_ribbon(spine, [14 + 54 * (i / 59) ** 1.2 for i in range(60)])
    fade, fill = make_fade(116)
    return [fade, draw_patch(plume, fill), draw_patch(rotate(plume, 180), fill), draw_dot(0, 0, 15)]


def draw_fr_two() -> list[str]:
    """Draw a core and two lobes that widen outwards and end in a bright hotspot at the outer edge."""
    tip, length, half_width, hot = 26.0, 84.0, 34.0, 0.76
    along = [(1 - math.cos(t)) / 2 for t in make_steps(0, math.pi, 97)]
    # The lobe is a drop: narrow near the core, widest two thirds out, blunt at the end.
    upper = [(tip + length * s, half_width * 2.6 * s * math.sqrt(1 - s)) for s in along]
    lobe = upper + [(x, -y) for x, y in upper[-2:0:-1]]
    cap = [(x, y) for x, y in lobe if x >= tip + length * hot]
    marks = [draw_dot(0, 0, 11)]
    for degrees in (0, 180):
        marks += [draw_line(rotate(lobe, degrees), closed=True), draw_patch(rotate(cap, degrees))]
    return marks


def draw_bent() -> list[str]:
    """Draw a core with two jets that are bent to the same side and widen into tails."""
    top = 70.0
    spine = [(10 + 76 * math.sin(t), top - 158 * (1 - math.cos(t))) for t in make_steps(0.02, math.radians(94), 60)]
    tail = make_ribbon(spine, [13 + 40 * (i / 59) ** 1.2 for i in range(60)])
    fade, fill = make_fade(182, (0.0, top))
    core = draw_line([(-12, top), (12, top)], width=13)
    return [fade, draw_patch(tail, fill), draw_patch([(-x, y) for x, y in tail], fill), core, draw_dot(0, top, 15)]


def draw_radio(*components: Sequence[float], sigma: float, peaks: bool = True, contours: bool = True) -> list[str]:
    """Draw components along one axis, each given by the x of its peaks: a contour each, and a dot for each peak."""
    marks = []
    for xs in components:
        places = [(x, 0.0) for x in xs]
        if contours:
            marks.append(draw_line(trace_contour(places, sigma), closed=True))
        if peaks:
            marks += [draw_dot(x, y, 11 if contours else 17) for x, y in places]
    return marks


# --- the table of symbols --------------------------------------------------------------------------------------------

ROUND, BETWEEN, CIGAR = (lambda: draw_smooth(84, 84)), (lambda: draw_smooth(100, 64)), (lambda: draw_smooth(108, 31))
SPIRAL = lambda: draw_unbarred(17, 17, 15)  # noqa: E731 - named once, used in three taxonomies
EDGE_ON = lambda: draw_edge_on(32)  # noqa: E731

SYMBOLS: dict[str, dict[str, Callable[[], list[str]]]] = {
    "galaxy10": {
        "disturbed": draw_disturbed,
        "merging": draw_merging,
        "round_smooth": ROUND,
        "in_between_round_smooth": BETWEEN,
        "cigar_shaped_smooth": CIGAR,
        "barred_spiral": draw_barred,
        "unbarred_tight_spiral": lambda: draw_unbarred(8.5, 18, 32),
        "unbarred_loose_spiral": lambda: draw_unbarred(30, 15, 11),
        "edge_on_without_bulge": lambda: draw_edge_on(0),
        "edge_on_with_bulge": lambda: draw_edge_on(45),
    },
    "galaxymnist": {
        "smooth_round": ROUND,
        "smooth_cigar": CIGAR,
        "edge_on_disk": lambda: draw_edge_on(0),
        "unbarred_spiral": SPIRAL,
    },
    "gz2-5": {
        "smooth_round": ROUND,
        "smooth_inbetween": BETWEEN,
        "smooth_cigar": CIGAR,
        "edge_on": EDGE_ON,
        "spiral": SPIRAL,
    },
    "gz1-coarse": {"elliptical": BETWEEN, "edge_on": EDGE_ON, "spiral": SPIRAL, "merger": draw_merging},
    "radio-fr": {"fri": draw_fr_one, "frii": draw_fr_two, "compact": draw_compact, "bent": draw_bent},
    "rgz": {
        "1c_1p": lambda: draw_radio([0], sigma=40),
        "1c_2p": lambda: draw_radio([-44, 44], sigma=36),
        "1c_3p": lambda: draw_radio([-66, 0, 66], sigma=29),
        "2c_2p": lambda: draw_radio([-62], [62], sigma=29),
        "2c_3p": lambda: draw_radio([-76, -24], [76], sigma=22),
        "3c_3p": lambda: draw_radio([-80], [0], [80], sigma=19),
    },
    "rgz-peaks": {
        "1p": lambda: draw_radio([0], sigma=1, contours=False),
        "2p": lambda: draw_radio([-44, 44], sigma=1, contours=False),
        "3p": lambda: draw_radio([-74, 0, 74], sigma=1, contours=False),
    },
    "rgz-components": {
        "1c": lambda: draw_radio([0], sigma=40, peaks=False),
        "2c": lambda: draw_radio([-62], [62], sigma=29, peaks=False),
        "3c": lambda: draw_radio([-80], [0], [80], sigma=19, peaks=False),
    },
}


def make_svg(marks: Sequence[str]) -> str:
    """Return the text of the SVG file of one symbol."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}" width="{SIZE}" height="{SIZE}">'
    return "\n".join([head, f'<rect width="{SIZE}" height="{SIZE}" fill="#000"/>', *marks, "</svg>", ""])


def main(root: Path) -> None:
    """Write all symbols below `root`, one folder for each taxonomy."""
    import resvg_py

    for taxonomy, symbols in SYMBOLS.items():
        folder = root / taxonomy
        folder.mkdir(parents=True, exist_ok=True)
        for slug, draw in symbols.items():
            text = make_svg(draw())
            (folder / f"{slug}.svg").write_text(text, encoding="utf-8")
            (folder / f"{slug}.png").write_bytes(bytes(resvg_py.svg_to_bytes(svg_string=text, width=SIZE, height=SIZE)))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
