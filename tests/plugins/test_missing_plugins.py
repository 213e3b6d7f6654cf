"""Names that only an absent plugin of this project has lead to its package."""

from __future__ import annotations

from pathlib import Path

import pytest

from galaxtool.backbones.create import parse_name
from galaxtool.datasets.open import open_dataset
from galaxtool.errors import GalaxtoolError
from galaxtool.plugins.registry import Registry
from galaxtool.taxonomy.votes.load import load_schema

INSTALL = "Install it from the sources of galaxtool: galaxtool plugins install ./plugins/galaxtool-zoobot"


@pytest.fixture(autouse=True)
def registry(without_plugins: None, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Return a registry without plugins, which is that of the process during a test."""
    found = Registry()
    for module in ("galaxtool.plugins.registry", "galaxtool.datasets.open", "galaxtool.taxonomy.votes.load"):
        monkeypatch.setattr(f"{module}.get_registry", lambda: found)
    return found


def test_names_lead_to_the_package(registry: Registry, tmp_path: Path) -> None:
    for look_up, what in (
        (lambda: registry.methods.find("zoobot"), "no method called 'zoobot'"),
        (lambda: registry.heads.find("zoobot:zoobot-fraction"), "no head called 'zoobot:zoobot-fraction'"),
        (lambda: parse_name("zoobot-convnext-nano@none", registry), "no backbone called 'zoobot-convnext-nano'"),
        (lambda: load_schema("gz-evo"), "no vote schema called 'gz-evo'"),
        (lambda: open_dataset("zoobot:catalogue.csv"), "'zoobot:catalogue.csv'"),
    ):
        with pytest.raises(GalaxtoolError, match=what) as info:
            look_up()
        assert info.value.message.endswith("It comes with the package galaxtool-zoobot, which is not installed.")
        assert info.value.hint == INSTALL


def test_other_names_are_suggested_as_before(registry: Registry) -> None:
    with pytest.raises(GalaxtoolError, match=r"Did you mean 'supervised'\?$") as info:
        registry.methods.find("supervized")
    assert info.value.hint.startswith("Known: galaxalign")
