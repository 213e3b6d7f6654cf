"""Check a command of a plugin as it is run, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from importlib.metadata import entry_points

from galaxtool.plugins.manager import COMMAND_GROUP, HEAVY

_SLOWEST = 30.0
_CODE = """
import sys
from galaxtool.cli.main import application
try:
    application().main(args=[sys.argv[1], "--help"], prog_name="galaxtool", standalone_mode=True)
finally:
    print("imported", *sorted(set(sys.argv[2].split(",")) & set(sys.modules)), file=sys.stderr)
"""


def check_command(name: str) -> None:
    """Check a command of a plugin: ``galaxtool NAME --help`` works, says something, and imports nothing heavy.

    Parameters
    ----------
    name : str
        Name of the entry point in the group ``galaxtool.commands``.

    Raises
    ------
    AssertionError
        If a check fails.
    """
    found = [entry for entry in entry_points(group=COMMAND_GROUP) if entry.name == name]
    assert found, f"No installed package has an entry point '{name}' in the group '{COMMAND_GROUP}'."
    summary = str(found[0].dist.metadata.json.get("summary", "")) if found[0].dist else ""
    assert summary, f"The package of the command '{name}' has no description, which `galaxtool --help` would show."
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "COLUMNS": "100"}
    start = time.monotonic()
    run = subprocess.run(
        [sys.executable, "-c", _CODE, name, ",".join(sorted(HEAVY))],
        capture_output=True, text=True, env=environment, check=False, timeout=300,
    )  # fmt: skip
    lines = [line for line in run.stderr.strip().splitlines() if line]
    assert run.returncode == 0, f"`galaxtool {name} --help` fails: {lines[0] if lines else 'no message'}"
    assert name in run.stdout and "Usage" in run.stdout, f"`galaxtool {name} --help` shows no usage."
    assert time.monotonic() - start < _SLOWEST, f"`galaxtool {name} --help` takes more than {_SLOWEST:.0f} s."
    heavy = next((line.split()[1:] for line in lines if line.startswith("imported")), [])
    assert not heavy, (
        f"`galaxtool {name} --help` imports {', '.join(heavy)}, so its help is slow; import it inside the function."
    )
