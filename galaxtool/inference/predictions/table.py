"""Make the prediction table: one row per input, in input order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from astropy.table import Column, MaskedColumn, Table

from galaxtool.inference.outcomes import Outcomes
from galaxtool.inputs.items import InputItem
from galaxtool.tables.column_names import avoid_names
from galaxtool.tables.text_arrays import make_text_array
from galaxtool.taxonomy.quantity import Quantity


def make_prediction_table(
    items: Sequence[InputItem],
    slugs: Sequence[str],
    probabilities: np.ndarray,
    *,
    outcomes: Outcomes | None = None,
    quantities: Sequence[Quantity] = (),
    spread: np.ndarray | None = None,
    dropped: np.ndarray | None = None,
    columns: Table | None = None,
    ra: Sequence[float | None] | np.ndarray | None = None,
    dec: Sequence[float | None] | np.ndarray | None = None,
    flags: Sequence[Sequence[str] | str] | None = None,
    errors: Sequence[str] | None = None,
    reserved: Sequence[str] = (),
) -> Table:
    """Make a table of predictions.

    Parameters
    ----------
    items : sequence of InputItem
        The N images that were classified.
    slugs : sequence of str
        Slugs of the K classes.
    probabilities : ndarray, shape (N, K)
        NaN throughout a row without a prediction.
    outcomes : Outcomes, optional
        Possible labels, if these are not the K classes because several classes can be true at once. `probabilities`
        are then described as shares of the votes.
    quantities : sequence of Quantity, optional
        What a model of numbers predicts, whose quantiles are then `slugs` and `probabilities`. Labels and probabilities
        are masked throughout, and in place of ``p_<slug>`` there are ``<quantity>, <quantity>_low,
        <quantity>_high`` in the unit of the quantity.
    spread : ndarray, shape (N, K), optional
        Standard deviation of each probability over passes with dropout, for the columns ``std_<slug>``.
    dropped : ndarray, shape (N,), optional
        Probability of the model's classes that have no counterpart among `slugs`, see
        `galaxtool.inference.coarse_terms`.
    columns : Table, optional
        Columns of the input catalogue, N rows, which come first. A column that has the name of one of ours, in upper or
        lower case, is kept as ``in_<name>``.
    ra, dec : sequence of float or None, optional
        Positions from the headers of the images in degrees, ICRS. An item's own position, from a catalogue, takes
        precedence.
    flags : sequence of sequence of str, or of str, optional
        Keys of `galaxtool.types.FLAGS` for each item, separate or joined by blanks.
    errors : sequence of str, optional
        Why an item has no prediction; empty if it has one.
    reserved : sequence of str, optional
        Names of columns that are added later, which those of the catalogue must not have.

    Returns
    -------
    Table
        Columns of the catalogue, then ``id, path, ra, dec, label, probability, p_<slug>..., flags, error``, with
        ``std_<slug>...`` and ``dropped`` before the flags if they are given. Unknown positions, labels and
        probabilities are masked; `flags` are joined by blanks.
    """
    n = len(items)
    probabilities = np.asarray(probabilities).reshape(n, len(slugs))
    is_scored = np.isfinite(probabilities).all(axis=1) if slugs else np.zeros(n, dtype=bool)
    names, chances = (outcomes.slugs, outcomes.probabilities) if outcomes else (slugs, probabilities)
    if outcomes:
        best = outcomes.chosen
    else:
        best = np.where(is_scored[:, None], chances, 0).argmax(axis=1) if names else np.zeros(n, dtype=int)
    labels = np.array(["", *names])[np.where(is_scored, best + 1, 0)]
    table = Table()
    table["id"] = Column(make_text_array([item.id for item in items]), description="identifier of the input")
    table["path"] = Column(
        make_text_array([str(item.ref) for item in items]), description="file of the image, [member] behind it"
    )
    table["ra"] = _make_position([item.ra for item in items], ra, "right ascension of the centre, ICRS")
    table["dec"] = _make_position([item.dec for item in items], dec, "declination of the centre, ICRS")
    label_description = "where the leading answers lead" if outcomes else "most probable class"
    table["label"] = MaskedColumn(labels, mask=~is_scored, description=label_description)
    top = chances[np.arange(n), best] if names else np.zeros(n)
    table["probability"] = MaskedColumn(top, mask=~is_scored, description="probability of that class")
    if quantities:
        for name in ("label", "probability"):
            table[name].mask = True
        _add_quantities(table, quantities, probabilities, is_scored)
    else:
        quantity = "expected share of the votes for" if outcomes else "probability of"
        for k, slug in enumerate(slugs):
            table[f"p_{slug}"] = MaskedColumn(probabilities[:, k], mask=~is_scored, description=f"{quantity} {slug}")
        for k, slug in enumerate(slugs if spread is not None else ()):
            table[f"std_{slug}"] = MaskedColumn(
                np.asarray(spread)[:, k], mask=~is_scored, description=f"standard deviation of p_{slug} over passes"
            )
    if dropped is not None:
        table["dropped"] = MaskedColumn(
            dropped, mask=~np.isfinite(dropped), description="probability of the classes without a counterpart"
        )
    joined = [one if isinstance(one, str) else " ".join(one) for one in flags] if flags is not None else [""] * n
    table["flags"] = Column(make_text_array(joined), description="what to beware of, see the documentation")
    messages = list(errors) if errors is not None else [""] * n
    table["error"] = Column(make_text_array(messages), description="why there is no prediction")
    return table if columns is None else _prepend_catalogue(columns, table, [*table.colnames, *reserved])


def _add_quantities(table: Table, quantities: Sequence[Quantity], values: np.ndarray, is_scored: np.ndarray) -> None:
    """Add each quantity, in its unit, and the ends of its error bar."""
    for number, quantity in enumerate(quantities):
        low, middle, high = quantity.outputs
        start = len(quantity.outputs) * number
        for name, k, description in (
            (middle, start + 1, f"predicted {quantity.column}, median"),
            (low, start, "lower end of the error bar, quantile 0.16"),
            (high, start + 2, "upper end of the error bar, quantile 0.84"),
        ):
            unit = quantity.unit or None
            table[name] = MaskedColumn(values[:, k], mask=~is_scored, unit=unit, description=description)


def _prepend_catalogue(columns: Table, ours: Table, taken: Sequence[str]) -> Table:
    """Return the catalogue's columns, renamed if they clash, followed by ours."""
    names = avoid_names(columns.colnames, taken)
    # at once: adding a column to a Table looks through all of its columns
    return Table([*columns.columns.values(), *ours.columns.values()], names=[*names, *ours.colnames])


def _make_position(
    catalogue: Sequence[float | None], header: Sequence[float | None] | np.ndarray | None, description: str
) -> MaskedColumn:
    """Return a column of degrees from the catalogue or else from the header, masked where neither has a value."""
    other = header if header is not None else [None] * len(catalogue)
    degrees = np.array([b if a is None else a for a, b in zip(catalogue, other, strict=True)], dtype=float)
    return MaskedColumn(degrees, mask=~np.isfinite(degrees), unit="deg", description=description)
