"""Models that were trained elsewhere are written as model directories."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.helpers import write_png
from support.training_helpers import narrow_resnet

import galaxtool
from galaxtool.backbones.create import create_backbone
from galaxtool.errors import ConfigError, ModelError, OutputExists


def write(folder: Path, **options: Any) -> Any:
    """Write a model with two classes, unless the options say otherwise; return the backbone."""
    torch.manual_seed(0)
    backbone = create_backbone("small-resnet@none").eval()
    layer = torch.nn.Linear(backbone.dim, 2)
    settings = {
        "backbone": "small-resnet",
        "tower": backbone.image_tower.state_dict(),
        "head": "linear",
        "head_weights": layer.state_dict(),
        "preprocess": galaxtool.Preprocess(size=64, mean=(0.0,) * 3, std=(1.0,) * 3),
        "classes": ("ring", "disc"),
    }
    galaxtool.write_model(folder, **{**settings, **options})
    return backbone, layer


def test_a_model_scores_as_its_parts_do(tmp_path: Path) -> None:
    image = write_png(tmp_path / "a.png", 1)
    with narrow_resnet():
        backbone, layer = write(tmp_path / "m", licence="MIT", method="elsewhere", notes="From elsewhere.")
        model = galaxtool.load_model(tmp_path / "m")
        table = model.classify([image])
        picture = model.record.make_preprocess().picture(galaxtool.read_image(image))
        with torch.no_grad():
            images = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 255
            expected = torch.softmax(layer(backbone.image_tower(images)), dim=1).numpy()[0]
    np.testing.assert_allclose([table["p_ring"][0], table["p_disc"][0]], expected, atol=1e-5)
    record = model.record
    assert (record.licence, record.method, record.notes) == ("MIT", {"name": "elsewhere"}, "From elsewhere.")


def test_an_export_compares_numbers_in_units_of_their_spread(tmp_path: Path) -> None:
    with narrow_resnet():
        layer = torch.nn.Linear(create_backbone("small-resnet@none").dim, 3)
        weights = {**layer.state_dict(), "center": torch.tensor([2e6]), "scale": torch.tensor([5e5])}
        write(tmp_path / "m", head="regression", head_weights=weights, classes=(), target=["velocity[m/s]"])
        result = galaxtool.export(model=tmp_path / "m", output=tmp_path / "m.onnx")
    # in m/s, rounding alone is more than the 0.01 that is allowed of a probability
    assert 0 < result.largest_difference < 1e-4 and (result.classes, result.accuracy) == (0, None)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"classes": ()}, ConfigError, "name one of the three"),
        ({"votes": "gz2"}, ConfigError, "name one of the three"),
        ({"classes": ("a", "b", "c")}, ModelError, "do not fit the head 'linear' for 3 outputs: 'weight' has shape"),
        ({"head_weights": {"weights": torch.zeros(2)}}, ModelError, "'weights' is not part of it"),
        ({"tower": {}}, ModelError, "do not fit the backbone 'small-resnet': .* is missing, and"),
    ],
)
def test_parts_that_do_not_fit(tmp_path: Path, options: dict[str, Any], error: type[Exception], message: str) -> None:
    with narrow_resnet(), pytest.raises(error, match=message):
        write(tmp_path / "m", **options)
    assert not (tmp_path / "m").exists()


def test_models_are_replaced_only_on_request(tmp_path: Path) -> None:
    with narrow_resnet():
        write(tmp_path / "m")
        (tmp_path / "m" / "model.onnx").write_text("of the earlier model")
        with pytest.raises(OutputExists, match="holds a model"):
            write(tmp_path / "m")
        write(tmp_path / "m", overwrite=True)
        assert not (tmp_path / "m" / "model.onnx").exists()
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "notes.txt").write_text("mine")
        with pytest.raises(OutputExists, match="exists and is not a model"):
            write(tmp_path / "other", overwrite=True)
