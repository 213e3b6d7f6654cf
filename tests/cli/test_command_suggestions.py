"""Words of other programs lead to the command or option that galaxtool has."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from galaxtool.cli import main
from galaxtool.cli.suggestions import _COMMANDS, _OPTION_WORDS, find_option

FLAGS = {name: main._list_flags(main._load(name)) for name in main.COMMANDS}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Run the command line; return its exit status and what it prints to stderr, without the frame."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", 200)

    def run_words(*words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as exit_:
            main.application()(list(words), prog_name="galaxtool")
        return int(exit_.value.code or 0), " ".join(capsys.readouterr().err.replace("│", " ").split())

    return run_words


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("train", "Did you mean 'finetune'?"),
        ("predict", "Did you mean 'classify'?"),
        ("Classify", "Did you mean 'classify'?"),
        ("search", "Did you mean 'similar'?"),
        ("embeddings", "Did you mean 'embed'?"),
        ("backbone", "Did you mean 'backbones'?"),
        ("metrics", "Did you mean 'evaluate'?"),
        ("diff", "Did you mean 'compare'?"),
        ("version", "Type: galaxtool --version"),
        ("xyzzy", "galaxtool --help lists them."),
    ],
)
def test_unknown_command(run: Callable[..., tuple[int, str]], word: str, answer: str) -> None:
    code, output = run(word)
    assert code == 2
    assert f"No such command '{word}'. {answer}" in output


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("detect", "It comes with the package galaxtool-detect, which is not installed."),
        ("detec", "Did you mean 'detect'? It comes with the package galaxtool-detect, which is not installed."),
        ("zoobot", "It comes with the package galaxtool-zoobot, which is not installed."),
    ],
)
@pytest.mark.usefixtures("without_plugins")
def test_command_of_a_missing_plugin(run: Callable[..., tuple[int, str]], word: str, answer: str) -> None:
    code, output = run(word, "run", "map.fits")
    assert code == 2
    assert f"No such command '{word}'. {answer} Install it" in output
    assert f"galaxtool plugins install ./plugins/galaxtool-{'zoobot' if word == 'zoobot' else 'detect'}" in output


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["classify", "--out", "x"], "Did you mean --output?"),
        (["classify", "--gpu"], "Did you mean --device cuda?"),
        (["finetune", "--learning_rate", "1"], "Did you mean --lr?"),
        (["embed", "--batch", "3"], "Did you mean --batch-size?"),
        (["classify", "--resmue"], "Did you mean --resume?"),
        (["classify", "--lr", "1"], "It is an option of finetune."),
        (["doctor", "--zzzzz"], "--help lists the options."),
    ],
)
def test_unknown_option(run: Callable[..., tuple[int, str]], words: list[str], answer: str) -> None:
    code, output = run(*words)
    assert code == 2
    assert f"No such option: {words[1]}. {answer}" in output


def test_every_suggestion_exists() -> None:
    assert set(_COMMANDS.values()) <= set(main.COMMANDS)
    assert not set(_COMMANDS) & set(main.COMMANDS)
    every = {flag for flags in FLAGS.values() for flag in flags}
    for option in _OPTION_WORDS:
        assert f"--{option.split()[0]}" in every | {"--terms"}


@pytest.mark.parametrize("name", main.COMMANDS)
def test_what_is_suggested_is_an_option_of_the_command(name: str) -> None:
    for words in _OPTION_WORDS.values():
        for word in words.split():
            if found := find_option(f"--{word}", FLAGS[name]):
                assert found.split()[0] in FLAGS[name]
