"""The example plugin, installed by pip as a third party's would be."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from support.plugin_helpers import add_plugin, run_galaxtool, run_python

import galaxtool
from galaxtool import get_registry

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "plugins" / "galaxtool-example"
PROJECT = tomllib.loads((SOURCE / "pyproject.toml").read_text())["project"]
BROUGHT = {
    "backbones": {"example-tiny"},
    "datasets": {"example-shapes"},
    "heads": {"example-cosine"},
    "methods": {"example-one-stage", "example-cosine"},
    "taxonomies": {"example-shapes"},
}


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example plugin installed in it."""
    folder = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
    made = subprocess.run(
        [*pip, "--no-build-isolation", "--target", str(folder), str(SOURCE)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    return folder


def listed(site: Path, what: str) -> list[dict[str, Any]]:
    return json.loads(run_galaxtool(what, "--json", path=site).stdout)[what]


# --- installed -------------------------------------------------------------------------------------------------------


def test_plugins_lists_it_with_what_it_provides(site: Path) -> None:
    row = next(row for row in listed(site, "plugins") if row["name"] == "example")
    assert (row["from"], row["version"]) == ("galaxtool-example", PROJECT["version"])
    assert (row["status"], row["problem"]) == ("ok", "")
    assert set(row["provides"]) == {
        "backbone example-tiny", "dataset example-shapes", "head example-cosine", "method example-cosine",
        "method example-one-stage", "taxonomy example-shapes", "metric example_worst_recall",
        "search filter example-dec", "plot example-probabilities", "command symbol-sheet",
    }  # fmt: skip


@pytest.mark.slow
def test_listings_show_its_things(site: Path) -> None:
    for what, names in BROUGHT.items():
        rows = {row["name"]: row for row in listed(site, what) if row["from"] == "galaxtool-example"}
        assert set(rows) == names
        assert all(row["usable"] == "yes" and row["summary"] for row in rows.values())


def test_without_it_nothing_of_it_is_known() -> None:
    assert not any("example" in row["name"] for row in listed(Path(), "methods"))


def test_its_command_stands_in_the_help_and_draws(site: Path, tmp_path: Path) -> None:
    from PIL import Image

    shown = run_galaxtool("--help", path=site).stdout
    assert "symbol-sheet" in shown and PROJECT["description"] in shown
    sheet = tmp_path / "sheet.png"
    run = run_galaxtool("symbol-sheet", "example-shapes", "-o", sheet, "--json", path=site)
    assert json.loads(run.stdout) == {
        "taxonomy": "example-shapes", "sheet": str(sheet), "classes": ["disc", "ring", "bar"],
    }  # fmt: skip
    with Image.open(sheet) as image:
        assert image.size == (3 * 172 + 12, 192 + 12)
    again = run_galaxtool("symbol-sheet", "example-shapes", "-o", sheet, path=site)
    assert again.returncode == 1 and again.stderr.startswith(f"Error: '{sheet}' exists.")
    unknown = run_galaxtool("symbol-sheet", "example-shape", path=site)
    assert unknown.returncode == 1 and "Did you mean 'example-shapes'?" in unknown.stderr


def test_listing_it_imports_nothing_heavy(site: Path) -> None:
    code = """
import sys, galaxtool
galaxtool.listings.plugins()
galaxtool.listings.taxonomies()
print("galaxtool_example.plugin" in sys.modules, [m for m in ("torch", "numpy", "PIL") if m in sys.modules])
"""
    assert run_python("-c", code, path=site).stdout.strip() == "True []"


def test_finetune_from_python(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(site)
    get_registry.cache_clear()
    try:
        result = galaxtool.finetune(
            ["example-shapes"], backbone="example-tiny", method="example-one-stage", epochs=1, out=tmp_path / "run"
        )
    finally:
        get_registry.cache_clear()
    assert result.classes == ["disc", "ring", "bar"]
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert 0 <= metrics["example_worst_recall"]["value"] <= metrics["accuracy"]["value"]
    history = (tmp_path / "run" / "history.csv").read_text().splitlines()
    assert len(history) == 2, "one stage of one epoch"


def test_its_figure_is_drawn_in_the_style_of_galaxtool(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(site)
    get_registry.cache_clear()
    table = tmp_path / "predictions.csv"
    table.write_text("probability\n0.1\n0.9\n")
    try:
        result = galaxtool.plot("example-probabilities", table, output=tmp_path / "p.svg", option=["bins=4"])
        with pytest.raises(galaxtool.ConfigError, match="does not take --by"):
            galaxtool.plot("example-probabilities", table, by="probability")
    finally:
        get_registry.cache_clear()
    assert "probability of the predicted class" in result.output.read_text()


@pytest.mark.slow
def test_its_own_tests_pass(site: Path) -> None:
    run = run_python("-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, SOURCE / "tests", path=site)
    assert run.returncode == 0 and "6 passed" in run.stdout, run.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "head", "least"), [("example-one-stage", "prompt", 0.6), ("example-cosine", "example-cosine", 0.6)]
)
def test_finetune_and_classify(method: str, head: str, least: float, site: Path, tmp_path: Path) -> None:
    add_plugin(tmp_path, "watcher", WATCHER)
    path = Path(f"{site}{os.pathsep}{tmp_path}")
    out = tmp_path / "run"
    run = run_galaxtool(
        "finetune", "example-shapes", "--backbone", "example-tiny", "--method", method, "--epochs", 8,
        "--batch-size", 16, "--out", out, "--device", "cpu", "--json", path=path,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    assert result["classes"] == ["disc", "ring", "bar"]
    assert result["metrics"]["accuracy"]["value"] > least
    assert "Warning: plugin 'watcher', hook run_started: RuntimeError: nothing to see" in run.stderr
    record = json.loads((out / "model" / "model.json").read_text())
    assert (record["head"], record["backbone"]) == (head, "example-tiny@none")
    symbols = tmp_path / "symbols"
    symbols.mkdir()
    for one in (SOURCE / "galaxtool_example" / "symbols").glob("*.png"):
        (symbols / one.name).write_bytes(one.read_bytes())
    table = tmp_path / "p.csv"
    classified = run_galaxtool("classify", symbols, "--model", out, "-o", table, path=path)
    assert classified.returncode == 0, classified.stderr
    assert len(table.read_text().splitlines()) == 4
    without = run_galaxtool("classify", symbols, "--model", out, "-o", tmp_path / "q.csv")
    assert without.returncode == 1 and "There is no backbone called 'example-tiny'" in without.stderr


WATCHER = """
import galaxtool

@galaxtool.hookimpl
def run_started():
    raise RuntimeError("nothing to see")
"""


# --- the source ------------------------------------------------------------------------------------------------------


def test_it_imports_only_public_names() -> None:
    own = "galaxtool_example"
    for file in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                assert not any(alias.name.split(".")[0] == "galaxtool" for alias in node.names), file
            elif isinstance(node, ast.ImportFrom):
                module = node.module or ""
                assert module == "galaxtool" or module.split(".")[0] != "galaxtool", f"{file} imports {module}"
                if module == "galaxtool":
                    assert {alias.name for alias in node.names} <= set(galaxtool.__all__)
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == own:
                raise AssertionError(f"{file}: say from {own} import ...")


def test_one_of_its_methods_has_two_lines() -> None:
    tree = ast.parse((SOURCE / "galaxtool_example" / "method.py").read_text())
    function = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "one_stage")
    statements = [n for n in function.body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
    assert len(statements) == 2 and (statements[-1].end_lineno or 0) - statements[0].lineno == 1


def test_its_readme_names_every_file_and_command() -> None:
    text = (SOURCE / "README.md").read_text()
    files = {file.name for file in (SOURCE / "galaxtool_example").glob("*.py")} - {"__init__.py"}
    assert {name for name in files if name not in text} == set()
    assert all(name in text for names in BROUGHT.values() for name in names)
