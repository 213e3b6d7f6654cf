"""`FinetuneConfig`: the same parameters as the command, and the form in which runs store them."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import pytest

from galaxtool.commands.finetune import finetune
from galaxtool.errors import ConfigError
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.utils.config import Invocation, invocation

NOT_STORED = ("resume", "overwrite", "progress")


def test_config_has_the_parameters_and_defaults_of_the_command() -> None:
    parameters = {
        name: parameter.default
        for name, parameter in inspect.signature(finetune).parameters.items()
        if name not in NOT_STORED
    }
    default = FinetuneConfig()
    assert list(parameters) == list(FinetuneConfig.names())
    assert parameters == {name: getattr(default, name) for name in FinetuneConfig.names()}
    annotations = inspect.get_annotations(FinetuneConfig)
    assert {name: annotations[name] for name in parameters} == {
        name: annotation for name, annotation in inspect.get_annotations(finetune).items() if name in parameters
    }


def test_every_parameter_reaches_the_config(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[FinetuneConfig] = []
    monkeypatch.setattr("galaxtool.finetuning.run.run_finetune", lambda config, **_: seen.append(config))
    values = {name: f"value of {name}" for name in FinetuneConfig.names()}
    finetune(**values)  # type: ignore[arg-type]
    for name, value in values.items():
        found = getattr(seen[0], name)
        assert found in (value, (value,), Path(value)), name


def test_config_survives_a_manifest() -> None:
    config = FinetuneConfig(
        dataset=["a", Path("b/c")],
        output=Path("run"),
        symbols=Path("drawings"),
        bands=("g", "r"),
        lr=0.01,
        calibrate=False,
    )
    stored = json.loads(json.dumps(config.to_dict()))
    assert list(stored) == list(FinetuneConfig.names())
    assert stored["dataset"] == ["a", "b/c"] and stored["symbols"] == "drawings" and stored["split"] is None
    again = FinetuneConfig.from_dict(stored)
    assert again.to_dict() == config.to_dict()
    assert again.symbols == Path("drawings") and again.split is None
    assert FinetuneConfig.from_dict({"out": "a"}).output == Path("a")  # as earlier versions called it
    del stored["separation"]  # as an earlier version stored it
    assert FinetuneConfig.from_dict({**stored, "unknown": 1}).separation == 60.0


def test_single_data_set_and_paths_as_text() -> None:
    config = FinetuneConfig(dataset="a", split="s.csv")  # type: ignore[arg-type]
    assert config.dataset == ("a",) and config.split == Path("s.csv")


def test_source_of_a_value() -> None:
    token = invocation.set(Invocation(("galaxtool",), {"seed": "flag", "crop": "default"}))
    try:
        config = FinetuneConfig(seed=1, crop=0.5, sources={"crop": "recipe mine.toml"})
        assert [config.source_of(name) for name in ("seed", "crop", "lr")] == ["flag", "recipe mine.toml", ""]
    finally:
        invocation.reset(token)
    assert not config.is_default("seed") and config.is_default("lr")


def test_reading_options_are_checked() -> None:
    assert FinetuneConfig(hdu="SCI", bands=["g,r"]).reading_options().read_options.bands == ("g", "r")
    with pytest.raises(ConfigError, match="--pixel-scale is -1"):
        FinetuneConfig(pixel_scale=-1).reading_options()
