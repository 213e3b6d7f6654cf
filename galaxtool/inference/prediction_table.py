"""The prediction table: one row per input, in input order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from astropy.table import Column, MaskedColumn, Table

from galaxtool.inputs.items import InputItem


def prediction_table(
    items: Sequence[InputItem],
    slugs: Sequence[str],
    probabilities: np.ndarray,
    *,
    outcomes: tuple[Sequence[str], np.ndarray, np.ndarray] | None = None,
    columns: Table | None = None,
    ra: Sequence[float | None] | np.ndarray | None = None,
    dec: Sequence[float | None] | np.ndarray | None = None,
    flags: Sequence[Sequence[str] | str] | None = None,
    errors: Sequence[str] | None = None,
) -> Table:
    """Put predictions into a table.

    Parameters
    ----------
    items : sequence of InputItem
        What was classified, N of them.
    slugs : sequence of str
        The K classes.
    probabilities : ndarray, shape (N, K)
        NaN throughout a row where there is no prediction.
    outcomes : tuple, optional
        What an object may be labelled as, L slugs, how probable each is, (N, L), and which of them it is, (N,), where
        that is not one of the K classes: where several may be true at once. Then `probabilities` are told as shares of
        the votes.
    columns : Table, optional
        Columns of the input catalogue, N rows; they come first. One that bears a name of ours is kept as
        ``in_<name>``.
    ra, dec : sequence of float or None, optional
        Positions in degrees, ICRS, that the images' headers gave; an item's own position, from its catalogue, goes
        before it.
    flags : sequence of sequence of str, or of str, optional
        Keys of `galaxtool.types.FLAGS` for each item, joined by blanks or not.
    errors : sequence of str, optional
        Why an item has no prediction; empty where it has.

    Returns
    -------
    Table
        Columns of the catalogue, then ``id, path, ra, dec, label, probability, p_<slug>..., flags, error``. Masked
        where unknown: position, label and probabilities; `flags` are joined by blanks.
    """
    n = len(items)
    probabilities = np.asarray(probabilities).reshape(n, len(slugs))
    done = np.isfinite(probabilities).all(axis=1) if slugs else np.zeros(n, dtype=bool)
    names, chances = outcomes[:2] if outcomes else (slugs, probabilities)
    best = np.where(done[:, None], chances, 0).argmax(axis=1) if names else np.zeros(n, dtype=int)
    best = best if outcomes is None else outcomes[2]
    labels = np.array(["", *names])[np.where(done, best + 1, 0)]
    table = Table()
    table["id"] = Column(_texts([item.id for item in items]), description="identifier of the input")
    table["path"] = Column(
        _texts([str(item.ref) for item in items]), description="file of the image, [member] behind it"
    )
    table["ra"] = _position([item.ra for item in items], ra, "right ascension of the centre, ICRS")
    table["dec"] = _position([item.dec for item in items], dec, "declination of the centre, ICRS")
    called = "where the leading answers lead" if outcomes else "most probable class"
    table["label"] = MaskedColumn(labels, mask=~done, description=called)
    top = chances[np.arange(n), best] if names else np.zeros(n)
    table["probability"] = MaskedColumn(top, mask=~done, description="probability of that class")
    what = "expected share of the votes for" if outcomes else "probability of"
    for k, slug in enumerate(slugs):
        table[f"p_{slug}"] = MaskedColumn(probabilities[:, k], mask=~done, description=f"{what} {slug}")
    joined = [some if isinstance(some, str) else " ".join(some) for some in flags] if flags is not None else [""] * n
    table["flags"] = Column(_texts(joined), description="what to beware of, see the documentation")
    table["error"] = Column(
        _texts(list(errors) if errors is not None else [""] * n), description="why there is no prediction"
    )
    return _with_input_columns(table, columns)


def _with_input_columns(ours: Table, columns: Table | None) -> Table:
    """Return the catalogue's columns, renamed where they clash, and then ours."""
    if columns is None:
        return ours
    table = Table()
    taken = {*ours.colnames, *columns.colnames}
    for name in columns.colnames:
        kept = name
        if name in ours.colnames:
            kept = f"in_{name}"
            while kept in taken:
                kept = f"in_{kept}"
            taken.add(kept)
        table[kept] = columns[name]
    for name in ours.colnames:
        table[name] = ours[name]
    return table


def _position(
    own: Sequence[float | None], header: Sequence[float | None] | np.ndarray | None, description: str
) -> MaskedColumn:
    """Return degrees, masked where neither source knows them."""
    other = header if header is not None else [None] * len(own)
    degrees = np.array([b if a is None else a for a, b in zip(own, other, strict=True)], dtype=float)
    return MaskedColumn(degrees, mask=~np.isfinite(degrees), unit="deg", description=description)


def _texts(values: list[str]) -> np.ndarray:
    return np.array(values, dtype=str if values else "U1")
