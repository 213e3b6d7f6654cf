"""Which objects a view shows: those in a cone on the sky, of an SQL condition, and inside a lasso."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from astropy.table import Table

from galaxtool.errors import ConfigError, InputError
from galaxtool.explorer.objects import Objects
from galaxtool.search.sky import find_separations
from galaxtool.tables.angles import parse_dec, parse_ra
from galaxtool.tables.filter import filter_rows
from galaxtool.tables.formats.parquet import to_astropy_column
from galaxtool.tables.where_expression import parse_where
from galaxtool.webserver.requests import Fields, NotThere

_MOST_MASKS, _MOST_LASSOS = 16, 16
_WIDEST = 180 * 3600.0


class Selector:
    """Finds the objects of a view, and keeps the last answers.

    Parameters
    ----------
    objects : Objects
        N objects.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._masks: OrderedDict[str, np.ndarray] = OrderedDict()
        self._lassos: OrderedDict[str, np.ndarray] = OrderedDict()
        self._lock = threading.Lock()

    def select(self, fields: Fields) -> np.ndarray | None:
        """Return which objects to show, bool (N,); None for all.

        Parameters
        ----------
        fields : Fields
            ``where``, ``ra``, ``dec`` and ``radius`` (degrees or sexagesimal, arcsec), and ``lasso``, a key of
            `add_lasso`.

        Raises
        ------
        ConfigError, TableError
            If one of them is not valid.
        InputError
            If no object is left.
        """
        masks = []
        if where := fields.text("where").strip():
            masks.append(self._keep(f"where {where}", lambda: self._test_condition(where)))
        if "ra" in fields or "dec" in fields:
            ra = parse_ra(fields.text("ra"), "The right ascension ")
            dec = parse_dec(fields.text("dec"), "The declination ")
            radius = fields.number("radius", 60.0, 1e-3, _WIDEST)
            masks.append(self._keep(f"cone {ra} {dec} {radius}", lambda: self._test_cone(ra, dec, radius)))
        if "lasso" in fields:
            masks.append(self.get_lasso(fields.text("lasso", longest=100)))
        if not masks:
            return None
        keep: np.ndarray = np.logical_and.reduce(masks)
        if not keep.any():
            raise InputError("No object passes the filters.", hint="Widen or remove one of them.")
        return keep

    def add_lasso(self, content: bytes) -> str:
        """Keep the rows inside a lasso, uint32, little-endian, and return their key."""
        if len(content) % 4 or not content:
            raise ConfigError("The lasso has no rows.")
        rows = np.frombuffer(content, dtype="<u4")
        if rows.max() >= len(self._objects):
            raise ConfigError(f"The lasso has rows beyond the {len(self._objects)} objects.")
        keep = np.zeros(len(self._objects), dtype=bool)
        keep[rows] = True
        key = secrets.token_hex(8)
        with self._lock:
            self._lassos[key] = keep
            while len(self._lassos) > _MOST_LASSOS:
                self._lassos.popitem(last=False)
        return key

    def get_lasso(self, key: str) -> np.ndarray:
        """Return the objects inside a lasso, bool (N,)."""
        with self._lock:
            if key not in self._lassos:
                raise NotThere("The lasso is no longer kept.", hint="Draw it again.")
            return self._lassos[key]

    def _keep(self, key: str, test: Callable[[], np.ndarray]) -> np.ndarray:
        with self._lock:
            if key in self._masks:
                return self._masks[key]
        mask = test()
        with self._lock:
            self._masks[key] = mask
            while len(self._masks) > _MOST_MASKS:
                self._masks.popitem(last=False)
        return mask

    def _test_cone(self, ra: float, dec: float, radius: float) -> np.ndarray:
        inside: np.ndarray = find_separations(*self._objects.positions(), ra, dec) <= radius
        return inside

    def _test_condition(self, where: str) -> np.ndarray:
        items, names = self._objects.items, self._objects.column_names
        needed = parse_where(where, names).columns
        table = Table({n: to_astropy_column(items.schema.field(n), items[n]) for n in needed or names[:1]})
        # a condition on no column, such as 1 = 1, still has to be a valid one
        return filter_rows(table, where)
