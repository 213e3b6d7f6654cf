"""Make the package of a plugin in a folder importable without installing it."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from galaxtool.errors import ConfigError, InputError
from galaxtool.plugins.manager import COMMAND_GROUP, ENTRY_POINT_GROUP
from galaxtool.utils.files.regular_files import read_regular_text


@dataclass(frozen=True)
class SourceTree:
    """The package of a plugin that need not be installed.

    Parameters
    ----------
    folder : Path
        Folder with ``pyproject.toml``.
    project : mapping
        Its table ``[project]``.
    """

    folder: Path
    project: Mapping[str, Any]

    @classmethod
    def read(cls, folder: Path) -> SourceTree:
        """Read ``pyproject.toml``.

        Raises
        ------
        InputError
            If there is none.
        ConfigError
            If it is not valid, or names no entry point of galaxtool.
        """
        file = folder / "pyproject.toml"
        try:
            project = tomllib.loads(read_regular_text(file)).get("project", {})
        except OSError as error:
            raise InputError(
                f"The folder '{folder}' has no pyproject.toml that can be read.",
                hint="Give the folder of a plugin, or the name of an installed one; `galaxtool plugins` lists them.",
            ) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"'{file}' is not valid TOML: {error}.", hint="Correct it there.") from error
        tree = cls(folder.resolve(), project)
        if not project.get("name") or not any(tree.entry_points.values()):
            raise ConfigError(
                f"'{file}' names no plugin: it has no table [project.entry-points.\"galaxtool\"].",
                hint="See docs/plugins.md, or start from `galaxtool plugins new`.",
            )
        return tree

    @property
    def entry_points(self) -> dict[str, dict[str, str]]:
        """Entry points by group and name, of the groups of galaxtool."""
        groups = self.project.get("entry-points", {})
        return {group: dict(groups.get(group, {})) for group in (ENTRY_POINT_GROUP, COMMAND_GROUP)}

    @contextmanager
    def make_known(self) -> Iterator[dict[str, str]]:
        """Provide an environment in which Python finds the package as if it were installed."""
        name = str(self.project["name"])
        with TemporaryDirectory(prefix="galaxtool-") as folder:
            info = Path(folder) / f"{name.replace('-', '_')}-{self.project.get('version', '0')}.dist-info"
            info.mkdir()
            metadata = [
                "Metadata-Version: 2.1",
                f"Name: {name}",
                f"Version: {self.project.get('version', '0')}",
                f"Summary: {self.project.get('description', '')}",
                *(f"Requires-Dist: {requirement}" for requirement in self.project.get("dependencies", ())),
            ]
            (info / "METADATA").write_text("\n".join([*metadata, ""]), encoding="utf-8")
            lines = []
            for group, entries in self.entry_points.items():
                lines += [f"[{group}]", *(f"{key} = {value}" for key, value in entries.items()), ""]
            (info / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
            places = [folder, str(self.folder), str(self.folder / "src"), os.environ.get("PYTHONPATH", "")]
            yield {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, places))}
