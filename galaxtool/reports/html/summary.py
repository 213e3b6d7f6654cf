"""The parts of a page that are numbers: summary, errors, and how the predictions were made."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from galaxtool.reports.html.markup import bar, count, isolated, number, text
from galaxtool.reports.html.overview import BINS, CLOSE, MOST_ERRORS, Overview
from galaxtool.types import FLAGS

_TOLD = {
    "MODEL": "Model",
    "MODELSHA": "Digest of the model (SHA-256)",
    "ENGINE": "Engine",
    "PRECISN": "Precision",
    "CALIBRAT": "Calibration",
    "GALAXTOO": "galaxtool",
    "VERSIONS": "Versions",
    "COMMAND": "Command",
    "CREATED": "Made",
}
_MOST_PAIRS = 8


def summary_section(overview: Overview, about: Mapping[str, str]) -> str:
    """Return the section with counts, the classes, the distribution of probabilities, and flags."""
    unread = overview.n - overview.n_classified
    tiles = [
        _tile(f"{overview.n:,}", "images"),
        _tile(f"{overview.n_classified:,}", "classified"),
        _tile(f"{unread:,}", "without a prediction", "bad" if unread else ""),
        _tile(f"{overview.n_flagged:,}", "with flags"),
        _tile(number(overview.mean()) or "–", "mean probability of the label"),
    ]
    if overview.exclusive and overview.n_classified:
        tiles.append(_tile(f"{overview.n_close:,}", f"with two classes closer than {CLOSE:g}"))
    body = f'<dl class="tiles">{"".join(tiles)}</dl>'
    if overview.n_classified:
        beside = f"<div>{_histogram(overview)}{_pairs(overview)}</div>"
        body += f'<div class="columns"><div>{_classes(overview)}</div>{beside}</div>'
    body += f'<p class="note">{probabilities_note(overview, about)}</p>{_flags(overview)}'
    return f'<section id="summary" aria-labelledby="summary-title"><h2 id="summary-title">Summary</h2>{body}</section>'


def probabilities_note(overview: Overview, about: Mapping[str, str]) -> str:
    """Return what the probabilities are, and what they are not."""
    calibration = str(about.get("CALIBRAT", "")).strip()
    if not calibration:
        calibrated = "Whether they were calibrated is not recorded here."
    elif calibration == "not calibrated":
        calibrated = "They were not calibrated, and may be too sure or not sure enough."
    else:
        calibrated = f"They were {isolated(calibration)}. That holds for images like those of the model’s training."
    kind = (
        "Probabilities are the model’s own."
        if overview.exclusive
        else "Probabilities of the answers are the shares of votes that the model expects, and that of a label is the "
        "product along its way through the questions."
    )
    return (
        f"{kind} {calibrated} Every image that can be read is given one of the classes, even where it shows nothing "
        "that the model has learned. Counts are of labels, and are not corrected for misclassification."
    )


def errors_section(overview: Overview) -> str:
    """Return the section with the images that have no prediction; the first of many."""
    title = f'<h2 id="errors-title">Errors <small>{count(overview.n_errors, "image")}</small></h2>'
    if not overview.n_errors:
        body = "<p>Every image could be read.</p>"
    else:
        rows = "".join(
            f'<tr data-row="{row}"><td class="number">{row + 1}</td><td>{isolated(name)}</td><td>{isolated(error)}</td>'
            f'<td class="path">{isolated(path)}</td></tr>'
            for row, name, path, error in overview.errors
        )
        left = overview.n_errors - len(overview.errors)
        more = f"<p>The first {MOST_ERRORS}; {left:,} more are among all images below.</p>" if left else ""
        body = (
            '<div class="scroll" tabindex="0" role="region" aria-labelledby="errors-title"><table><thead><tr>'
            '<th scope="col" class="number">row</th><th scope="col">id</th>'
            '<th scope="col">why there is no prediction</th>'
            f'<th scope="col">file</th></tr></thead><tbody>{rows}</tbody></table></div>{more}'
        )
    return f'<section id="errors" aria-labelledby="errors-title">{title}{body}</section>'


def about_section(overview: Overview, about: Mapping[str, str]) -> str:
    """Return the section that says how the predictions were made."""
    known = {key: about[key] for key in _TOLD if about.get(key)}
    rest = {key: value for key, value in about.items() if key not in _TOLD and str(value)}
    told = "".join(
        f"<dt>{text(_TOLD.get(key, key))}</dt><dd>{_value(key, value)}</dd>" for key, value in {**known, **rest}.items()
    )
    note = ""
    if overview.left_out:
        names = ", ".join(isolated(name) for name in overview.left_out)
        note = f"<p>Columns of the input catalogue that are in the table but not on this page: {names}.</p>"
    return (
        '<section id="about" aria-labelledby="about-title"><h2 id="about-title">How it was made</h2>'
        f'<dl class="about">{told}</dl>{note}</section>'
    )


def _value(key: str, value: str) -> str:
    return f"<code>{isolated(value)}</code>" if key in ("COMMAND", "MODELSHA") else isolated(value)


def _tile(value: str, what: str, kind: str = "") -> str:
    return f'<div class="{kind}"><dd>{value}</dd><dt>{what}</dt></div>'


def _classes(overview: Overview) -> str:
    rows = []
    largest = max(overview.labels.values())
    for slug in overview.classes:
        n = overview.labels[slug]
        if not n and not overview.exclusive:
            continue  # an answer that is no ending
        which = f' data-class="{text(slug)}"' if n else ""
        rows.append(
            f'<tr{which}><th scope="row">{isolated(overview.name(slug))}</th><td class="number">{n:,}</td>'
            f'<td class="number">{n / overview.n_classified:.1%}</td><td class="bars">{bar(n / largest)}</td>'
            f'<td class="number">{number(overview.mean(slug)) or "–"}</td></tr>'
        )
    return (
        '<table class="classes"><caption>Classes</caption><thead><tr><th scope="col">class</th>'
        '<th scope="col" class="number">images</th><th scope="col" class="number">share</th><td class="bars"></td>'
        f'<th scope="col" class="number">mean probability</th></tr></thead><tbody>{"".join(rows)}</tbody></table>'
    )


def _histogram(overview: Overview) -> str:
    """Return the distribution of the labels' probabilities as a drawing with a description."""
    counts: np.ndarray = overview.histogram
    width, height, left, top = 20, 120, 48, 14
    most = int(counts.max())
    bars = []
    for k, n in enumerate(counts.tolist()):
        tall = height * n / most
        span = f"{k / BINS:.2f} to {(k + 1) / BINS:.2f}"
        bars.append(
            f'<rect x="{left + k * width + 1}" y="{top + height - tall:.1f}" width="{width - 2}" height="{tall:.1f}">'
            f"<title>{span}: {count(n, 'image')}</title></rect>"
        )
    ticks = "".join(
        f'<text x="{left + k * width * BINS / 5:.0f}" y="{top + height + 18}" text-anchor="middle">{k / 5:g}</text>'
        for k in range(6)
    )
    right = left + BINS * width
    above = int(counts[BINS // 2 :].sum()) / overview.n_classified
    return (
        f'<figure class="histogram"><figcaption>Probability of the label</figcaption><svg viewBox="0 0 {right + 12} '
        f'{top + height + 40}" role="img" '
        f'aria-label="Histogram: {above:.0%} of the labels have a probability of 0.5 or more">'
        f'<line x1="{left}" y1="{top + height}" x2="{right}" y2="{top + height}"/>'
        f'<line x1="{left}" y1="{top}" x2="{left}" y2="{top + height}"/>{"".join(bars)}{ticks}'
        f'<text x="{left - 6}" y="{top + 5}" text-anchor="end">{most:,}</text>'
        f'<text x="{left - 6}" y="{top + height + 4}" text-anchor="end">0</text>'
        f'<text x="{(left + right) // 2}" y="{top + height + 36}" text-anchor="middle">probability</text>'
        "</svg></figure>"
    )


def _pairs(overview: Overview) -> str:
    if not overview.pairs:
        return ""
    ordered = sorted(overview.pairs.items(), key=lambda pair: (-pair[1], pair[0]))
    rows = "".join(
        f"<tr><td>{isolated(overview.name(first))}</td><td>{isolated(overview.name(second))}</td>"
        f'<td class="number">{n:,}</td></tr>'
        for (first, second), n in ordered[:_MOST_PAIRS]
    )
    return (
        '<table class="pairs">'
        f"<caption>Classes that are confused: the two most probable closer than {CLOSE:g}</caption>"
        '<thead><tr><th scope="col">label</th><th scope="col">next</th><th scope="col" class="number">images</th></tr>'
        f"</thead><tbody>{rows}</tbody></table>"
    )


def _flags(overview: Overview) -> str:
    if not overview.flags:
        return ""
    known = [flag for flag in FLAGS if flag in overview.flags]
    rows = "".join(
        f'<tr><th scope="row"><code>{isolated(flag)}</code></th><td class="number">{overview.flags[flag]:,}</td>'
        f"<td>{text(FLAGS.get(flag, ''))}</td></tr>"
        for flag in [*known, *sorted(flag for flag in overview.flags if flag not in FLAGS)]
    )
    return (
        '<table class="flags"><caption>Flags: what to beware of</caption><thead><tr><th scope="col">flag</th>'
        '<th scope="col" class="number">images</th><th scope="col">meaning</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )
