"""Write the package of a new plugin from templates."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import distributions, entry_points
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

import galaxtool
from galaxtool import __version__
from galaxtool.authoring.plugin_name import PluginName
from galaxtool.authoring.results import NewPlugin
from galaxtool.errors import ConfigError, InputError, OutputExists
from galaxtool.plugins.hook_api import HOOK_API
from galaxtool.plugins.manager import COMMAND_GROUP
from galaxtool.plugins.registry import Registry, get_registry
from galaxtool.utils.config import check_choice

KINDS = ("backbone", "dataset", "head", "method", "command", "reader", "metric")
"""What a new plugin can bring."""

_EVERY_KIND = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "LICENSE": "LICENSE",
    "gitignore": ".gitignore",
    "tests.yml": ".github/workflows/tests.yml",
    "init.py": "{package}/__init__.py",
}


def write_plugin(name: str, *, kind: str, output: Path | None) -> NewPlugin:
    """Write the package of a new plugin.

    Parameters
    ----------
    name : str
        Name, with or without the prefix ``galaxtool-``.
    kind : str
        One of `KINDS`.
    output : Path or None
        Folder to write, which must be new or empty; by default the name of the distribution.

    Raises
    ------
    ConfigError
        If the name or the kind cannot be used, or something has that name already.
    OutputExists
        If the folder is not empty.
    """
    check_choice("kind", kind, KINDS)
    names = PluginName.parse(name)
    _check_free(names, kind)
    folder = output or Path(names.distribution)
    _check_empty(folder)
    files = dict(_render(names, kind))
    for relative, text in files.items():
        path = folder / relative
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise InputError(
                f"'{path}' cannot be written: {error.strerror}.", hint="Choose another folder with --output."
            ) from error
    return NewPlugin(names.short, kind, names.distribution, folder, sorted(files))


def _check_free(names: PluginName, kind: str) -> None:
    """Raise if a plugin, a package or a thing of this kind has this name already."""
    registry = get_registry()
    taken = ""
    if names.short in registry.plugins.reports:
        taken = f"a plugin called '{names.short}'"
    elif names.distribution in {str(d.metadata["Name"] or "").lower().replace("_", "-") for d in distributions()}:
        taken = f"a package called '{names.distribution}'"
    elif kind == "command" and names.short in _list_commands(registry):
        taken = f"a command called '{names.short}'"
    else:
        known = {c.kind.name: c.names() for c in registry.collections()}.get(kind, [])
        taken = next((f"a {kind} called '{n}'" for n in (names.short, names.variable) if n in known), "")
    if taken:
        raise ConfigError(
            f"There is already {taken} in this installation.",
            hint=f"Choose another name, such as 'my-{names.short}'; `galaxtool plugins` lists what is installed.",
        )


def _list_commands(registry: Registry) -> set[str]:
    """Return the names of the commands of galaxtool and its plugins."""
    listings = {c.kind.plural for c in registry.collections()} | {"plugins"}
    return {*galaxtool.__all__, *listings, *(entry.name for entry in entry_points(group=COMMAND_GROUP))}


def _check_empty(folder: Path) -> None:
    """Raise if a folder has any content, or is not a folder."""
    if folder.is_dir():
        if any(folder.iterdir()):
            raise OutputExists(
                f"The folder '{folder}' is not empty, and nothing was written to it.",
                hint="Choose another folder with --output, or empty this one.",
            )
    elif folder.exists() or folder.is_symlink():
        raise OutputExists(f"'{folder}' is a file, not a folder.", hint="Choose another folder with --output.")


def _render(names: PluginName, kind: str) -> Iterator[tuple[str, str]]:
    """Yield the path of each file, relative to the folder, and its text."""
    environment = Environment(
        loader=PackageLoader("galaxtool.authoring"),
        undefined=StrictUndefined,
        autoescape=False,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    files = dict(_EVERY_KIND)
    files[f"{kind}.py"] = f"{{package}}/{kind}.py"
    files[f"test_{kind}.py"] = f"tests/test_{kind}.py"
    if kind != "command":
        files["plugin.py"] = "{package}/plugin.py"
    for template, path in files.items():
        text = environment.get_template(f"{template}.j2").render(
            names=names, kind=kind, version=_next_versions(), hook_api=HOOK_API
        )
        yield path.format(package=names.package), text


def _next_versions() -> str:
    """Return the versions of galaxtool that the plugin promises to work with."""
    major, minor, *_ = __version__.split(".")
    return f">={major}.{minor}"
