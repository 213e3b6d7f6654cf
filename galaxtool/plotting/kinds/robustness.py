"""The kind ``robustness``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from galaxtool.errors import InputError
from galaxtool.plotting.charts.robustness import Curves, draw_robustness
from galaxtool.plotting.request import PlotRequest
from galaxtool.utils.files.regular_files import read_regular_text
from galaxtool.utils.suggestions import suggest_path
from galaxtool.vision.perturb import AXES


def plot_robustness(request: PlotRequest) -> Figure:
    """Draw the accuracy on perturbed images of one or more evaluations."""
    read = {name: _read(Path(path)) for name, path in zip(request.name_inputs(), request.inputs, strict=True)}
    if not read:
        raise InputError("There is no evaluation to draw.", hint="Give one or more evaluation directories.")
    texts: dict[str, str] = {}
    for name, (_, axes) in read.items():
        for kind, text in axes.items():
            if texts.setdefault(kind, text) != text:
                raise InputError(
                    f"The levels of {kind} of '{name}' are another kind of number than those before it: {text}, not "
                    f"{texts[kind]}.",
                    hint="Draw evaluations of pictures and of measured images apart.",
                )
    return draw_robustness(
        {name: curves for name, (curves, _) in read.items()}, axes_texts=texts, columns=request.columns
    )


def _read(folder: Path) -> tuple[Curves, Mapping[str, str]]:
    """Return the curves of an evaluation, and what the levels of each kind are."""
    path = folder / "metrics.json" if folder.is_dir() else folder
    again = "Run galaxtool evaluate with --perturb noise,psf,rotation,crop,brightness."
    try:
        robustness = json.loads(read_regular_text(path))["robustness"]
        curves: Curves = robustness["curves"]
        of_pictures = {kind: AXES[kind][0] for kind in curves if kind in AXES}  # all of an earlier version are
        return curves, robustness.get("axes", of_pictures)
    except OSError:
        hint = again if folder.exists() else suggest_path(folder) or again
        raise InputError(f"There is no evaluation at '{folder}'.", hint=hint) from None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"'{folder}' has no scores of perturbed images.", hint=again) from error
