"""Draw the schematic symbols of the bundled taxonomies as SVG, and render each to a PNG.

Run from anywhere::

    python scripts/draw_symbols.py [FOLDER]

Each class is drawn in three styles, white on black as in the sky. ``<class>`` is a line drawing: a line is a boundary
(the edge of the light, an arm, a tail or a contour), a solid patch is a concentration (a nucleus, a bar, a hotspot or
a peak). ``<class>@filled`` has areas of even brightness where there is light. In ``<class>@fading`` the brightness
falls off as in an image. Only Pillow and the renderer (resvg_py) are needed besides the standard library.
"""

from __future__ import annotations

import io
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from symbol_shapes import (
    FADE,
    FADE_FROM_TOP,
    SIZE,
    STROKE,
    Point,
    blur,
    draw_dot,
    draw_glow,
    draw_lane,
    draw_line,
    draw_patch,
    make_arc,
    make_edge_on_outline,
    make_ellipse,
    make_ribbon,
    make_spiral_arm,
    make_steps,
    make_svg,
    make_taper,
    move,
    trace_contour,
)

ROOT = Path(__file__).resolve().parent.parent / "assets" / "symbols"
LINE, FILLED, FADING = STYLES = ("line", "filled", "fading")
LEVELS = 32
"""Gray levels of the PNG files, so that they are small."""

Draw = Callable[[str], list[str]]


# --- optical symbols -------------------------------------------------------------------------------------------------


def smooth(a: float, b: float) -> Draw:
    """Draw an early-type galaxy: contours around a core, steps of brightness, or a glow. Never an empty ring."""

    def draw(style: str) -> list[str]:
        if style == FADING:
            return [draw_glow(1.25 * a, 1.25 * b)]
        core = draw_patch(make_ellipse(0.34 * a, 0.34 * b))
        if style == FILLED:
            return [draw_patch(make_ellipse(a, b), 0.55), draw_patch(make_ellipse(0.66 * a, 0.66 * b), 0.6), core]
        inner = [draw_line(make_ellipse(0.68 * a, 0.68 * b), closed=True, width=0.7 * STROKE)] if b > 50 else []
        return [draw_line(make_ellipse(a, b), closed=True, width=0.8 * STROKE), *inner, core]

    return draw


def spiral(pitch: float, nucleus: float, inner: float, bar: float = 0.0) -> Draw:
    """Draw two arms around a nucleus, which begin at radius `inner`: at the ends of the bar if it has a width `bar`."""

    def draw(style: str) -> list[str]:
        arm = make_spiral_arm(inner, 108, pitch)
        arms = [arm, move(arm, degrees=180)]
        rod = make_steps(-inner, inner, 2) if bar else []
        line = [(x, 0.0) for x in rod]
        if style == LINE:
            bars = [draw_line(line, width=bar)] if line else []
            return [draw_dot(0, 0, nucleus), *bars, *(draw_line(one, width=1.1 * STROKE) for one in arms)]
        if style == FILLED:
            bars = [draw_line(line, width=1.3 * bar)] if line else []
            wide = [draw_patch(make_taper(one, min(20, 1.6 * pitch), 10)) for one in arms]
            return [draw_patch(make_ellipse(104, 104), 0.22), *wide, *bars, draw_dot(0, 0, 1.15 * nucleus)]
        bars = [draw_glow(1.35 * inner, 1.3 * bar), draw_glow(1.35 * inner, bar)] if line else []
        wide = [draw_line(one, width=15, paint=FADE) for one in arms]
        return [draw_glow(122, 122, opacity=0.35), blur(wide, 4), *bars, draw_glow(2.3 * nucleus, 2.3 * nucleus)]

    return draw


def edge_on(bulge: float) -> Draw:
    """Draw a disc from the side; the filled one has a lane of dust along the middle."""

    def draw(style: str) -> list[str]:
        lane = [(-84.0, 0.0), (84.0, 0.0)]
        if style == LINE:
            outline = draw_line(make_edge_on_outline(110, 15, bulge), closed=True, width=0.9 * STROKE)
            return [outline, *([draw_dot(0, 0, 0.5 * bulge)] if bulge else [])]
        body = make_edge_on_outline(112, 19, bulge)
        if style == FILLED:
            return [draw_patch(body, 0.8), draw_lane(lane, 1.1 * STROKE)]
        disc = [draw_glow(124, 19), draw_glow(124, 13)]
        return disc + ([draw_glow(60, 1.6 * bulge), draw_glow(42, 1.3 * bulge)] if bulge else [])

    return draw


def merging(style: str) -> list[str]:
    """Draw two galaxies that overlap, each with a nucleus, and two long tidal tails on opposite sides."""
    marks: list[str] = []
    for degrees, scale in ((0, 1.0), (180, 0.85)):
        body = move(make_ellipse(46 * scale, 33 * scale), degrees=degrees + 30)
        (x, y) = move([(-34.0, -17.0)], degrees=degrees)[0]
        body = move(body, shift=(x, y))
        tail = move(make_arc(54, 66, 235, 62, (-48, 34)), degrees=degrees)
        if style == LINE:
            marks += [draw_line(body, closed=True), draw_line(tail, width=1.1 * STROKE), draw_dot(x, y, 12 * scale)]
        elif style == FILLED:
            marks += [draw_patch(make_taper(tail, 20, 8), 0.75), draw_patch(body, 0.6), draw_dot(x, y, 15 * scale)]
        else:
            marks += [
                blur([draw_patch(make_taper(tail, 24, 10), 0.55)], 4),
                draw_glow(80 * scale, 62 * scale, at=(x, y), degrees=degrees + 30),
                draw_glow(36 * scale, 32 * scale, at=(x, y)),
            ]
    return marks


def disturbed(style: str) -> list[str]:
    """Draw one distorted disc with an off-centre nucleus, one long tail, and shells on the other side."""
    disc = []
    for t in make_steps(0, 2 * math.pi, 97)[:-1]:
        r = 52 * (1 + 0.2 * math.cos(2 * t - 0.9) + 0.09 * math.cos(3 * t + 0.6))
        disc.append((r * math.cos(t), r * math.sin(t)))
    turn = make_steps(0, 2.5, 50)
    tail = [((40 + 29 * t) * math.cos(t + 0.3), (40 + 29 * t) * math.sin(t + 0.3)) for t in turn]
    core = move(make_ellipse(22, 14), degrees=28, shift=(12, 6))
    shells = [make_arc(74, 70, 232, 292), make_arc(102, 98, 222, 302)]
    if style == LINE:
        lines = [draw_line(disc, closed=True), draw_line(tail, width=1.3 * STROKE)]
        return [*lines, *(draw_line(shell, width=0.8 * STROKE) for shell in shells), draw_patch(core)]
    if style == FILLED:
        return [
            draw_patch(make_taper(tail, 26, 8), 0.7),
            draw_patch(disc, 0.6),
            *(draw_line(shell, width=13, opacity=0.5) for shell in shells),
            draw_patch(core),
        ]
    return [
        blur([draw_patch(disc, 0.4), draw_patch(make_taper(tail, 28, 12), 0.6)], 6),
        blur([draw_line(shell, width=14, opacity=0.4) for shell in shells], 4),
        draw_glow(76, 60, degrees=28),
        draw_glow(40, 28, at=(12, 6), degrees=28),
    ]


# --- radio symbols ---------------------------------------------------------------------------------------------------


def compact(style: str) -> list[str]:
    """Draw a single unresolved source."""
    if style == LINE:
        return [draw_line(make_ellipse(36, 36), closed=True), draw_dot(0, 0, 17)]
    return [draw_dot(0, 0, 30)] if style == FILLED else [draw_glow(60, 60), draw_glow(40, 40)]


def both_ways(points: Sequence[Point]) -> list[list[Point]]:
    """Return points and the same turned by half a turn."""
    return [list(points), move(points, degrees=180)]


def fr_one(style: str) -> list[str]:
    """Draw two jets, brightest near the core, that widen into plumes and fade."""
    spine = [(x, 8 * math.sin(x / 26)) for x in make_steps(8, 116, 55)]

    def plumes(share: float) -> list[list[Point]]:
        n = round(share * len(spine))
        ends = [math.sqrt(1 - (i / (n - 1)) ** 10) for i in range(n)]
        return both_ways(make_ribbon(spine[:n], [(14 + 56 * (i / 54) ** 1.2) * ends[i] for i in range(n)]))

    core = draw_dot(0, 0, 17)
    if style == LINE:
        return [*(draw_line(plume, closed=True, width=0.8 * STROKE) for plume in plumes(1.0)), core]
    if style == FILLED:
        steps = ((1.0, 0.3), (0.68, 0.4), (0.4, 0.75))
        return [*(draw_patch(plume, opacity) for share, opacity in steps for plume in plumes(share)), core]
    return [blur([draw_patch(plume, paint=FADE) for plume in plumes(1.0)], 5), draw_glow(40, 40), draw_glow(24, 24)]


def fr_two(style: str) -> list[str]:
    """Draw a core, a bridge, and two lobes that end in a bright hotspot at the outer edge."""
    tip, length, half_width = 24.0, 86.0, 33.0
    along = [(1 - math.cos(t)) / 2 for t in make_steps(0, math.pi, 61)]
    # The lobe is a drop: narrow near the core, widest two thirds out, blunt at the end.
    upper = [(tip + length * s, half_width * 2.6 * s * math.sqrt(1 - s)) for s in along]
    lobes = both_ways(upper + [(x, -y) for x, y in upper[-2:0:-1]])
    spots = [(90.0, 0.0), (-90.0, 0.0)]
    bridge = [(-40.0, 0.0), (40.0, 0.0)]
    if style == LINE:
        lines = [draw_line(lobe, closed=True, width=0.9 * STROKE) for lobe in lobes]
        return [*lines, *(draw_dot(x, y, 16) for x, y in spots), draw_dot(0, 0, 9)]
    if style == FILLED:
        areas = [draw_line(bridge, width=16, opacity=0.4), *(draw_patch(lobe, 0.5) for lobe in lobes)]
        return [*areas, *(draw_dot(x, y, 19) for x, y in spots), draw_dot(0, 0, 9)]
    areas = [draw_line(bridge, width=20, opacity=0.3), *(draw_patch(lobe, 0.4) for lobe in lobes)]
    hot = [draw_glow(r, r, at=spot) for spot in spots for r in (44, 30)]
    return [blur(areas, 6), *hot, draw_glow(20, 20)]


def bent(style: str) -> list[str]:
    """Draw a core with two jets that are bent to the same side and widen into tails."""
    top = 70.0
    spine = [(8 + 78 * math.sin(t), top - 158 * (1 - math.cos(t))) for t in make_steps(0.02, math.radians(94), 55)]

    def tails(share: float) -> list[list[Point]]:
        n = round(share * len(spine))
        ends = [math.sqrt(1 - (i / (n - 1)) ** 10) for i in range(n)]
        one = make_ribbon(spine[:n], [(15 + 40 * (i / 54) ** 1.2) * ends[i] for i in range(n)])
        return [one, [(-x, y) for x, y in one]]

    core = draw_dot(0, top, 17)
    if style == LINE:
        return [*(draw_line(tail, closed=True, width=0.8 * STROKE) for tail in tails(1.0)), core]
    if style == FILLED:
        steps = ((1.0, 0.4), (0.65, 0.5), (0.35, 0.6))
        return [*(draw_patch(tail, opacity) for share, opacity in steps for tail in tails(share)), core]
    glow = [draw_glow(40, 40, at=(0, top)), draw_glow(24, 24, at=(0, top))]
    return [blur([draw_patch(tail, paint=FADE_FROM_TOP) for tail in tails(1.0)], 5), *glow]


def radio(*components: Sequence[float], sigma: float, peaks: bool = True, contours: bool = True) -> Draw:
    """Draw components along one axis, each given by the x of its peaks: an island each, and a dot for each peak."""

    def draw(style: str) -> list[str]:
        marks = []
        for xs in components:
            places = [(x, 0.0) for x in xs]
            island = trace_contour(places, sigma) if contours else []
            if contours and style == LINE:
                marks.append(draw_line(island, closed=True))
            elif contours and style == FILLED:
                marks.append(draw_patch(island, 0.45 if peaks else 0.9))
            elif contours:
                marks.append(blur([draw_patch(island, 0.4 if peaks else 0.8)], 7 if len(components) == 1 else 4))
            for x, y in places if peaks else []:
                if style == FADING:
                    r = min(1.2 * sigma, 40) if contours else 44
                    marks += [draw_glow(r, r, at=(x, y)), draw_glow(0.6 * r, 0.6 * r, at=(x, y))]
                elif contours:
                    marks.append(draw_dot(x, y, 12))
                elif style == FILLED:
                    marks.append(draw_dot(x, y, 24))
                else:
                    marks += [draw_dot(x, y, 10), draw_line(move(make_ellipse(24, 24), shift=(x, y)), closed=True)]
        return marks

    return draw


# --- the table of symbols --------------------------------------------------------------------------------------------

ROUND, BETWEEN, CIGAR = smooth(90, 90), smooth(104, 64), smooth(112, 31)
SPIRAL, EDGE_ON, DISC = spiral(16, 18, 17), edge_on(17), edge_on(0)

SYMBOLS: dict[str, dict[str, Draw]] = {
    "galaxy10": {
        "disturbed": disturbed,
        "merging": merging,
        "round_smooth": ROUND,
        "in_between_round_smooth": BETWEEN,
        "cigar_shaped_smooth": CIGAR,
        "barred_spiral": spiral(15, 20, 52, bar=19),
        "unbarred_tight_spiral": spiral(8.5, 19, 32),
        "unbarred_loose_spiral": spiral(30, 16, 12),
        "edge_on_without_bulge": DISC,
        "edge_on_with_bulge": edge_on(30),
    },
    "galaxymnist": {
        "smooth_round": ROUND,
        "smooth_cigar": CIGAR,
        "edge_on_disk": DISC,
        "unbarred_spiral": SPIRAL,
    },
    "gz2-5": {
        "smooth_round": ROUND,
        "smooth_inbetween": BETWEEN,
        "smooth_cigar": CIGAR,
        "edge_on": EDGE_ON,
        "spiral": SPIRAL,
    },
    "gz1-coarse": {"elliptical": BETWEEN, "edge_on": EDGE_ON, "spiral": SPIRAL, "merger": merging},
    "radio-fr": {"fri": fr_one, "frii": fr_two, "compact": compact, "bent": bent},
    "rgz": {
        "1c_1p": radio([0], sigma=40),
        "1c_2p": radio([-44, 44], sigma=36),
        "1c_3p": radio([-66, 0, 66], sigma=29),
        "2c_2p": radio([-62], [62], sigma=29),
        "2c_3p": radio([-76, -24], [76], sigma=22),
        "3c_3p": radio([-80], [0], [80], sigma=19),
    },
    "rgz-peaks": {
        "1p": radio([0], sigma=1, contours=False),
        "2p": radio([-44, 44], sigma=1, contours=False),
        "3p": radio([-74, 0, 74], sigma=1, contours=False),
    },
    "rgz-components": {
        "1c": radio([0], sigma=40, peaks=False),
        "2c": radio([-62], [62], sigma=29, peaks=False),
        "3c": radio([-80], [0], [80], sigma=19, peaks=False),
    },
}


def name_file(slug: str, style: str) -> str:
    """Return the name, without suffix, of the files of a drawing."""
    return slug if style == LINE else f"{slug}@{style}"


def render(svg: str) -> bytes:
    """Return the PNG of a drawing, in gray."""
    import resvg_py
    from PIL import Image

    picture = Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg, width=SIZE, height=SIZE)))).convert("L")
    step = 255 / (LEVELS - 1)
    picture = picture.point([round(round(value / step) * step) for value in range(256)])
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()


def main(root: Path) -> None:
    """Write all symbols below `root`, one folder for each taxonomy."""
    for taxonomy, symbols in SYMBOLS.items():
        folder = root / taxonomy
        folder.mkdir(parents=True, exist_ok=True)
        for slug, draw in symbols.items():
            for style in STYLES:
                text = make_svg(draw(style))
                path = folder / name_file(slug, style)
                path.with_suffix(".svg").write_text(text, encoding="utf-8")
                path.with_suffix(".png").write_bytes(render(text))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
