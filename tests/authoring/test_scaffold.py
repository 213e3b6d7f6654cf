"""`galaxtool plugins new`: what it writes, and what it refuses."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from support.plugin_helpers import run_galaxtool, run_python

import galaxtool
from galaxtool.authoring.plugin_name import PluginName
from galaxtool.authoring.scaffold import KINDS
from galaxtool.plugins.hook_api import HOOK_API

LONGEST = "a-very-long-name-for-a-plugin-of-mine-ab"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a new plugin of each kind, in folders of these names, and each again with the longest name."""
    folder = tmp_path_factory.mktemp("new")
    for kind in KINDS:
        galaxtool.plugin_tools.new(f"a-{kind}", kind=kind, output=folder / kind)
        galaxtool.plugin_tools.new(LONGEST, kind=kind, output=folder / f"{kind}-long")
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_files_of_a_new_plugin(written: Path, kind: str) -> None:
    folder, package = written / kind, f"galaxtool_a_{kind}"
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["name"] == f"galaxtool-a-{kind}"
    entries = project["entry-points"]
    if kind == "command":
        assert entries == {"galaxtool.commands": {"a-command": f"{package}.command:count_labels"}}
    else:
        assert entries == {"galaxtool": {f"a-{kind}": f"{package}.plugin"}}
        assert f'GALAXTOOL_API = "{HOOK_API}"' in (folder / package / "plugin.py").read_text()
    assert {"LICENSE", "README.md", ".gitignore", "tests", package, ".github", "pyproject.toml"} == {
        path.name for path in folder.iterdir()
    }
    assert "{{" not in "".join(path.read_text() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("kind", KINDS)
def test_new_plugins_import_public_names_only(written: Path, kind: str) -> None:
    for file in (written / kind).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "galaxtool":
                assert node.module == "galaxtool"
                assert {alias.name for alias in node.names} <= set(galaxtool.__all__)


@pytest.mark.parametrize("command", [("check",), ("format", "--check")])
def test_new_plugins_pass_their_own_lint(written: Path, command: tuple[str, ...]) -> None:
    ruff = Path(sys.executable).parent / "ruff"
    found = str(ruff) if ruff.exists() else shutil.which("ruff")
    assert found, "ruff is one of the packages for development"
    run = subprocess.run([found, *command, "--no-cache", str(written)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize(
    ("name", "kind", "error", "message"),
    [
        ("My_Net", "head", galaxtool.ConfigError, "'My_Net' cannot be the name of a plugin"),
        ("7up", "head", galaxtool.ConfigError, "begin with a letter"),
        ("galaxtool", "head", galaxtool.ConfigError, "cannot be the name"),
        ("../evil", "head", galaxtool.ConfigError, "cannot be the name"),
        ("x" * 41, "head", galaxtool.ConfigError, "at most 40"),
        ("linear", "head", galaxtool.ConfigError, "There is already a head called 'linear'"),
        ("heads", "metric", galaxtool.ConfigError, "There is already a plugin called 'heads'"),
        ("roc-auc", "metric", galaxtool.ConfigError, "There is already a metric called 'roc_auc'"),
        ("classify", "command", galaxtool.ConfigError, "There is already a command called 'classify'"),
        ("my-net", "hed", galaxtool.ConfigError, "Did you mean 'head'"),
    ],
)
def test_names_that_cannot_be_used(name: str, kind: str, error: type[Exception], message: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=message) as caught:
        galaxtool.plugin_tools.new(name, kind=kind, output=tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert caught.value.hint  # type: ignore[attr-defined]


def test_the_hint_proposes_a_name_that_works() -> None:
    with pytest.raises(galaxtool.ConfigError) as caught:
        PluginName.parse("My Survey_2")
    assert "plugins new my-survey-2 " in caught.value.hint


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(galaxtool.OutputExists, match="is not empty, and nothing was written"):
        galaxtool.plugin_tools.new("my-net", kind="head", output=tmp_path)
    with pytest.raises(galaxtool.OutputExists, match="is a file"):
        galaxtool.plugin_tools.new("my-net", kind="head", output=tmp_path / "notes.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def install(folder: Path, site: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
    run = subprocess.run(
        [*pip, "--no-build-isolation", "--target", str(site), str(folder)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_new_plugin_installs_and_passes_its_own_tests(written: Path, kind: str, tmp_path: Path) -> None:
    site, folder = tmp_path / "site", tmp_path / "source"
    shutil.copytree(written / kind, folder)
    install(folder, site)
    tests = run_python(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", folder / "pyproject.toml", folder / "tests", path=site
    )
    assert tests.returncode == 0, tests.stdout + tests.stderr
    checked = run_galaxtool("plugins", "check", f"a-{kind}", path=site)
    assert checked.returncode == 0 and f"'a-{kind}' passes." in checked.stdout, checked.stdout + checked.stderr


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["backbone", "dataset", "head", "method"])
def test_new_plugin_trains_at_once(written: Path, kind: str, tmp_path: Path) -> None:
    site = tmp_path / "site"
    install(written / kind, site)
    name = f"a-{kind}"
    options = {
        "backbone": ("sample", "--backbone", name, "--method", "supervised"),
        "dataset": (name, "--backbone", "small-resnet@none"),
        "head": ("sample", "--backbone", "small-resnet@none", "--method", "supervised", "--head", name),
        "method": ("sample", "--backbone", "small-resnet@none", "--method", name, "--option", "noise=0.2"),
    }[kind]
    run = run_galaxtool(
        "finetune", *options, "--fraction", 0.2, "--epochs", 1, "-o", tmp_path / "run", "--device", "cpu", path=site
    )
    assert run.returncode == 0, run.stderr
    table = tmp_path / "p.csv"
    images = tmp_path / "images"
    assert run_galaxtool("simulate", "-o", images, "-n", 4, path=site).returncode == 0
    done = run_galaxtool("classify", images, "--model", tmp_path / "run", "-o", table, path=site)
    assert done.returncode == 0 and len(table.read_text().splitlines()) == 5, done.stderr
