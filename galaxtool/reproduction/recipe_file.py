"""Read recipes from TOML files."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from galaxtool.errors import ConfigError, suggest_name
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.reproduction.recipe import (
    NOT_STATED,
    Axis,
    DataSlot,
    Fact,
    FigureRecipe,
    Row,
    Score,
    TableRecipe,
)
from galaxtool.utils.files.regular_files import read_regular_text

T = TypeVar("T")


def read_table_recipe(path: Path) -> TableRecipe:
    """Read a recipe; its name is that of the file.

    A recipe with the entry ``extends`` has all entries of another one in the same folder that it does not have itself.

    Raises
    ------
    ConfigError
        If the file cannot be read, or has an entry that is unknown or missing.
    """
    content = _read_toml(path)
    if "extends" in content:
        content = {**_read_toml(path.with_name(f"{content.pop('extends')}.toml")), **content}
    return _RecipeParser(path).parse(content)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_regular_text(path))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"The recipe '{path}' cannot be read: {error}.", hint="galaxtool reproduce --list names those that exist."
        ) from error


class _RecipeParser:
    """Turns the content of a TOML file into a recipe; an error names the file and the place in it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def parse(self, content: dict[str, Any]) -> TableRecipe:
        seeds = content.pop("seeds", 1)
        fact = seeds if isinstance(seeds, dict) else {"ours": seeds}
        axis = content.pop("axis", None)
        return self._make(
            TableRecipe,
            "recipe",
            {
                **content,
                "name": self.path.stem,
                "data": tuple(self._parse_data(slot, entry) for slot, entry in content.get("data", {}).items()),
                "settings": self._parse_facts("settings", content.get("settings", {})),
                "rows": tuple(self._parse_row(entry) for entry in content.get("rows", [])),
                "scores": tuple(
                    self._make(Score, "scores", {"title": entry.get("name"), **entry})
                    for entry in content.get("scores", [])
                ),
                "figures": tuple(self._make(FigureRecipe, "figures", entry) for entry in content.get("figures", [])),
                "axis": None if axis is None else self._make(Axis, "axis", axis),
                "seeds": fact["ours"],
                "seeds_paper": fact.get("paper", NOT_STATED),
            },
        )

    def _parse_data(self, slot: str, entry: dict[str, Any]) -> DataSlot:
        facts = self._parse_facts(f"data.{slot}.settings", entry.get("settings", {}))
        return self._make(DataSlot, f"data.{slot}", {"reader": slot, **entry, "slot": slot, "settings": facts})

    def _parse_row(self, entry: dict[str, Any]) -> Row:
        for part in ("settings", "small"):
            self._check_settings(f"rows '{entry.get('name')}'", entry.get(part, {}))
        return self._make(Row, f"rows '{entry.get('name')}'", entry)

    def _parse_facts(self, where: str, entries: dict[str, Any]) -> tuple[Fact, ...]:
        self._check_settings(where, entries)
        return tuple(
            self._make(Fact, f"{where}.{name}", {"name": name, **(e if isinstance(e, dict) else {"ours": e})})
            for name, e in entries.items()
        )

    def _check_settings(self, where: str, names: Mapping[str, Any]) -> None:
        for name in names:
            if name not in FinetuneConfig.names():
                near = suggest_name(name, FinetuneConfig.names())
                raise ConfigError(
                    f"The recipe '{self.path}' sets '{name}' in {where}, which is not a parameter of finetune.",
                    hint=f"Did you mean '{near}'?" if near else "See galaxtool finetune --help.",
                )

    def _make(self, kind: type[T], where: str, entry: dict[str, Any]) -> T:
        """Build a dataclass from a TOML table; lists become tuples."""
        known = [f.name for f in fields(kind)]  # type: ignore[arg-type]
        unknown = [name for name in entry if name not in known]
        if unknown:
            near = suggest_name(unknown[0], known)
            raise ConfigError(
                f"The recipe '{self.path}' has an unknown entry '{unknown[0]}' in {where}.",
                hint=f"Did you mean '{near}'?" if near else f"Known: {', '.join(known)}.",
            )
        try:
            return kind(**{name: _freeze(value) for name, value in entry.items()})
        except TypeError as error:
            raise ConfigError(f"The recipe '{self.path}' lacks an entry in {where}: {error}.", hint="Add it.") from None


def _freeze(value: Any) -> Any:
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
