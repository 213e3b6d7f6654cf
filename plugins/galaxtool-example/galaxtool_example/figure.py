"""A kind of figure: how sure the predictions of a table are."""

from __future__ import annotations

from astropy.table import Table
from matplotlib.figure import Figure

from galaxtool import InputError, PlotRequest


def plot_probabilities(request: PlotRequest) -> Figure:
    """Draw a histogram of the column ``probability`` of a table that `galaxtool classify` wrote as CSV or FITS.

    Parameters
    ----------
    request : PlotRequest
        What to draw; it has the setting ``bins``.
    """
    path = request.single_input()
    table = Table.read(path)
    if "probability" not in table.colnames:
        raise InputError(f"'{path}' has no column 'probability'.", hint="Give a table that galaxtool classify wrote.")
    figure = Figure(figsize=(request.width, 2.2))
    axes = figure.subplots()
    axes.hist(table["probability"], bins=int(request.options["bins"]), range=(0, 1), color="#0072B2")
    axes.set(xlabel="probability of the predicted class", ylabel="number of images", xlim=(0, 1))
    return figure
