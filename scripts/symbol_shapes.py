"""Marks and curves of the bundled symbols, see ``draw_symbols.py``.

Coordinates are relative to the centre of a square of 256 units, x to the right, y up. Marks are SVG elements, white
unless an opacity or a paint says otherwise. Curves are lists of points.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

SIZE = 256
CENTER = SIZE / 2
STROKE = SIZE * 0.036
"""Line width: slightly more than 2 pixels when a symbol is shown at 64 pixels."""

Point = tuple[float, float]


# --- marks -----------------------------------------------------------------------------------------------------------


def _path_data(points: Iterable[Point], closed: bool) -> str:
    text = "L".join(f"{CENTER + x:.1f} {CENTER - y:.1f}" for x, y in points)
    return f"M{text}{'Z' if closed else ''}"


def draw_line(
    points: Iterable[Point], *, closed: bool = False, width: float = STROKE, paint: str = "#fff", opacity: float = 1.0
) -> str:
    """Return a stroke through the points, with round ends and joins."""
    return (
        f'<path d="{_path_data(points, closed)}" fill="none" stroke="{paint}" stroke-width="{width:g}" '
        f'stroke-linecap="round" stroke-linejoin="round" opacity="{opacity:g}"/>'
    )


def draw_lane(points: Iterable[Point], width: float) -> str:
    """Return a dark stroke, a lane of dust."""
    return draw_line(points, width=width, paint="#000")


def draw_patch(points: Iterable[Point], opacity: float = 1.0, paint: str = "#fff") -> str:
    """Return an area of one brightness."""
    return f'<path d="{_path_data(points, True)}" fill="{paint}" opacity="{opacity:g}"/>'


def draw_dot(x: float, y: float, radius: float, opacity: float = 1.0) -> str:
    """Return a disc of one brightness."""
    return f'<circle cx="{CENTER + x:g}" cy="{CENTER - y:g}" r="{radius:g}" fill="#fff" opacity="{opacity:g}"/>'


def draw_glow(a: float, b: float, *, at: Point = (0.0, 0.0), degrees: float = 0.0, opacity: float = 1.0) -> str:
    """Return an ellipse that is bright in the middle and fades to nothing at its semi-axes, as galaxies do."""
    x, y = CENTER + at[0], CENTER - at[1]
    return (
        f'<ellipse cx="{x:g}" cy="{y:g}" rx="{a:g}" ry="{b:g}" fill="url(#glow)" opacity="{opacity:g}" '
        f'transform="rotate({-degrees:g} {x:g} {y:g})"/>'
    )


def blur(marks: Iterable[str], amount: float = 4.0) -> str:
    """Return the marks out of focus, by a Gaussian of this standard deviation (0 to 9, whole units)."""
    return f'<g filter="url(#blur{amount:.0f})">{"".join(marks)}</g>'


def make_svg(marks: Sequence[str]) -> str:
    """Return the text of the SVG file of one symbol, with the gradients and filters that its marks refer to."""
    body = "\n".join(marks)
    radii = [i / 10 for i in range(11)]
    glow = [(r, min(1.0, 1.9 * (math.exp(-3.2 * r) - math.exp(-3.2)))) for r in radii]
    defs = []
    if "#glow" in body:
        stops = "".join(f'<stop offset="{r:g}" stop-color="#fff" stop-opacity="{v:.3f}"/>' for r, v in glow)
        defs.append(f'<radialGradient id="glow">{stops}</radialGradient>')
    for radius in (116, 182):
        if f"#fade{radius}" in body:
            defs.append(_make_fade(radius, 0.0 if radius == 116 else 70.0))
    for amount in range(10):
        if f"#blur{amount})" in body:
            where = f'filterUnits="userSpaceOnUse" x="0" y="0" width="{SIZE}" height="{SIZE}"'
            defs.append(f'<filter id="blur{amount}" {where}><feGaussianBlur stdDeviation="{amount}"/></filter>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}" width="{SIZE}" height="{SIZE}">'
    parts = [f"<defs>{''.join(defs)}</defs>"] if defs else []
    return "\n".join([head, *parts, f'<rect width="{SIZE}" height="{SIZE}" fill="#000"/>', body, "</svg>", ""])


def _make_fade(radius: float, y: float) -> str:
    """Return a gradient around (0, y) that is white near the middle and nearly dark at `radius`."""
    stops = ((0.0, 1.0), (0.35, 1.0), (0.7, 0.55), (1.0, 0.12))
    inner = "".join(f'<stop offset="{at:g}" stop-color="#fff" stop-opacity="{opacity:g}"/>' for at, opacity in stops)
    where = f'cx="{CENTER:g}" cy="{CENTER - y:g}" r="{radius:g}" gradientUnits="userSpaceOnUse"'
    return f'<radialGradient id="fade{radius:g}" {where}>{inner}</radialGradient>'


FADE, FADE_FROM_TOP = "url(#fade116)", "url(#fade182)"
"""Paints that fade away from the centre, and from a point near the top."""


# --- curves ----------------------------------------------------------------------------------------------------------


def make_steps(start: float, stop: float, n: int) -> list[float]:
    """Return `n` evenly spaced values, including both ends."""
    return [start + (stop - start) * i / (n - 1) for i in range(n)]


def move(points: Iterable[Point], *, degrees: float = 0.0, shift: Point = (0.0, 0.0)) -> list[Point]:
    """Rotate points anticlockwise around the centre, then shift them."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return [(c * x - s * y + shift[0], s * x + c * y + shift[1]) for x, y in points]


def make_ellipse(a: float, b: float, n: int = 72) -> list[Point]:
    """Return a closed ellipse with semi-axes `a` along x and `b` along y."""
    return [(a * math.cos(t), b * math.sin(t)) for t in make_steps(0, 2 * math.pi, n + 1)[:-1]]


def make_arc(a: float, b: float, start: float, stop: float, center: Point = (0.0, 0.0)) -> list[Point]:
    """Return the part of an ellipse between two angles in degrees."""
    turn = make_steps(math.radians(start), math.radians(stop), 40)
    return [(center[0] + a * math.cos(t), center[1] + b * math.sin(t)) for t in turn]


def make_spiral_arm(inner: float, outer: float, pitch: float, start: float = 0.0) -> list[Point]:
    """Return a logarithmic spiral from radius `inner` to `outer` that opens anticlockwise; the pitch is in degrees."""
    growth = math.tan(math.radians(pitch))
    angles = make_steps(0, math.log(outer / inner) / growth, 80)
    return [
        (inner * math.exp(growth * t) * math.cos(start + t), inner * math.exp(growth * t) * math.sin(start + t))
        for t in angles
    ]


def make_edge_on_outline(length: float, thickness: float, bulge: float, width: float = 30.0) -> list[Point]:
    """Return the outline of an edge-on disc with pointed ends, which a bulge of this height widens (0 for none)."""

    def height(x: float) -> float:
        return thickness * (1 - abs(x / length) ** 1.5) + bulge * math.exp(-((x / width) ** 2))

    upper = [(x, height(x)) for x in make_steps(-length, length, 81)]
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


def make_taper(spine: Sequence[Point], start: float, stop: float) -> list[Point]:
    """Return a ribbon whose width goes evenly from `start` to `stop`."""
    return make_ribbon(spine, make_steps(start, stop, len(spine)))


def trace_contour(peaks: Sequence[Point], sigma: float, level: float = 0.3) -> list[Point]:
    """Return the outermost contour of a sum of equal round Gaussians, traced around the mean of their peaks."""
    cx, cy = (sum(axis) / len(peaks) for axis in zip(*peaks, strict=True))

    def field(x: float, y: float) -> float:
        return sum(math.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * sigma**2)) for px, py in peaks)

    points = []
    for angle in make_steps(0, 2 * math.pi, 97)[:-1]:
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
