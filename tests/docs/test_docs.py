"""The documents say what stands: commands, options, links, versions, files."""

from __future__ import annotations

import ast
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import galaxtool
from galaxtool.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    path
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md"))
    if "_build" not in path.parts
)
HOOKS = runpy.run_path(str(ROOT / "scripts" / "write_hook_reference.py"))
REFERENCE = runpy.run_path(str(ROOT / "scripts" / "write_command_reference.py"))
ONLY_TO_TRAIN = {
    "torch", "torchvision", "timm", "open_clip_torch", "onnx", "onnxscript", "safetensors", "scikit-learn", "tomli-w",
    "matplotlib",
}  # fmt: skip
"""Dependencies that classifying, embedding and searching by ONNX do without; export counts as training."""


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def blocks(document: Path) -> list[tuple[str, str]]:
    """Return the fenced blocks of a document, as language and text."""
    return re.findall(r"^```(\w*)\n(.*?)^```", document.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@cache
def prose(document: Path) -> str:
    """Return a document without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


@cache
def command(name: str) -> Any:
    return REFERENCE["load_command"](name)


# --- what is generated -----------------------------------------------------------------------------------------------


def test_the_command_reference_is_up_to_date() -> None:
    written = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert written == REFERENCE["make_reference"](), "run `make docs`"


def test_the_hook_reference_is_up_to_date() -> None:
    written = (ROOT / "docs" / "hooks.md").read_text(encoding="utf-8")
    assert written == HOOKS["make_reference"](), "run scripts/write_hook_reference.py"


@pytest.mark.slow
def test_the_list_of_public_names_is_up_to_date() -> None:
    names = runpy.run_path(str(ROOT / "scripts" / "write_api_reference.py"))
    written = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert written == names["make_reference"](), "run scripts/write_api_reference.py"


def test_the_command_reference_has_every_option_of_help() -> None:
    written = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", written, re.MULTILINE | re.DOTALL))
    for name in COMMANDS:
        own = [p for p in command(name).params if getattr(p, "rich_help_panel", "") != REFERENCE["COMMON"]]
        shown = sections[name]
        assert [
            flag for p in own for flag in p.opts if flag.startswith("-") and not re.search(rf"`{flag}\b", shown)
        ] == []


# --- links -----------------------------------------------------------------------------------------------------------


@cache
def anchors(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(document: Path) -> Iterator[str]:
    text = prose(document)
    yield from re.findall(r"\]\(([^)\s]+)\)", text)
    yield from re.findall(r'(?:src|href)="([^"]+)"', text)


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(document: Path) -> None:
    dead = []
    for link in links(document):
        place, _, anchor = link.partition("#")
        if "://" in place:
            continue
        target = (document.parent / place).resolve() if place else document
        # the site has no pages of folders
        if not target.is_file() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert dead == []


def test_the_index_lists_every_document() -> None:
    index = ROOT / "docs" / "index.md"
    listed = {(index.parent / link.partition("#")[0]).resolve() for link in links(index)}
    pages = {d for d in DOCUMENTS if d.is_relative_to(index.parent)} | {*index.parent.glob("notebooks/*.ipynb")}
    assert pages - {index} <= listed


# --- what is shown to be typed ---------------------------------------------------------------------------------------


def typed() -> Iterator[tuple[str, list[str]]]:
    """Yield each line that begins with ``galaxtool``: where it stands, and its words."""
    for document in DOCUMENTS:
        for language, text in blocks(document):
            if language in ("bash", "console", "sh", ""):
                for line in text.replace("\\\n", " ").splitlines():
                    if re.match(r"(\$ )?galaxtool [a-z]", line):
                        yield name_of(document), shlex.split(line.removeprefix("$ "), comments=True)[1:]
    for name in COMMANDS:
        for example in REFERENCE["find_examples"](command(name)):
            yield f"galaxtool {name} --help", shlex.split(example)[1:]
    script = (ROOT / "scripts" / "demo.sh").read_text(encoding="utf-8")
    for line in re.findall(r"^galaxtool (.*)$", script, re.MULTILINE):
        yield "scripts/demo.sh", shlex.split(line)


def is_of_a_plugin(words: list[str]) -> bool:
    """Tell whether a line calls a command of one of the plugins in this repository."""
    return words[0] in ("symbol-sheet", "detect", "zoobot")


@pytest.mark.parametrize(("where", "words"), [pytest.param(w, s, id=f"{w}: {' '.join(s)}") for w, s in typed()])
def test_what_is_shown_can_be_typed(where: str, words: list[str]) -> None:
    if is_of_a_plugin(words):
        pytest.skip("a plugin's command")
    name, *rest = words
    assert name in COMMANDS
    if "--help" not in rest:
        with command(name).make_context(name, rest) as context:
            assert context.params


def test_enough_is_shown_to_be_typed() -> None:
    assert {words[0] for _, words in typed()} >= set(COMMANDS) - set(vars(galaxtool.listings)) | {
        "finetune",
        "classify",
    }


def test_make_targets_that_are_named_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for document in DOCUMENTS:
        shell = "\n".join(text for language, text in blocks(document) if language == "bash")
        named = set(re.findall(r"^make ([a-z-]+)", shell, re.MULTILINE))
        named |= set(re.findall(r"`make ([a-z-]+)", prose(document)))
        assert named <= targets, name_of(document)
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony and set(phony[1].split()) == targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_examples_in_python_and_toml_are_sound(document: Path) -> None:
    for language, text in blocks(document):
        if language == "python":
            for node in ast.walk(ast.parse(text)):
                if (
                    isinstance(node, ast.Attribute)
                    and isinstance(node.value, ast.Name)
                    and node.value.id == "galaxtool"
                ):
                    assert node.attr in galaxtool.__all__
        elif language == "toml":
            for name, table in tomllib.loads(text).items():
                if name in COMMANDS:
                    assert set(table) <= {p.name for p in command(name).params}


@pytest.mark.slow
def test_the_example_without_galaxtool_says_what_galaxtool_says(tmp_path: Path) -> None:
    from support.helpers import make_model, write_png

    document = ROOT / "docs" / "models-and-onnx.md"
    (source,) = [text for language, text in blocks(document) if language == "python"]
    make_model(tmp_path / "model")
    galaxtool.export(model=str(tmp_path / "model"), output=tmp_path / "first.onnx")
    write_png(tmp_path / "cutout.png", 1, size=100)
    run = subprocess.run([sys.executable, "-c", source], cwd=tmp_path, capture_output=True, text=True, check=True)
    done = galaxtool.classify(
        [tmp_path / "cutout.png"], model=str(tmp_path / "first.onnx"), output=tmp_path / "p.ecsv", engine="onnx"
    )
    label, probability = run.stdout.split()
    assert label == done.table["label"][0]
    assert float(probability) == pytest.approx(float(done.table["probability"][0]), abs=1e-4)


# --- versions, dependencies, files -----------------------------------------------------------------------------------


def test_the_changelog_begins_with_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", text, re.MULTILINE)
    assert versions[0] == galaxtool.__version__


def test_inference_requires_what_training_does_not_alone() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (ROOT / "requirements-inference.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == [
        wanted for wanted in project["dependencies"] if re.split(r"[<>=!;~ ]", wanted)[0] not in ONLY_TO_TRAIN
    ]
    assert project["requires-python"] == ">=3.11"
    assert "Python 3.11 or later" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_model_record_is_documented_key_by_key() -> None:
    from galaxtool.models.record import ModelRecord

    text = (ROOT / "docs" / "data-formats.md").read_text(encoding="utf-8")
    (section,) = re.findall(r"^`model\.json` has these keys:\n(.*?)^The directory", text, re.MULTILINE | re.DOTALL)
    keys = [key for cell in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE) for key in re.findall(r"`(\w+)`", cell)]
    assert sorted(keys) == sorted(f.name for f in fields(ModelRecord))


def test_commands_are_all_in_the_readme() -> None:
    text = prose(ROOT / "README.md")
    assert [name for name in COMMANDS if f"`{name}`" not in text] == []


def test_prediction_columns_and_flags_are_documented() -> None:
    text = (ROOT / "docs" / "data-formats.md").read_text(encoding="utf-8")
    for column in ("id", "path", "ra", "dec", "label", "probability", "p_<slug>", "flags", "error"):
        assert f"`{column}`" in text
    (section,) = re.findall(r"^\| flag \|.*?(?=\n\n)", text, re.MULTILINE | re.DOTALL)
    flags = dict(re.findall(r"^\| `([A-Z_]+)` \| (.*) \|$", section, re.MULTILINE))
    assert flags == galaxtool.FLAGS
