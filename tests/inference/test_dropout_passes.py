"""Passes with dropout of a model of votes: mean shares and their spread."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from astropy.table import Table
from support.head_helpers import make_head, write_model
from support.helpers import write_png
from support.training_helpers import narrow_resnet

import galaxtool
from galaxtool.errors import ConfigError
from galaxtool.taxonomy.load import build_taxonomy, build_vote_taxonomy
from galaxtool.taxonomy.votes.load import schema_from_dict

QUESTIONS = [
    {"slug": "ring", "answers": [{"slug": "yes", "name": "ring galaxy"}, {"slug": "no", "name": "other galaxy"}]},
    {"slug": "odd", "answers": [{"slug": a, "name": f"{a} galaxy"} for a in ("very", "rather", "not")]},
]
TAXONOMY = build_vote_taxonomy(schema_from_dict({"name": "rings", "questions": QUESTIONS}, "here"))
MINI = Path(galaxtool.__file__).parent / "models" / "mini" / "model.onnx"
SLUGS = ["ring_yes", "ring_no", "odd_very", "odd_rather", "odd_not"]


def make_votes_head(dim: int, rate: float) -> Any:
    torch.manual_seed(1)
    head = make_head("votes", dim, 5)
    head.set_taxonomy(TAXONOMY)
    if rate:
        head.set_dropout(rate)
    return head.eval()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = tmp_path_factory.mktemp("passes")
    with narrow_resnet():
        write_model(made / "dropped", make_votes_head(256, 0.4), "votes", TAXONOMY, onnx=False)
        write_model(made / "plain", make_votes_head(256, 0.0), "votes", TAXONOMY, onnx=False)
        write_model(
            made / "classes", make_head("linear", 256, 2), "linear", build_taxonomy(["ring", "disc"]), onnx=False
        )
        (made / "images").mkdir()
        for i in range(5):
            write_png(made / "images" / f"{i}.png", i)
        yield made


def test_mean_and_spread_are_those_of_many_networks() -> None:
    head, features = make_votes_head(50, 0.3), torch.randn(4, 50, generator=torch.Generator().manual_seed(2))
    mean, spread = head.sample(features, 1500, 1.0)
    rng, weight, bias = np.random.default_rng(3), head.weight.detach().numpy(), head.bias.detach().numpy()
    shares = []
    for _ in range(1500):
        kept = (rng.random(50) >= 0.3) / 0.7
        alpha = 1 + 100 / (1 + np.exp(-(features.numpy() * kept @ weight.T + bias)))
        shares.append(np.hstack([part / part.sum(axis=1, keepdims=True) for part in (alpha[:, :2], alpha[:, 2:])]))
    np.testing.assert_allclose(mean.detach(), np.mean(shares, axis=0), atol=0.015)
    np.testing.assert_allclose(spread.detach(), np.std(shares, axis=0, ddof=1), atol=0.015)
    few, _ = head.sample(features, 3, 1.0)
    alone, _ = head.sample(features[2:3], 3, 1.0)
    torch.testing.assert_close(few[2:3], alone)


def test_features_are_dropped_in_training_only() -> None:
    head, features = make_votes_head(50, 0.3), torch.randn(4, 50)
    torch.testing.assert_close(head(features), head(features), rtol=0, atol=0)
    head.train()
    assert not torch.equal(head(features), head(features))


def test_a_state_of_before_dropout_is_loaded() -> None:
    head = make_votes_head(50, 0.3)
    state = {key: value for key, value in head.state_dict().items() if key != "dropout"}
    other = make_votes_head(50, 0.3)
    other.load_state_dict(state)
    assert float(other.dropout) == 0.0 and torch.equal(other.weight, head.weight)


def test_the_table_has_the_spread(folder: Path, tmp_path: Path) -> None:
    def classify(name: str, **options: Any) -> Table:
        galaxtool.classify([folder / "images"], model=folder / "dropped", output=tmp_path / name, **options)
        return Table.read(tmp_path / name)

    plain, passed = classify("plain.ecsv", engine="torch"), classify("passes.ecsv", passes=6)
    again = classify("again.ecsv", passes=6, batch_size=2, executor="threads", workers=2)
    assert [name for name in passed.colnames if name not in plain.colnames] == [f"std_{slug}" for slug in SLUGS]
    assert passed.meta["PASSES"] == "6" and "PASSES" not in plain.meta
    for question in (SLUGS[:2], SLUGS[2:]):
        np.testing.assert_allclose(sum(passed[f"p_{slug}"] for slug in question), 1, atol=1e-5)
    for slug in SLUGS:
        np.testing.assert_allclose(passed[f"p_{slug}"], again[f"p_{slug}"], atol=1e-6)
        np.testing.assert_allclose(passed[f"std_{slug}"], again[f"std_{slug}"], atol=1e-6)
        assert (passed[f"std_{slug}"] > 0).all() and not np.array_equal(passed[f"p_{slug}"], plain[f"p_{slug}"])


@pytest.mark.parametrize(
    ("model", "options", "message", "hint"),
    [
        ("dropped", {"passes": 1}, "--passes is 1; it must be from 2 to 1000", "use 5"),
        ("dropped", {"passes": 5, "tta": 4}, "--passes and --tta cannot be combined", "one of them"),
        (
            "dropped",
            {"passes": 5, "engine": "onnx"},
            "--passes needs PyTorch and cannot be used with --engine onnx",
            "Leave",
        ),
        ("mini/model.onnx", {"passes": 5}, "has only an ONNX file", "the model directory"),
        ("plain", {"passes": 5}, "was trained without dropout", "--dropout 0.2"),
        ("classes", {"passes": 5}, "which does not predict votes", "--tta"),
    ],
)
def test_what_passes_cannot_do(
    folder: Path, tmp_path: Path, model: str, options: dict[str, Any], message: str, hint: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        galaxtool.classify(
            [folder / "images"], model=MINI if "onnx" in model else folder / model, output=tmp_path / "t.csv", **options
        )
    assert hint in caught.value.hint and not (tmp_path / "t.csv").exists()


def test_dropout_is_for_votes(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--dropout cannot be used without --votes"):
        galaxtool.finetune(dropout=0.2, method="supervised", backbone="small-resnet@none", output=tmp_path / "run")
    with pytest.raises(ConfigError, match=r"--dropout is 1\.0; it must be at least 0 and below 1"):
        galaxtool.finetune(dropout=1.0, output=tmp_path / "run")


@pytest.mark.slow
def test_from_training_with_dropout_to_the_spread(folder: Path, tmp_path: Path) -> None:
    schema = tmp_path / "rings.toml"
    schema.write_text(
        'name = "rings"\n[[questions]]\nslug = "ring"\nanswers = [{ slug = "yes", name = "ring galaxy" }, '
        '{ slug = "no", name = "other galaxy" }]\n'
    )
    rows = "".join(f"{write_png(tmp_path / f'{i}.png', i)},{i % 7},{7 - i % 7}\n" for i in range(20))
    (tmp_path / "votes.csv").write_text(f"path,ring_yes,ring_no\n{rows}")
    galaxtool.finetune(
        [tmp_path / "votes.csv"], votes=schema, dropout=0.2, method="supervised", backbone="small-resnet@none",
        epochs=1, separation=0.0, output=tmp_path / "run", augment="none",
    )  # fmt: skip
    galaxtool.classify([folder / "images"], model=tmp_path / "run", output=tmp_path / "t.csv", passes=5)
    table = Table.read(tmp_path / "t.csv")
    assert (table["std_ring_yes"] > 0).all()
    np.testing.assert_allclose(table["std_ring_yes"], table["std_ring_no"], rtol=1e-3)
