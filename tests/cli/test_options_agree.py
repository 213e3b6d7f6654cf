"""Options mean the same in all commands, and are called the same."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import galaxtool
from galaxtool.cli.main import COMMANDS, application, load_command
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.utils.config import FORMER_NAMES

LONG_JOBS = ("finetune", "classify", "embed", "index", "similar", "cutouts")
"""Commands that can be interrupted."""

WRITERS = {
    *LONG_JOBS,
    "cluster",
    "evaluate",
    "compare",
    "merge",
    "export",
    "simulate",
    "plot",
    "reproduce",
    "anomalies",
    "doubts",
    "label",
}
"""Commands that write to a path that the user chooses."""

SHORT = {"-h": "help", "-m": "model", "-o": "output", "-k": "top_k", "-n": "n"}
"""The only short flags, and the parameter of each."""

SYNONYMS = {"unlike": {"--not"}, "unlike_text": {"--not-text"}}
"""Parameter -> flags besides its own name, which Python cannot have."""


@cache
def options(name: str) -> dict[str, tuple[str, ...]]:
    """Return the flags of each option of a command."""
    command = load_command(name)
    return {p.name: (*p.opts, *p.secondary_opts) for p in command.params if p.opts[0].startswith("-")}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_flag_is_the_name_of_its_parameter(name: str) -> None:
    for parameter, flags in options(name).items():
        long = {flag for flag in flags if flag.startswith("--")}
        plain = parameter.removeprefix("as_").replace("_", "-")
        assert long <= {f"--{plain}", f"--no-{plain}"} | SYNONYMS.get(parameter, set()) and f"--{plain}" in long
        for flag in set(flags) - long:
            assert SHORT[flag] == parameter


@pytest.mark.parametrize("short", ["-m", "-o", "-k"])
def test_a_short_flag_is_there_wherever_its_option_is(short: str) -> None:
    having = [name for name in COMMANDS if SHORT[short] in options(name)]
    assert having and all(short in options(name)[SHORT[short]] for name in having)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_the_common_options(name: str) -> None:
    found = {flag for flags in options(name).values() for flag in flags}
    assert {"--json", "--quiet", "--config", "--offline"} <= found


def test_where_a_command_writes_is_called_output() -> None:
    others = {"out", "outdir", "output_dir", "dest", "outfile"}
    assert [name for name in COMMANDS if others & set(options(name))] == []
    assert {name for name in COMMANDS if "output" in options(name)} == WRITERS


@pytest.mark.parametrize("name", LONG_JOBS)
def test_long_jobs_are_resumed_or_begun_again(name: str) -> None:
    assert {"resume", "overwrite"} <= set(options(name))


@pytest.mark.parametrize("name", ["classify", "embed", "index", "similar"])
def test_images_are_read_with_the_same_options(name: str) -> None:
    assert {one.name for one in fields(ReadingOptions)} <= set(options(name))


@pytest.mark.parametrize(
    ("command", "old", "new"), [(c, o, n) for c, names in FORMER_NAMES.items() for o, n in names.items()]
)
def test_former_names_are_hidden_and_understood(
    command: str, old: str, new: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any
) -> None:
    seen: list[Any] = []
    targets: dict[str, tuple[str, Callable[..., Any]]] = {
        "finetune": ("galaxtool.finetuning.run.run_finetune", lambda config, **_: seen.append(str(config.output))),
        "similar": ("galaxtool.search.find.find_similar", lambda q, s, search, results, p: seen.append(str(search.k))),
    }
    monkeypatch.setattr(*targets[command])
    config = tmp_path / "c.toml"
    config.write_text(f"[{command}]\n{old} = 5\n" if command == "similar" else f'[{command}]\n{old} = "5"\n')
    flag, given = f"--{old.replace('_', '-')}", ["x"]
    for arguments in ([flag, "5"], [f"{flag}=5"], ["--config", str(config)]):
        with pytest.raises((SystemExit, AttributeError)):
            application()([command, *given, *arguments, "--quiet"])
    monkeypatch.setenv(f"GALAXTOOL_{command}_{old}".upper(), "5")
    with pytest.raises((SystemExit, AttributeError)):
        application()([command, *given, "--quiet"])
    function = getattr(galaxtool, command)
    function("x", **{old: 5 if command == "similar" else "5"})
    assert seen == ["5"] * 5
    assert old not in inspect.signature(function).parameters
    with pytest.raises(TypeError, match="not both"):
        function("x", **{old: 1, new: 1})
    with pytest.raises(SystemExit):
        application()([command, "--help"])
    assert f" {flag} " not in capsys.readouterr().out
