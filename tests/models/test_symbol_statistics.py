"""A model whose image encoder also encodes symbols does so with their own BatchNorm statistics, also when loaded."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support.training_helpers import narrow_resnet, run_command, write_class_folders

from galaxtool.models.directory import load_network
from galaxtool.models.find import find_model


@pytest.mark.parametrize(
    ("method", "own"), [("galaxalign-v3", True), pytest.param("galaxalign-v2", False, marks=pytest.mark.slow)]
)
def test_symbols_are_encoded_as_in_training(method: str, own: bool, tmp_path: Path) -> None:
    images = write_class_folders(tmp_path / "set")
    (tmp_path / "symbols").mkdir()
    for k, name in enumerate(("ring", "disc")):
        drawing = np.zeros((64, 64), dtype=np.uint8)
        drawing[8 + 24 * k : 24 + 24 * k, 16:48] = 255
        Image.fromarray(drawing).save(tmp_path / "symbols" / f"{name}.png")
    given = ("--backbone", "small-resnet@none", "--epochs", 1, "--batch-size", 8, "--device", "cpu")
    with narrow_resnet():
        code, _, err = run_command(
            "finetune", images, "--method", method, "--symbols", tmp_path / "symbols", *given, "-o", tmp_path / "run"
        )
        assert code == 0, err
        model, record = load_network(find_model(str(tmp_path / "run")))
    assert record.has_symbol_statistics == own == (model.symbol_statistics is not None)
    drawings = [np.array(Image.open(f).convert("RGB")) for f in sorted((tmp_path / "run/model/symbols").glob("*.png"))]
    pixels = torch.from_numpy(record.make_preprocess().normalize(np.stack(drawings)))
    with torch.inference_mode():
        embedded = model.embed_symbols(pixels)
        under_images = torch.nn.functional.normalize(model.backbone.image_tower(pixels), dim=1)
    stored = model.class_embeddings()["symbol"]
    rows = [sorted(record.slugs).index(slug) for slug in record.slugs]
    torch.testing.assert_close(embedded[rows], stored, rtol=1e-3, atol=1e-3)
    assert not torch.allclose(under_images[rows], stored, atol=1e-2)
    with (tmp_path / "run" / "history.csv").open() as stream:
        row = next(csv.DictReader(stream))
    columns = {"loss_image_text", "loss_symbol_text", "grad_image", "grad_text", "temperature", "seconds"}
    assert columns <= set(row) and all(float(row[name]) > 0 for name in columns)
    assert ("loss_image_symbol" in row) == ("grad_symbol" in row) == (not own)
    values = json.loads((tmp_path / "run" / "model" / "model.json").read_text())
    assert values.pop("has_symbol_statistics") == own
    assert type(record).from_dict(values, "old").has_symbol_statistics is False
