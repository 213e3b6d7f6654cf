"""Help and listings start fast, because they import nothing heavy."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image
from support.plugin_helpers import add_plugin, run_python

from galaxtool import index
from galaxtool.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
LINT = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
HEAVY = LINT["flake8-tidy-imports"]["banned-module-level-imports"]
"""What the lint rule bans at the top of light modules."""

LISTINGS = ("backbones", "datasets", "heads", "methods", "models", "plugins", "taxonomies")

PROBE = """
import contextlib, io, json, sys
from galaxtool.cli.main import application

found = {{}}
for arguments in {calls}:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        application()(arguments, prog_name="galaxtool")
    found[" ".join(arguments)] = sorted(m for m in {heavy} if m in sys.modules)
print(json.dumps(found))
"""


def heavy_after(*calls: list[str], path: Path | None = None, heavy: list[str] = HEAVY) -> dict[str, list[str]]:
    """Run command lines one after another in a new process; return what heavy modules stood loaded after each."""
    run = run_python("-c", PROBE.format(calls=list(calls), heavy=heavy), path=path)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_the_lint_rule_names_what_is_slow_to_import() -> None:
    assert {"numpy", "astropy", "torch", "faiss", "onnxruntime", "open_clip", "PIL"} <= set(HEAVY)


def test_help_and_listings_import_nothing_heavy() -> None:
    calls = [["--help"], ["--version"], *([name] for name in LISTINGS), *([name, "--json"] for name in LISTINGS)]
    assert {call: heavy for call, heavy in heavy_after(*calls).items() if heavy} == {}


def test_help_of_every_command_imports_nothing_heavy() -> None:
    found = heavy_after(*([name, "--help"] for name in COMMANDS))
    assert len(found) == len(COMMANDS)
    assert {call: heavy for call, heavy in found.items() if heavy} == {}


def test_a_mistake_imports_nothing_heavy() -> None:
    found = heavy_after(["clasify"], ["classify", "--no-such-option"], ["classify"])
    assert {call: heavy for call, heavy in found.items() if heavy} == {}


def test_a_heavy_plugin_is_seen_by_this_probe(tmp_path: Path) -> None:
    add_plugin(tmp_path, "heavy", "import numpy")
    assert heavy_after(["--help"], ["plugins"], path=tmp_path) == {"--help": [], "plugins": ["numpy"]}


def test_importing_the_package_imports_the_standard_library_only() -> None:
    run = run_python(
        "-c", "import json, sys; old = set(sys.modules); import galaxtool; print(json.dumps([*set(sys.modules) - old]))"
    )
    tops = {name.partition(".")[0] for name in json.loads(run.stdout)}
    assert tops - set(sys.stdlib_module_names) == {"galaxtool"}


@pytest.mark.slow
def test_help_takes_less_than_a_second() -> None:
    probe = (
        "import sys, time; start = time.perf_counter(); sys.argv = ['galaxtool', '--help']\nimport galaxtool.__main__\n"
    )
    probe += "try: galaxtool.__main__.main()\nexcept SystemExit: print(time.perf_counter() - start, file=sys.stderr)"
    best = min(float(run_python("-c", probe).stderr) for _ in range(3))
    assert best < 1


def test_classifying_or_searching_by_an_image_imports_only_what_it_needs(tmp_path: Path) -> None:
    galaxy = np.random.default_rng(0).normal(10, 1, (64, 64)).astype(np.float32)
    fits.PrimaryHDU(galaxy).writeto(tmp_path / "a.fits")
    Image.fromarray(np.uint8(np.clip(10 * galaxy, 0, 255))).save(tmp_path / "a.png")
    index(tmp_path / "a.png", output=tmp_path / "idx")
    heavy = ["torch", "pandas", "pyarrow.compute", "matplotlib", "scipy", "sklearn", "faiss", "h5py", "jinja2", "timm"]
    classify = ["classify", str(tmp_path / "a.fits"), "-o", str(tmp_path / "a.csv"), "--quiet"]
    similar = [
        "similar",
        str(tmp_path / "a.png"),
        "--index",
        str(tmp_path / "idx"),
        "-o",
        str(tmp_path / "b.csv"),
    ]
    found = heavy_after(classify, similar, heavy=heavy)
    assert found == {" ".join(classify): [], " ".join(similar): ["faiss"]}
    assert (tmp_path / "a.csv").is_file()
    assert (tmp_path / "b.csv").is_file()
