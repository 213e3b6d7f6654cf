"""The kind ``differences``."""

from __future__ import annotations

import json

from matplotlib.figure import Figure

from galaxtool.errors import InputError, UnknownName
from galaxtool.plotting.charts.differences import draw_differences
from galaxtool.plotting.request import PlotRequest
from galaxtool.utils.files.regular_files import read_regular_text
from galaxtool.utils.suggestions import suggest_path


def plot_differences(request: PlotRequest) -> Figure:
    """Draw the differences that ``galaxtool compare`` found."""
    folder = request.single_input()
    path = folder / "comparison.json" if folder.is_dir() else folder
    try:
        found = json.loads(read_regular_text(path))["differences"]
        known = list(dict.fromkeys(one["metric"] for one in found if one["difference"] is not None))
    except OSError:
        raise InputError(
            f"There is no comparison at '{folder}'.",
            hint=("" if folder.exists() else suggest_path(folder)) or "Write one with: galaxtool compare A B -o DIR",
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"'{path}' is not a comparison.", hint="Write one with: galaxtool compare A B -o DIR"
        ) from error
    metrics = [name for name in str(request.options["metrics"]).split(",") if name]
    if unknown := [name for name in metrics if name not in known]:
        raise UnknownName(f"metric in '{path}'", unknown[0], known)
    return draw_differences(found, metrics, columns=request.columns)
