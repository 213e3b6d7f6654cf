"""Each command of galaxtool in the documents is run, on small files of the names that it has, or is marked as not run.

A comment ``<!-- not run: REASON -->`` in the line before a block, which readers do not see, says why its commands are
not run.
"""

from __future__ import annotations

import inspect
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docs.test_docs import DOCUMENTS, ROOT, command, name_of
from support.documented_files import run_checked, write_documented_files

import galaxtool

ELSEWHERE = {
    "docs/commands.md": "tests/docs/test_docs.py parses its examples, which are generated",
    "docs/detection.md": "plugins/galaxtool-detect/tests",
    "docs/large-jobs.md": "tests/docs/test_your_data.py",
    "docs/plugins.md": "tests/authoring/test_plugin_tutorial.py",
    "docs/your-data.md": "tests/docs/test_your_data.py",
    "docs/zoobot.md": "plugins/galaxtool-zoobot/tests",
}
"""Page -> tests of its commands."""

REASONS = ("needs ", "waits for a person", "installs packages", "takes minutes")
QUICK = {
    "finetune": "--backbone small-resnet@none --epochs 1 --batch-size 8 --separation 0.01 --device cpu --overwrite",
    "classify": "--overwrite",
    "embed": "--overwrite",
    "index": "--overwrite",
    "evaluate": "--overwrite",
    "cutouts": "--overwrite",
    "simulate": "--overwrite",
    "compare": "--overwrite",
    "cluster": "--overwrite",
    "label": "--pages 1 --runs 1",
}
"""Options in front of those of the command, which take precedence."""

_BLOCK = re.compile(r"^(?:<!-- not run: ([^\n]+) -->\n)?```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks_of_commands(document: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the reason not to run a block, empty for most, and its commands of galaxtool."""
    # blocks in lists are indented
    text = re.sub(r"^  (?=\S)", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for reason, language, body in _BLOCK.findall(text):
        if language in ("bash", "console", "sh", ""):
            lines = [line.removeprefix("$ ") for line in body.replace("\\\n", " ").splitlines()]
            if found := [line for line in lines if re.match(r"(torchrun .*-m )?galaxtool [a-z]", line)]:
                yield reason, found


WITH_COMMANDS = [d for d in DOCUMENTS if list(blocks_of_commands(d)) and name_of(d) not in ELSEWHERE]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with all that the documents name."""
    here = tmp_path_factory.mktemp("documents")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        for name in ("_draw_history", "_draw_confusion"):
            patch.setattr(f"galaxtool.finetuning.report.{name}", lambda *_, **__: None)
        write_documented_files(here)
        yield here


def run_line(line: str) -> None:
    """Run a command with options that make it quick."""
    name, *words = shlex.split(line, comments=True)[1:]
    if name in ("explore", "label") and not {"--rank", "--replay"} & set(words):
        open_page(name, words)
        return
    if "--help" in words or "--list" in words or ("--resume" in words and name == "finetune"):
        run_checked(name, *words)
        return
    if name == "cutouts" and not Path("cutouts", "cutouts.json").exists():
        shutil.rmtree("cutouts")  # images that other commands read
    words = [path for word in words for path in (sorted(map(str, Path().glob(word))) if "*" in word else [word])]
    words = [re.sub(r"^sample(:n=\d+)?$", "sample:n=60", word) for word in words]
    if "-n" in words:  # fewer and smaller galaxies
        words[words.index("-n") + 1] = "24"
        words += ["--size", "64"]
        words = ["again" if word == "cutouts" else word for word in words]
    if name == "finetune" and "-o" not in words:
        words += ["-o", "runs/unnamed"]
    quick = QUICK.get(name, "")
    if {"--recipe", "dino-lora"} & set(words):  # with another network
        quick = quick.partition("@none ")[2]
    if "int8" in words:  # few images to check it on
        quick += " --allow-drop 100"
    run_checked(name, *shlex.split(quick), *words)


def open_page(name: str, words: list[str]) -> None:
    """Serve the page of a command, without a browser, and end it."""
    function: Any = getattr(galaxtool, name)
    with command(name).make_context(name, [*words, "--no-browser"]) as context:
        options = {key: value for key, value in context.params.items() if key in inspect.signature(function).parameters}
    page = function(**options)
    assert page.address.startswith("http://127.0.0.1")
    page.stop()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Tensorflow not installed:ImportWarning")  # which umap says when it is imported
@pytest.mark.parametrize("document", WITH_COMMANDS, ids=name_of)
def test_the_commands_of_a_page_work(
    document: Path, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    shutil.copytree(files, here, symlinks=True)
    monkeypatch.chdir(here)
    for reason, lines in blocks_of_commands(document):
        for line in lines:
            if not reason:
                run_line(line)


def test_a_command_that_is_not_run_says_why() -> None:
    for document in DOCUMENTS:
        for reason, lines in blocks_of_commands(document):
            assert not reason or reason.startswith(REASONS), name_of(document)
            assert reason or not any(line.startswith("torchrun") for line in lines), name_of(document)


def test_pages_whose_commands_run_elsewhere_exist() -> None:
    assert all((ROOT / place.split()[0]).exists() for place in ELSEWHERE.values())
    assert {ROOT / page for page in ELSEWHERE} <= set(DOCUMENTS)
