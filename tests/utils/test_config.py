"""Where a setting comes from."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galaxtool.errors import ConfigError
from galaxtool.utils.config import cache_dir, check_choice, gather_settings, is_offline, load_recipe, read_toml

NAMES = ("model", "top_k", "offline", "debug")


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(f"GALAXTOOL_{name}".upper(), raising=False)


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "settings.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_nothing_said() -> None:
    assert gather_settings("classify", NAMES, None) == ({}, {})


def test_file_goes_before_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALAXTOOL_MODEL", "env")
    monkeypatch.setenv("GALAXTOOL_TOP_K", "7")
    file = written(tmp_path, "[classify]\nmodel = 'file'\n[export]\nmodel = 'other'\n")
    values, sources = gather_settings("classify", NAMES, file)
    assert values == {"model": "file", "top_k": "7"}
    assert sources == {"model": f"file {file}", "top_k": "environment GALAXTOOL_TOP_K"}


def test_a_command_s_own_variable_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALAXTOOL_MODEL", "any")
    monkeypatch.setenv("GALAXTOOL_CLASSIFY_MODEL", "mine")
    assert gather_settings("classify", NAMES, None)[0] == {"model": "mine"}
    assert gather_settings("export", NAMES, None)[0] == {"model": "any"}


def test_empty_and_unknown_variables_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALAXTOOL_MODEL", "")
    monkeypatch.setenv("GALAXTOOL_NONSENSE", "x")
    assert gather_settings("classify", NAMES, None) == ({}, {})


def test_variables_with_a_meaning_of_their_own_set_no_parameter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALAXTOOL_DEBUG", "1")
    monkeypatch.setenv("GALAXTOOL_OFFLINE", "1")
    assert gather_settings("classify", NAMES, None) == ({}, {})


@pytest.mark.parametrize("key", ["top_k", "top-k"])
def test_keys_with_either_dash(key: str, tmp_path: Path) -> None:
    assert gather_settings("classify", NAMES, written(tmp_path, f"[classify]\n{key} = 3\n"))[0] == {"top_k": 3}


def test_recipes_are_tables_of_finetune(tmp_path: Path) -> None:
    file = written(tmp_path, "[finetune]\nbatch-size = 3\n[classify]\nmodel = 'x'\n")
    assert load_recipe(file, ("batch_size",)) == {"batch_size": 3}
    assert load_recipe(written(tmp_path, "x = 1\n"), ("batch_size",)) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[classify]\ntopk = 2\n", r"sets 'topk' in \[classify\].*did you mean 'top_k'\?"),
        ("[classify]\nzzz = 2\n", r"sets 'zzz' in \[classify\].*galaxtool classify`\."),
        ("classify = 3\n", "'classify' must be a table"),
        ("[[classify]]\nmodel = 1\n", "'classify' must be a table"),
        ("[classify\n", "not valid TOML.*line 1"),
        ("[classify]\nmodel = 1\nmodel = 2\n", "not valid TOML.*line 3"),
    ],
)
def test_files_that_cannot_be_used(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        gather_settings("classify", NAMES, written(tmp_path, text))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for place in (tmp_path / "nowhere.toml", tmp_path):
        with pytest.raises(ConfigError, match="cannot be read"):
            read_toml(place)
    (tmp_path / "latin.toml").write_bytes(b"x = '\xe9'")
    with pytest.raises(ConfigError, match="not valid TOML"):
        read_toml(tmp_path / "latin.toml")


@pytest.mark.parametrize(
    ("value", "offline"), [("1", True), ("true", True), ("yes", True), ("0", False), ("False", False), ("", False)]
)
def test_offline(value: str, offline: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALAXTOOL_OFFLINE", value)
    assert is_offline() is offline


def test_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GALAXTOOL_CACHE", str(tmp_path))
    assert cache_dir() == tmp_path
    monkeypatch.delenv("GALAXTOOL_CACHE")
    assert cache_dir().name == "galaxtool"


@given(st.text(max_size=8), st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4))
def test_words(value: str, choices: list[str]) -> None:
    if value in choices:
        assert check_choice("score", value, choices) == value
    else:
        with pytest.raises(ConfigError) as caught:
            check_choice("score", value, choices)
        assert "--score" in caught.value.message
