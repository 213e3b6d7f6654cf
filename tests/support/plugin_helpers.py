"""Temporary plugins, and functions that run galaxtool with them in a separate process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

BROKEN = {
    "import-error": ("import a_module_that_is_not_there", "No module named 'a_module_that_is_not_there'"),
    "exits": ("raise SystemExit('no licence found')", "SystemExit: no licence found"),
    "wrong-arguments": (
        """
        import galaxtool

        @galaxtool.hookimpl
        def register_heads(config):
            return []
        """,
        "Argument(s) {'config'} are declared in the hookimpl but can not be found in the hookspec",
    ),
    "misspelt": (
        """
        import galaxtool

        @galaxtool.hookimpl
        def register_backbone():
            return []
        """,
        "unknown hook 'register_backbone'; did you mean 'register_backbones'?",
    ),
    "junk": (
        """
        import galaxtool

        @galaxtool.hookimpl
        def register_heads():
            return ["linear", galaxtool.HeadSpec(name="sound", factory="torch.nn:Linear")]
        """,
        "register_heads returned str instead of HeadSpec",
    ),
    "raises": (
        """
        import galaxtool

        @galaxtool.hookimpl
        def register_heads():
            raise RuntimeError("no such moon")

        @galaxtool.hookimpl
        def register_methods():
            return [galaxtool.MethodSpec(name="spared", factory="galaxtool.methods.supervised:stages")]
        """,
        "register_heads raised RuntimeError: no such moon",
    ),
}
"""Name of a broken plugin -> source of its module, and the message about it."""


def add_plugin(folder: Path, name: str, source: str, *, commands: Mapping[str, str] | None = None) -> str:
    """Write a module and its metadata to a folder, as pip does; return the name of the module.

    Parameters
    ----------
    folder : Path
        Folder to be added to ``PYTHONPATH``.
    name : str
        Name of the entry point; the distribution is ``galaxtool-NAME`` 1.0.
    source : str
        Source of the module; may be indented.
    commands : mapping of str to str, optional
        Name of a command -> function in the module.
    """
    module = f"galaxtool_{name.replace('-', '_')}"
    (folder / f"{module}.py").write_text(dedent(source))
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: galaxtool-{name}\nVersion: 1.0\nSummary: A test's {name}.\n"
    )
    entries = f"[galaxtool]\n{name} = {module}\n"
    if commands:
        entries += "[galaxtool.commands]\n" + "".join(f"{c} = {module}:{f}\n" for c, f in commands.items())
    (info / "entry_points.txt").write_text(entries)
    return module


def run_galaxtool(*arguments: object, path: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``galaxtool`` with a folder of plugins on ``PYTHONPATH``, and return the completed process."""
    return run_python("-m", "galaxtool", *arguments, path=path, **environment)


def run_python(*arguments: object, path: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python with a folder on ``PYTHONPATH``."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200", **environment}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(path or ""), os.environ.get("PYTHONPATH", "")]))
    return subprocess.run(
        [sys.executable, *map(str, arguments)], capture_output=True, text=True, env=env, timeout=600, check=False
    )
