"""The command line of ``galaxtool compare``."""

from __future__ import annotations

from typing import Any

from galaxtool.cli.build import build_command
from galaxtool.cli.render import echo, print_table
from galaxtool.commands.compare import compare
from galaxtool.comparison.results import ComparedScore, CompareResult, Difference
from galaxtool.utils.counts import format_count

_MAX_PAIRS = 10

_EPILOG = (
    "Examples:  galaxtool compare evaluations/a evaluations/b  |  galaxtool compare a b c --against a -o comparison  "
    "|  galaxtool compare new=s1 new=s2 new=s3 old=t1 old=t2 old=t3"
)


def command() -> Any:
    """Build the command."""
    return build_command(compare, show=_show, epilog=_EPILOG)


def _show(result: CompareResult) -> None:
    scores = [_format_score(one) for one in result.scores]
    print_table(scores, ("evaluation", "score", "value", "95 % interval", "seeds", "spread"))
    if result.differences:
        _show_differences(result)
    echo("", f"{format_count(result.n, 'image')}, {result.resamples:,} stratified resamples.")
    if result.output is not None:
        echo(f"Comparison: {result.output}")


def _show_differences(result: CompareResult) -> None:
    """Print a table for each pair."""
    pairs = list(dict.fromkeys((one.first, one.second) for one in result.differences))
    p = "p (Holm)" if len(pairs) > 1 else "p"
    for first, second in pairs[:_MAX_PAIRS]:
        own = [one for one in result.differences if (one.first, one.second) == (first, second)]
        echo("", f"{second} - {first}")
        print_table([_format_difference(one) for one in own], ("score", "difference", "95 % interval", p, "better"))
        for one in own:
            if one.test == "McNemar":
                alone = format_count(one.only_first or 0, "image")
                echo(f"Only {first} is right on {alone}, only {second} on {one.only_second:,}.")
    if len(pairs) > _MAX_PAIRS:
        echo("", f"... and {len(pairs) - _MAX_PAIRS} more pairs; --json or -o DIR has all.")


def _format_score(one: ComparedScore) -> dict[str, Any]:
    several = one.spread is not None
    return {
        "evaluation": one.name,
        "score": one.metric,
        "value": _format(one.value),
        "95 % interval": _format_interval(one.low, one.high),
        "seeds": one.seeds if several else "",
        "spread": _format(one.spread) if several else "",
    }


def _format_difference(one: Difference) -> dict[str, Any]:
    return {
        "score": one.metric,
        "difference": _format(one.difference, sign=True),
        "95 % interval": _format_interval(one.low, one.high, sign=True),
        "p": _format_p(one.p),
        "p (Holm)": _format_p(one.p_holm),
        "better": one.better or "not shown",
    }


def _format(value: float | None, *, sign: bool = False) -> str:
    if value is None:
        return "-"
    value = round(value, 4) + 0.0  # no negative zero
    return f"{value:+.4f}" if sign else f"{value:.4f}"


def _format_interval(low: float | None, high: float | None, *, sign: bool = False) -> str:
    return "-" if low is None or high is None else f"{_format(low, sign=sign)} to {_format(high, sign=sign)}"


def _format_p(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.1e}" if value < 0.001 else f"{value:.3f}"
