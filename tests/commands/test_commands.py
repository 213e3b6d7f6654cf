"""A command is its public function: same parameters, same defaults, same words."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import galaxtool
from galaxtool.cli import build
from galaxtool.cli.main import COMMANDS, locate_command
from galaxtool.commands.shared_options import SHARED_OPTIONS, describe_shared_options
from galaxtool.plugins import hookspecs
from galaxtool.plugins.kinds import KINDS
from galaxtool.plugins.manager import PluginManager
from galaxtool.utils.config import invocation

ROOT = Path(__file__).resolve().parents[2]
EVERYWHERE = {"config", "as_json", "quiet", "offline"}
HOOK_FUNCTIONS = {n: f for n, f in vars(hookspecs).items() if inspect.isfunction(f) and hasattr(f, "galaxtool_spec")}


@cache
def made(name: str) -> tuple[Callable[..., Any], Any]:
    """Make a command; return the function it was made from, and the command."""
    place, attribute = locate_command(name)
    module = import_module(place)
    functions: list[Callable[..., Any]] = []

    def recording(function: Callable[..., Any], **arguments: Any) -> Any:
        functions.append(function)
        return build.build_command(function, **arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "build_command", recording)
        command = getattr(module, attribute)()
    (function,) = functions
    return function, command


def parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return the parameters that a command shows."""
    return {name: p for name, p in inspect.signature(function).parameters.items() if name != "progress"}


@pytest.mark.parametrize("name", COMMANDS)
def test_command_is_the_public_function_of_its_name(name: str) -> None:
    function, command = made(name)
    assert function is (getattr(galaxtool.listings, name, None) or getattr(galaxtool, name))
    assert command.name == name == function.__name__


@pytest.mark.parametrize("name", COMMANDS)
def test_options_are_the_parameters_with_their_defaults(name: str) -> None:
    function, command = made(name)
    wanted = parameters(function)
    shown = {p.name: p for p in command.params if p.name not in EVERYWHERE}
    assert list(shown) == list(wanted)
    for key, parameter in wanted.items():
        if parameter.default is inspect.Parameter.empty:
            assert shown[key].required
            continue
        expected = parameter.default if parameter.default != () else None
        given = shown[key].default
        assert (list(given) if isinstance(given, tuple) else given) == (
            list(expected) if isinstance(expected, tuple) else expected
        ), f"--{key} of {name}"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_parameter_is_documented_and_no_other(name: str) -> None:
    function, command = made(name)
    _, documented = build.read_docstring(function)
    assert set(documented) - {"progress"} == set(parameters(function))
    assert [p.name for p in command.params if not getattr(p, "help", "")] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_line_in_the_list_is_the_first_of_the_docstring(name: str) -> None:
    function, _ = made(name)
    assert COMMANDS[name] == (inspect.getdoc(function) or "").splitlines()[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_panels_and_flags_name_parameters(name: str) -> None:
    _, command = made(name)
    flags = [flag for p in command.params for flag in p.opts if flag.startswith("-")]
    assert len(flags) == len(set(flags))
    assert {"--json", "--quiet", "--config", "--offline"} <= set(flags)


SEVERAL_DESCRIPTIONS = {
    "backbone": "what finetune trains, what cluster takes as it is",
    "bands": "cutouts stacks planes, and takes the bands from the headers by default",
    "by": "columns of numbers for evaluate",
    "data": "a recipe of finetune has named slots only; that of a table may have one, which needs no name",
    "dataset": "finetune mixes several",
    "hdu": "cutouts takes every image of a file by default",
    "html": "merge also says where it can run, and pages show different things",
    "id": "a query of similar, the start of label",
    "index": "an option of similar, what explore shows",
    "inputs": "cutouts takes images and a catalogue",
    "kind": "indexes, stacks of cutouts, image formats",
    "label_column": "similar only shows labels, of the index",
    "labels": "labels to compare clusters with, labels to start from",
    "layer": "stored features, which cluster takes, have a layer of their own",
    "list": "kinds of figure of plot, tables of reproduce",
    "method": "training methods for finetune, of grouping for cluster, measures of oddness for anomalies",
    "model": "export accepts no ONNX file, and similar and explore take the model of the index",
    "option": "settings of a method, settings of a kind of figure",
    "output": "a table, a file of embeddings, an index, an ONNX file or a folder",
    "overwrite": "what it replaces is different, and must be said",
    "pattern": "finetune also says how a table of labels names an object",
    "precision": "export also has int8",
    "recipe": "settings of finetune, a table of reproduce",
    "resume": "finetune resumes a run, with its settings",
    "scale": "grades of interest for label",
    "seed": "simulate draws galaxies, evaluate resamples, finetune much else",
    "separation": "neighbours stay in one split for finetune, in one part of the cross-validation for doubts",
    "size": "the size of a cutout has a default of its own; a simulated field of view is fixed",
    "size_arcsec": "a model remembers the size that it was trained with; finetune sets it; cutouts cuts to it",
    "split": "a table of splits for finetune, the name of one for simulate and evaluate",
    "stretch": "FITS data in training, the model's own stretch afterwards, PNG files of cutouts",
    "symbol": "a query of similar, the start of label",
    "taxonomy": "classes of training, the choices of label",
    "text": "a query of similar, the start of label",
    "top_k": "classes for classify, images for similar",
    "weight": "of a data set for finetune, of an example for similar",
    "where": "rows of a catalogue, objects of an index for similar",
    "workers": "cutouts starts processes only for many objects",
}
"""Option -> why its description is not the same in all commands that have it."""


def test_a_shared_option_is_described_once() -> None:
    texts: dict[str, set[str]] = {}
    for command in COMMANDS:
        for name, text in build.read_docstring(made(command)[0])[1].items():
            texts.setdefault(name, set()).add(text)
    assert {name for name, found in texts.items() if len(found) > 1} == set(SEVERAL_DESCRIPTIONS)


def test_shared_options_are_those_of_several_commands() -> None:
    uses = [name for command in COMMANDS for name in inspect.signature(made(command)[0]).parameters]
    assert {name for name in SHARED_OPTIONS if uses.count(name) < 2} == set()


def test_placeholders_are_filled_in_and_added_to() -> None:
    def example() -> None:
        """Do nothing.

        Parameters
        ----------
        {device}
            Never mps.
        other : str
            As in "{device}".
        """

    assert build.read_docstring(describe_shared_options(example))[1] == {
        "device": f"{SHARED_OPTIONS['device'][1]} Never mps.",
        "other": 'As in "{device}".',
    }


# --- a command made of a function for the occasion -------------------------------------------------------------------


@dataclass(frozen=True)
class Weighed:
    """What `weigh` found."""

    values: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        return self.values


def weigh(names: list[str] | None = None, *, top_k: int = 3, model: str = "mini", strict: bool = False) -> Weighed:
    """Weigh galaxies.

    Parameters
    ----------
    names : sequence of str
        What to weigh, in ``[M_sun]``.
    top_k, model : optional
        How many, and by what.
    strict : bool
        Whether to be strict.
    """
    sources = dict(invocation.get().sources)
    return Weighed({"names": list(names or []), "top_k": top_k, "model": model, "strict": strict, "sources": sources})


def run_weigh(*arguments: str) -> None:
    command = build.build_command(weigh, show=lambda result: print("shown", result.values["top_k"]))
    command.main(args=list(arguments), prog_name="weigh", standalone_mode=False)


def weighed(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    run_weigh(*arguments, "--json")
    return json.loads(capsys.readouterr().out)


def test_a_setting_is_taken_from_flag_then_file_then_environment_then_default(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("[weigh]\ntop_k = 5\nstrict = true\n[other]\nunknown = 1\n")
    assert weighed(capsys)["top_k"] == 3
    monkeypatch.setenv("GALAXTOOL_TOP_K", "7")
    monkeypatch.setenv("GALAXTOOL_MODEL", "any")
    monkeypatch.setenv("GALAXTOOL_WEIGH_MODEL", "mine")
    found = weighed(capsys, "a", "b")
    assert (found["names"], found["top_k"], found["model"], found["strict"]) == (["a", "b"], 7, "mine", False)
    found = weighed(capsys, "--config", str(file))
    assert (found["top_k"], found["model"], found["strict"]) == (5, "mine", True)
    found = weighed(capsys, "--config", str(file), "--top-k", "9")
    assert found["top_k"] == 9
    assert found["sources"] == {
        "names": "default", "top_k": "flag", "model": "environment GALAXTOOL_WEIGH_MODEL", "strict": f"file {file}",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[weigh]\ntop-k = 2\ntopk = 2\n", "sets 'topk' in \\[weigh\\].*did you mean 'top_k'"),
        ("weigh = 3\n", "'weigh' must be a table"),
        ("[weigh\n", "not valid TOML.*line 1"),
        (None, "cannot be read"),
    ],
)
def test_a_settings_file_that_cannot_be_used(text: str | None, message: str, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(galaxtool.ConfigError, match=message):
        run_weigh("--config", str(file))


def test_results_go_to_stdout_unless_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    run_weigh()
    assert capsys.readouterr().out == "shown 3\n"
    run_weigh("--quiet")
    assert capsys.readouterr().out == ""
    run_weigh("--quiet", "--json")
    assert json.loads(capsys.readouterr().out)["top_k"] == 3


def test_help_says_what_the_docstring_says(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    run_weigh("--help")
    shown = capsys.readouterr().out
    assert "Weigh galaxies." in shown
    assert "What to weigh, in [M_sun]." in shown
    assert shown.count("How many, and by what.") == 2
    assert "default: 3" in shown


# --- the documents ---------------------------------------------------------------------------------------------------


def documented_hooks() -> Iterator[tuple[str, str]]:
    text = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    yield from re.findall(r"^\| `(\w+)\(([\w, ]*)\)` \|", text, re.MULTILINE)


def test_every_hook_is_documented_with_its_arguments() -> None:
    wanted = {(name, ", ".join(inspect.signature(f).parameters)) for name, f in HOOK_FUNCTIONS.items()}
    assert set(documented_hooks()) == wanted
    assert {kind.hook for kind in KINDS} <= set(HOOK_FUNCTIONS)


def test_examples_in_the_documents_work() -> None:
    text = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    sources = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert sources
    manager = PluginManager(entries=[])
    for i, source in enumerate(sources):
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom) and node.module == "galaxtool":
                assert {alias.name for alias in node.names} <= set(galaxtool.__all__)
        namespace: dict[str, Any] = {"__name__": f"example_{i}"}
        exec(compile(source, f"docs/plugins.md, example {i}", "exec"), namespace)
        if "hookimpl" in namespace:
            report = manager.register(
                type("Example", (), {k: staticmethod(v) for k, v in namespace.items() if k.startswith("register_")}),
                f"example-{i}",
            )
            for kind in KINDS:
                manager.collect(kind)
            assert (report.problem, bool(report.provides)) == ("", True)


def test_every_command_is_in_the_architecture() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert {name for name in COMMANDS if f"`{name}`" not in text} == set()
