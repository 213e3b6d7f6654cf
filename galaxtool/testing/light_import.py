"""Check that a plugin can be listed quickly."""

from __future__ import annotations

import os
import subprocess
import sys

from galaxtool.plugins.manager import HEAVY, find_installed_plugins
from galaxtool.plugins.registry import get_registry

_CODE = """
import importlib, sys
before = set(sys.modules)
importlib.import_module(sys.argv[1])
print(*sorted(set(sys.argv[2].split(",")) & (set(sys.modules) - before)))
"""


def check_plugin_is_light(name: str) -> None:
    """Check that the module with the hooks of a plugin imports nothing that listings would have to wait for.

    Parameters
    ----------
    name : str
        Name of the entry point: the first column of ``galaxtool plugins``.

    Raises
    ------
    AssertionError
        If there is no such plugin, its module cannot be imported, or it imports a package such as torch or numpy.
    """
    found = [entry for entry in find_installed_plugins() if entry.name == name]
    known = ", ".join(sorted(get_registry().plugins.reports))
    assert found, f"There is no plugin called '{name}'; these are installed: {known}."
    module = found[0].value.partition(":")[0]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    run = subprocess.run(
        [sys.executable, "-c", f"import galaxtool\n{_CODE}", module, ",".join(sorted(HEAVY))],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    last = (run.stderr.strip().splitlines() or ["no message"])[-1]
    assert run.returncode == 0, f"'{module}' of the plugin '{name}' cannot be imported: {last}."
    heavy = (run.stdout.splitlines() or [""])[-1].split()
    assert not heavy, (
        f"Importing '{module}' of the plugin '{name}' imports {', '.join(heavy)}, so every listing waits for it; "
        "import it in the module of the factory."
    )
