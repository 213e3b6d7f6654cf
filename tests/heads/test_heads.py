"""Heads: what each makes of features, against references, and in both engines."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler
from support.head_helpers import make_backbone, make_head, write_model
from support.training_helpers import make_task
from torch import nn

from galaxtool import check_head, get_registry, hookimpl
from galaxtool.errors import ConfigError, TrainingError
from galaxtool.heads.knn import KnnHead
from galaxtool.heads.logistic import STRENGTHS, LogisticHead
from galaxtool.models.engines.open import open_engine
from galaxtool.models.find import find_model
from galaxtool.plugins.specs import HeadSpec
from galaxtool.taxonomy.load import Taxonomy, build_taxonomy
from galaxtool.training.losses.dirichlet import compute_concentrations, compute_expected_fractions
from galaxtool.vision.preprocess import Preprocess

pytestmark = pytest.mark.usefixtures("narrow")

BUILT_IN = [r.spec.name for r in get_registry().heads if r.origin == "built-in"]


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_heads_pass_the_check(name: str) -> None:
    check_head(name)


class Unfitted(nn.Linear):
    """A head that says it is fitted, and cannot be."""


class TakesAll(KnnHead):
    def fit(self, features: torch.Tensor, targets: Any) -> KnnHead:
        return super().fit(features, np.abs(np.asarray(targets)))


class Unequal(nn.Linear):
    def probabilities(self, logits: torch.Tensor, temperature: float) -> torch.Tensor:
        return torch.sigmoid(logits / temperature)


class Forgetful(nn.Linear):
    """A head of votes whose questions are not in its state."""

    questions = torch.zeros(0)

    def set_taxonomy(self, taxonomy: Taxonomy) -> None:
        assert taxonomy.votes is not None
        self.questions = torch.tensor(taxonomy.votes.question_of_answer)

    def probabilities(self, logits: torch.Tensor, temperature: float) -> torch.Tensor:
        questions = self.questions if len(self.questions) else torch.zeros(logits.shape[1])
        return compute_expected_fractions(compute_concentrations(logits / temperature), questions)


@pytest.mark.parametrize(
    ("kind", "particulars", "message"),
    [
        (Unfitted, {"fitted": True}, "says fitted, but it has no fit"),
        (TakesAll, {"fitted": True}, "also fitted to images without a class"),
        (Unequal, {}, "do not add up to 1"),
        (Forgetful, {"label_kinds": ("votes",)}, "need more than its state_dict"),
    ],
)
def test_check_head_finds(kind: Any, particulars: dict[str, Any], message: str, request: pytest.FixtureRequest) -> None:
    globals()["_made"] = lambda *, dim, n_classes: kind(dim, n_classes)
    spec = HeadSpec(name="odd", factory=f"{__name__}:_made", **particulars)
    plugins = get_registry().plugins
    plugins.register(SimpleNamespace(register_heads=hookimpl(lambda: [spec])), "odd")
    request.addfinalizer(lambda: plugins.unregister("odd"))
    with pytest.raises(AssertionError, match=message):
        check_head("odd")


def test_what_is_built_in() -> None:
    specs = {spec.name: spec for spec in get_registry().heads.specs()}
    assert {"prompt", "linear", "knn", "votes", "regression", "none"} <= set(BUILT_IN)
    assert [name for name in BUILT_IN if specs[name].fitted] == ["knn", "logistic"]
    assert specs["votes"].label_kinds == ("votes",) and specs["none"].label_kinds == ("none",)
    registry = get_registry()
    for name in BUILT_IN:
        assert callable(registry.heads.find(name).load(specs[name].objective))


def test_a_linear_head_keeps_its_names() -> None:
    # models in use hold head.weight and head.bias
    assert set(make_head("linear", 6, 3).state_dict()) == {"weight", "bias"}


# --- nearest neighbours ----------------------------------------------------------------------------------------------


def samples(n: int, dim: int, k: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Return features that lie about their class's centre, and the classes, each at least once."""
    rng = np.random.default_rng(seed)
    targets = np.arange(n) % k
    features = 3 * rng.normal(size=(k, dim))[targets] + rng.normal(size=(n, dim))
    return torch.from_numpy(features).float(), torch.from_numpy(targets)


@pytest.mark.parametrize(("n", "k"), [(200, 4), (20, 5), (7, 3), (1, 1)])
def test_knn_is_the_weighted_vote_of_scikit_learn(n: int, k: int) -> None:
    features, targets = samples(n, 6, k)
    queries, _ = samples(50, 6, k, seed=1)
    reference = KNeighborsClassifier(
        min(20, n), metric="cosine", algorithm="brute", weights=lambda distance: np.exp((1 - distance) / 0.07)
    )
    wanted = reference.fit(features.double().numpy(), targets.numpy()).predict_proba(queries.double().numpy())
    head = KnnHead(6, k).fit(features, targets)
    shares = torch.softmax(head(queries), dim=1).numpy()
    # a share below 1e-6 is raised to it
    np.testing.assert_allclose(shares, wanted, atol=2e-5)


def test_knn_does_not_mind_the_length_of_features() -> None:
    features, targets = samples(40, 6, 3)
    head, scaled = KnnHead(6, 3).fit(features, targets), KnnHead(6, 3).fit(17 * features, targets)
    torch.testing.assert_close(head(features), scaled(0.01 * features), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(head.memory.norm(dim=1), torch.ones(40))


def test_knn_is_fitted_anew_and_passes_over_what_has_no_class() -> None:
    features, targets = samples(30, 6, 3)
    head = KnnHead(6, 3).fit(torch.randn(5, 6), np.zeros(5, dtype=int))
    head.fit(features, np.where(np.arange(30) % 4 == 0, -1, targets.numpy()))
    torch.testing.assert_close(head.memory, F.normalize(features[np.arange(30) % 4 != 0], dim=1))
    assert (head.targets == targets[np.arange(30) % 4 != 0]).all()
    with pytest.raises(TrainingError, match="None of the training images has a class"):
        head.fit(features, torch.full((30,), -1))


def test_knn_without_images_tells_nothing_apart() -> None:
    shares = torch.softmax(KnnHead(6, 4)(torch.randn(3, 6)), dim=1)
    torch.testing.assert_close(shares, torch.full((3, 4), 0.25))


def test_knn_loads_any_number_of_images_but_not_another_length() -> None:
    features, targets = samples(30, 6, 3)
    head, other = KnnHead(6, 3).fit(features, targets), KnnHead(6, 3).fit(features[:4], targets[:4])
    other.load_state_dict(head.state_dict())
    torch.testing.assert_close(other(features), head(features))
    within = torch.nn.Sequential(KnnHead(6, 3))
    within.load_state_dict(torch.nn.Sequential(head).state_dict())
    torch.testing.assert_close(within(features), head(features))
    with pytest.raises(RuntimeError, match="memory"):
        KnnHead(5, 3).load_state_dict(head.state_dict())


# --- logistic regression ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [2, 4])
def test_logistic_is_the_regression_of_scikit_learn(k: int) -> None:
    features, targets = samples(60, 6, k)
    unit = F.normalize(features.double(), dim=1).numpy()
    scaled = StandardScaler().fit(unit)
    pipelines = {
        c: cross_val_score(
            LogisticRegression(C=c, max_iter=2000), scaled.transform(unit), targets, cv=5, scoring="neg_log_loss"
        ).mean()
        for c in STRENGTHS
    }
    best = max(pipelines, key=lambda c: pipelines[c])
    reference = LogisticRegression(C=best, max_iter=2000).fit(scaled.transform(unit), targets)
    with_unknown = torch.cat([targets, torch.tensor([-1])])
    head = LogisticHead(6, k + 1).fit(torch.cat([features, torch.randn(1, 6)]), with_unknown)
    queries, _ = samples(20, 6, k, seed=1)
    wanted = reference.predict_proba(scaled.transform(F.normalize(queries.double(), dim=1).numpy()))
    found = torch.softmax(head(7 * queries), dim=1).detach().numpy()
    np.testing.assert_allclose(found[:, :k], wanted, atol=1e-4)
    assert (found[:, k] < 1e-9).all()  # a class without images


def test_logistic_with_one_class_and_with_none() -> None:
    head = LogisticHead(6, 3).fit(torch.randn(4, 6), np.array([1, 1, 1, 1]))
    assert (head(torch.randn(5, 6)).argmax(dim=1) == 1).all()
    with pytest.raises(TrainingError, match="None of the training images has a class"):
        head.fit(torch.randn(4, 6), np.full(4, -1))


@pytest.mark.slow
def test_knn_in_a_model_and_its_onnx_file(tmp_path: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 255, (20, 64, 64, 3), dtype=np.uint8)
    pictures[:, :32] //= np.arange(1, 21, dtype=np.uint8)[:, None, None, None]
    taxonomy = build_taxonomy(["ring", "disc", "bar"])
    backbone = make_backbone()
    with torch.inference_mode():
        features = backbone.embed(torch.from_numpy(Preprocess(size=64).normalize(pictures)))
    # all that are kept vote, so rounding cannot change who does
    targets = np.arange(15) % 3
    head = make_head("knn", backbone.dim, 3).fit(features[:15], targets)
    folder = write_model(tmp_path / "model", head, "knn", taxonomy, temperature=1.7)
    embeddings = F.normalize(features, dim=1).numpy()
    reference = KNeighborsClassifier(15, metric="cosine", algorithm="brute", weights=lambda d: np.exp(-d / 0.07))
    wanted = reference.fit(embeddings[:15], targets).predict_proba(embeddings[15:])
    for engine in ("torch", "onnx"):
        found = open_engine(find_model(folder), engine, "cpu", "fp32").run(pictures[15:])
        np.testing.assert_allclose(np.exp(found.logits), wanted, atol=1e-4)
        softened = np.exp(found.logits / 1.7)
        np.testing.assert_allclose(found.probabilities, softened / softened.sum(axis=1, keepdims=True), rtol=1e-4)


# --- what a task makes -----------------------------------------------------------------------------------------------


def test_a_head_of_votes_needs_questions() -> None:
    head = make_head("votes", 6, 3)
    with pytest.raises(ConfigError, match="are not answers to questions"):
        head.set_taxonomy(build_taxonomy(["ring", "disc", "bar"]))
    task = make_task()
    assert task.make_head().out_features == 3
