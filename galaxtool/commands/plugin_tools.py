"""The commands ``plugins new``, ``install``, ``uninstall``, ``check`` and ``doctor``.

In Python they are ``galaxtool.plugin_tools.new(...)`` and so on.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from galaxtool.authoring.results import NewPlugin, PluginChange, PluginCheck, PluginDiagnosis
from galaxtool.types import Progress, Silent
from galaxtool.utils.path_arguments import accept_paths


@accept_paths
def new(name: str, *, kind: str, output: Path | None = None) -> NewPlugin:
    """Create the package of a new plugin, with a working example.

    It has tests, a configuration for ruff, a workflow for GitHub and a licence (BSD-3-Clause). Replace the example in
    it with your own code.

    Parameters
    ----------
    name : str
        Name of the plugin: lower-case letters, digits and hyphens. The package is galaxtool-NAME.
    kind : str
        What it provides: backbone, dataset, head, method, command, reader or metric.
    output : Path, optional
        Folder to write, which must be new or empty. By default galaxtool-NAME.

    Returns
    -------
    NewPlugin
        The folder and its files.

    Raises
    ------
    ConfigError
        If the name or the kind cannot be used, or something has that name already.
    OutputExists
        If the folder is not empty.
    """
    from galaxtool.authoring.scaffold import write_plugin

    return write_plugin(name, kind=kind, output=output)


def install(
    requirement: str, *, editable: bool = False, upgrade: bool = False, progress: Progress | None = None
) -> PluginChange:
    """Install a plugin with pip, into the environment that runs galaxtool.

    Parameters
    ----------
    requirement : str
        Name of a package, optionally with a version; or the path of a folder or wheel, or a URL that pip understands.
    editable : bool
        Install a folder in editable mode, so that changes to its files take effect at once.
    upgrade : bool
        Replace an older version.
    progress : Progress, optional
        Receiver of progress messages.

    Returns
    -------
    PluginChange
        The plugins in the package, and what each provides.

    Raises
    ------
    OfflineError
        If it would have to be downloaded, and downloads are disabled or fail.
    PluginError
        If pip fails, or the package contains no plugin.
    """
    from galaxtool.authoring.install import install_plugin

    return install_plugin(requirement, editable=editable, upgrade=upgrade, progress=progress or Silent())


def uninstall(name: str, *, progress: Progress | None = None) -> PluginChange:
    """Remove the package of a plugin with pip.

    Only packages with plugins are removed, and never galaxtool itself.

    Parameters
    ----------
    name : str
        Name of the plugin or of its package.
    progress : Progress, optional
        Receiver of progress messages.

    Returns
    -------
    PluginChange
        The plugins that were removed.

    Raises
    ------
    InputError
        If there is no such plugin.
    ConfigError
        If it is part of galaxtool, or the package is not a plugin.
    """
    from galaxtool.authoring.install import uninstall_plugin

    return uninstall_plugin(name, progress=progress or Silent())


def check(
    plugin: str, *, onnx: bool = False, only: Sequence[str] = (), progress: Progress | None = None
) -> PluginCheck:
    """Check a plugin: what it requires, imports and provides; the exit status is 1 if something is wrong.

    Everything that it registers is run on small random data, by the same checks as galaxtool.check_head and the other
    check_* functions.

    Parameters
    ----------
    plugin : str
        Name of an installed plugin or its package, or the folder of one, which need not be installed.
    onnx : bool
        Export backbones and heads to ONNX too, which takes up to a minute each.
    only : sequence of str
        Run only the checks with this text in their name, such as head or my-net; can be repeated.
    progress : Progress, optional
        Receiver of progress messages.

    Returns
    -------
    PluginCheck
        The result of each check, and what to change.

    Raises
    ------
    UnknownName
        If there is no such plugin.
    InputError, ConfigError
        If the folder has no pyproject.toml with an entry point.
    """
    from galaxtool.authoring.check import check_plugin

    return check_plugin(plugin, onnx=onnx, only=only, progress=progress or Silent())


def doctor() -> PluginDiagnosis:
    """Find what is wrong with the installed plugins.

    It shows their versions and load times, what each provides, names that several of them use, requirements that are
    not met, and, for a plugin that failed, the line of its own code that led to the failure.

    Returns
    -------
    PluginDiagnosis
        The plugins, notes, and what to fix.
    """
    from galaxtool.authoring.plugin_doctor import diagnose_plugins

    return diagnose_plugins()
