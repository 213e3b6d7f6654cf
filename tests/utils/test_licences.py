"""``GALAXTOOL_LICENSES`` limits weights to named licences."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.helpers import make_model

import galaxtool
from galaxtool import get_registry
from galaxtool.backbones.create import create_backbone
from galaxtool.backbones.weights.cached import describe_availability
from galaxtool.utils.licences import is_licence_allowed


@pytest.mark.parametrize(
    ("allowed", "licence", "wanted"),
    [
        (None, "anything", True),
        (None, "", True),
        ("MIT", "MIT", True),
        ("mit,apache-2.0", "Apache-2.0", True),
        ("MIT", "Apache-2.0", False),
        ("MIT", "", False),
        ("", "MIT", False),
        ("BSD-3-Clause,Apache-2.0", "BSD-3-Clause, trained from weights under Apache-2.0", True),
        ("BSD-3-Clause", "BSD-3-Clause, trained from weights under Apache-2.0", False),
        ("MIT", "see the model's page", False),
        ("MIT", "MIT, but CC-BY-NC-4.0 for the data", False),
    ],
)
def test_which_are_allowed(allowed: str | None, licence: str, wanted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GALAXTOOL_LICENSES", raising=False)
    if allowed is not None:
        monkeypatch.setenv("GALAXTOOL_LICENSES", allowed)
    assert is_licence_allowed(licence) is wanted


def test_weights_and_models_with_other_licences_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALAXTOOL_LICENSES", "MIT")
    with pytest.raises(
        galaxtool.ModelError, match=r"The weights of mini.* and GALAXTOOL_LICENSES allows MIT"
    ) as caught:
        create_backbone("mini")
    assert "GALAXTOOL_LICENSES" in caught.value.hint
    create_backbone("small-resnet@none")
    with pytest.raises(galaxtool.ModelError, match="The weights of the model 'mini' are under the"):
        galaxtool.load_model("mini", engine="onnx")
    galaxtool.load_model(make_model(tmp_path / "own"))  # trained here from random weights
    weights = get_registry().backbones.find("mini").spec.weights[0]
    assert describe_availability(weights) == "not allowed"
    folder = get_registry().models.find("mini").spec.folder
    with pytest.raises(galaxtool.ModelError, match="are under the licence 'BSD-3-Clause, trained from weights"):
        create_backbone(f"mini@{folder}/weights.safetensors")
    monkeypatch.setenv("GALAXTOOL_LICENSES", "MIT,BSD-3-Clause,Apache-2.0")
    local = create_backbone(f"mini@{folder}/weights.safetensors")
    assert local.licence == "BSD-3-Clause, trained from weights under Apache-2.0"
    galaxtool.load_model("mini", engine="onnx")
    assert describe_availability(weights) == "bundled"
