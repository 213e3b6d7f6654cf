"""The kind ``robustness``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from galaxtool.errors import InputError
from galaxtool.plotting.charts.robustness import draw_robustness
from galaxtool.plotting.request import PlotRequest
from galaxtool.utils.suggestions import suggest_path


def plot_robustness(request: PlotRequest) -> Figure:
    """Draw the accuracy on perturbed images of one or more evaluations."""
    curves = {name: _read(Path(path)) for name, path in zip(request.name_inputs(), request.inputs, strict=True)}
    if not curves:
        raise InputError("There is no evaluation to draw.", hint="Give one or more evaluation directories.")
    return draw_robustness(curves, columns=request.columns)


def _read(folder: Path) -> Any:
    """Return the curves of an evaluation."""
    path = folder / "metrics.json" if folder.is_dir() else folder
    again = "Run galaxtool evaluate with --perturb noise,psf,rotation,crop,brightness."
    try:
        return json.loads(path.read_text(encoding="utf-8"))["robustness"]["curves"]
    except OSError:
        hint = again if folder.exists() else suggest_path(folder) or again
        raise InputError(f"There is no evaluation at '{folder}'.", hint=hint) from None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"'{folder}' has no scores of perturbed images.", hint=again) from error
