"""The command line of ``galaxtool detect evaluate``."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

from galaxtool import build_command, echo, print_table
from galaxtool_detect.commands.evaluate import EvaluateResult, evaluate

_FAINTEST = 5


def build_evaluate() -> TyperCommand:
    """Build the command."""
    command: TyperCommand = build_command(
        evaluate,
        show=_show,
        group="detect",
        panels={
            "Data": (
                "images", "split", "size_arcsec", "ra_column", "dec_column", "image_column", "label_column",
            ),
            "Computation": ("device", "precision"),
        },
        epilog="Examples:  galaxtool detect evaluate fields -m runs/detect-fields  |  galaxtool detect evaluate "
        "catalogue.fits --images map.fits --beside sep",
    )  # fmt: skip
    return command


def _show(result: EvaluateResult) -> None:
    described = {name: _describe(scores) for name, scores in result.finders.items()}
    measures = next(iter(described.values()))
    rows = [{"": measure, **{name: texts[measure] for name, texts in described.items()}} for measure in measures]
    print_table(rows, ("", *described))
    echo(f"\nScores, tables and a figure: {result.output}")


def _describe(scores: dict[str, Any]) -> dict[str, str]:
    precision = scores["average_precision"]
    bins = [one for one in scores["flux_bias"] if one["low"] >= _FAINTEST]
    n = sum(one["n"] for one in bins)
    ratio = sum(one["n"] * one["ratio"] for one in bins) / n if n else None
    return {
        "mAP@50": _format_precision(precision, "map50"),
        "mAP@50:95": _format_precision(precision, "map50_95"),
        "AP@50 whatever the class": _format_precision(precision, "any50"),
        "completeness": _format_rate(scores["completeness"]),
        "completeness above 5 sigma": _format_rate(scores["completeness_above_5_sigma"]),
        "reliability": _format_rate(scores["reliability"]),
        "measured / true flux": "" if ratio is None else f"{ratio:.3f}",
    }


def _format_precision(precision: dict[str, Any], name: str) -> str:
    value, ends = precision[name], precision["intervals"].get(name)
    if value != value:  # NaN is not itself
        return ""
    return f"{value:.3f}" + (f" ({ends[0]:.3f} to {ends[1]:.3f})" if ends else "")


def _format_rate(rate: dict[str, float]) -> str:
    if not rate["n"]:
        return ""
    return f"{rate['value']:.3f} ({rate['low']:.3f} to {rate['high']:.3f}; {rate['hits']:.0f} of {rate['n']:.0f})"
