"""Volunteers' votes: schemas, reading, likelihood, training and classification."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import dirichlet_multinomial
from support.head_helpers import make_head, write_model
from support.helpers import write_png
from support.training_helpers import make_task, narrow_resnet, run_command, run_failing

from galaxtool.assessment.metrics.votes import measure_votes
from galaxtool.errors import ConfigError, InputError, TrainingError, UnknownName
from galaxtool.finetuning.scoring import find_known
from galaxtool.models.engines.open import open_engine
from galaxtool.models.find import find_model
from galaxtool.taxonomy.load import build_taxonomy, build_vote_taxonomy
from galaxtool.taxonomy.votes.counts import read_votes, select_answered
from galaxtool.taxonomy.votes.endings import compute_ending_probabilities, find_leading_endings
from galaxtool.taxonomy.votes.load import list_schemas, load_schema, schema_from_dict
from galaxtool.taxonomy.votes.schema import VoteSchema
from galaxtool.training.losses.dirichlet import (
    compute_concentrations,
    compute_expected_fractions,
    dirichlet_multinomial_nll,
)
from galaxtool.training.options import TrainOptions
from galaxtool.training.votes import VoteObjective

RINGS: dict[str, Any] = {
    "name": "rings",
    "questions": [
        {
            "slug": "ring",
            "text": "Is there a ring?",
            "answers": [
                {"slug": "yes", "name": "galaxy with a ring"},
                {"slug": "no", "name": "galaxy without a ring"},
                {"slug": "artifact", "name": "artifact"},
            ],
        },
        {
            "slug": "kind",
            "asked_if": "ring_yes",
            "answers": [{"slug": "polar", "name": "polar ring galaxy"}, {"slug": "flat", "name": "flat ring galaxy"}],
        },
        {"slug": "odd", "answers": [{"slug": "yes", "name": "odd galaxy"}, {"slug": "no", "name": "usual galaxy"}]},
    ],
}
"""Seven answers; the third question is asked of everybody, too."""

COLUMNS = ("ring_yes", "ring_no", "ring_artifact", "kind_polar", "kind_flat", "odd_yes", "odd_no")


def rings() -> VoteSchema:
    return schema_from_dict(RINGS, "here")


def objective(votes: np.ndarray, **options: Any) -> VoteObjective:
    return VoteObjective(taxonomy=build_vote_taxonomy(rings()), options=TrainOptions(**options), targets=votes)


# --- schemas ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "questions", "answers", "forms"), [("gz2", 11, 37, 2), ("gz-decals", 10, 34, 3)])
def test_shipped_schemas(name: str, questions: int, answers: int, forms: int) -> None:
    schema = load_schema(name)
    assert (schema.name, len(schema.questions), len(schema.answers)) == (name, questions, answers)
    assert {len(answer.columns) for answer in schema.answers} == {forms}
    assert schema_from_dict(schema.as_dict(), "itself") == schema
    taxonomy = build_vote_taxonomy(schema)
    assert taxonomy.slugs == schema.slugs and taxonomy.votes is schema and taxonomy.citations
    assert taxonomy.get("has_spiral_arms_yes").prompt == "A picture of a spiral galaxy"
    assert all(question.text for question in schema.questions)
    asked_if = {question.slug: question.asked_if for question in schema.questions}
    assert asked_if["spiral-winding"] == "has_spiral_arms_yes" and asked_if["bar"] == "disk_edge_on_no"
    assert schema.questions[0].asked_if == "" and name in list_schemas()


def test_zoobots_columns() -> None:
    decals, gz2 = load_schema("gz-decals").answers, load_schema("gz2").answers
    assert {a.columns[0] for a in decals} >= {"bar-dr5_strong", "bulge-size-dr5_moderate", "merging-dr5_merger"}
    assert {a.columns[1] for a in decals} >= {"bar_weak", "spiral-arm-count_more-than-4", "edge-on-bulge_boxy"}
    assert {a.columns[0] for a in gz2} >= {"smooth-or-featured-gz2_smooth", "bulge-shape-gz2_no-bulge"}
    assert {a.columns[1] for a in gz2} >= {"t01_smooth_or_features_a01_smooth_count", "t06_odd_a14_yes_count"}


def test_reading_a_schema_needs_the_standard_library_only() -> None:
    code = (
        "import sys; from galaxtool.taxonomy.load import build_vote_taxonomy; "
        "from galaxtool.taxonomy.votes.load import load_schema; build_vote_taxonomy(load_schema('gz2'));"
        "print([m for m in ('numpy', 'torch', 'PIL') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def changed(*path: Any, to: Any = None) -> dict[str, Any]:
    """Return `RINGS` with one value at a path changed, or, without `to`, left out."""

    def walk(value: Any, keys: tuple[Any, ...]) -> Any:
        if not keys:
            return to
        copy = dict(value) if isinstance(value, dict) else list(value)
        if len(keys) == 1 and to is None:
            del copy[keys[0]]
        else:
            copy[keys[0]] = walk(copy[keys[0]] if isinstance(copy, list) else copy.get(keys[0]), keys[1:])
        return copy

    return walk(RINGS, path)


Q, A = "questions", "answers"


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (changed("name"), "The top level of 'here' has no 'name'"),
        (changed(Q, to=[]), "has no 'questions'"),
        (changed("name", to=3), "'name' in the top level of 'here' is not a text"),
        (changed(Q, 0, "sluk", to="x"), "'sluk' in a question of 'here' is not a known key"),
        (changed(Q, 1, to="what?"), "A question of 'here' is not a table"),
        (changed(Q, 0, A, 0, "name"), "An answer to 'ring' in 'here' has no 'name'"),
        (changed(Q, 0, "slug", to="?!"), "has no 'slug'"),
        (changed(Q, 1, A, 1), "has fewer than two answers to the question 'kind'"),
        (changed(Q, 0, A, 1, "slug", to="yes"), "has two answers 'ring_yes'"),
        (changed(Q, 2, "slug", to="Ring"), "has two questions 'ring'"),
        (changed(Q, 0, A, 1, "columns", to=["ring_yes"]), "has two columns 'ring_yes'"),
        (changed(Q, 0, A, 1, "columns", to=["x", "y"]), "more columns for some answers to 'ring' than for others"),
        (changed(Q, 0, A, 1, "columns", to=[3]), "Not all columns of the answer 'no' to 'ring' in 'here' are texts"),
        (changed(Q, 1, "asked_if", to="ring_yess"), "after the answer 'ring_yess', which does not exist"),
        (changed(Q, 0, "asked_if", to="kind_flat"), "asks 'ring' only after itself"),
        (changed(Q, 2, "asked_if", to="odd_no"), "asks 'odd' only after itself"),
        ({**RINGS, "citations": [{"doi": "10.1/2"}]}, "A citation of 'here' has no 'text'"),
    ],
)
def test_a_wrong_schema_is_refused(record: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        schema_from_dict(record, "here")
    assert message in caught.value.message and caught.value.hint


def test_a_misspelt_answer_gets_a_suggestion() -> None:
    with pytest.raises(ConfigError) as caught:
        schema_from_dict(changed(Q, 1, "asked_if", to="ring_yess"), "here")
    assert caught.value.hint == "Did you mean 'ring_yes'?"


def test_schemas_from_files(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        'name = "own"\n[[questions]]\nslug = "Has ring"\nanswers = [{ slug = "yes", name = "ring" }, '
        '{ slug = "no", name = "none", columns = ["n_no"] }]\n'
    )
    schema = load_schema(own)
    assert schema.slugs == ("has_ring_yes", "has_ring_no")
    assert [answer.columns for answer in schema.answers] == [("Has ring_yes",), ("n_no",)]
    own.write_text("name = ")
    with pytest.raises(ConfigError, match="is not valid TOML"):
        load_schema(str(own))
    with pytest.raises(ConfigError, match="cannot be read"):
        load_schema(tmp_path / "nowhere.toml")
    with pytest.raises(UnknownName, match="Did you mean 'gz-decals'"):
        load_schema("gz-decal")


def test_fewer_questions_keep_the_tree_together() -> None:
    schema = load_schema("gz2").only(["smooth-or-featured", "has-spiral-arms", "spiral-winding"])
    assert [(q.slug, q.asked_if) for q in schema.questions] == [
        ("smooth-or-featured", ""),
        ("has-spiral-arms", "smooth_or_featured_featured_or_disk"),
        ("spiral-winding", "has_spiral_arms_yes"),
    ]
    assert load_schema("gz2").only(["bar"]).questions[0].asked_if == ""


# --- what an object is called ----------------------------------------------------------------------------------------


def test_endings_are_the_ways_through_the_first_questions() -> None:
    assert rings().endings() == {"kind_polar": (0, 3), "kind_flat": (0, 4), "ring_no": (1,), "ring_artifact": (2,)}
    fractions = np.array([[0.5, 0.3, 0.2, 0.1, 0.9, 0.4, 0.6], [np.nan] * 7])
    slugs, found = compute_ending_probabilities(fractions, rings())
    assert slugs == ("kind_polar", "kind_flat", "ring_no", "ring_artifact")
    np.testing.assert_allclose(found, [[0.05, 0.45, 0.3, 0.2], [np.nan] * 4])


@pytest.mark.parametrize("name", ["gz2", "gz-decals"])
def test_endings_are_all_objects_each_once(name: str) -> None:
    schema = load_schema(name)
    alpha = torch.rand(20, len(schema.answers), dtype=torch.float64) + 0.01
    fractions = compute_expected_fractions(alpha, torch.tensor(schema.question_of_answer)).numpy()
    slugs, found = compute_ending_probabilities(fractions, schema)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert "how_rounded_round" in slugs and "bar_no" not in slugs


def test_the_leading_answers_are_followed() -> None:
    """Written out: half the volunteers call it smooth, and its three roundnesses share that half."""
    schema = load_schema("gz2")
    shares = dict.fromkeys(schema.slugs, 0.0)
    for start in ("smooth_or_featured_smooth", "smooth_or_featured_featured_or_disk", "smooth_or_featured_artifact"):
        assert start in shares
    shares |= {
        "smooth_or_featured_smooth": 0.5, "smooth_or_featured_featured_or_disk": 0.3,
        "smooth_or_featured_artifact": 0.2, "how_rounded_round": 0.3, "how_rounded_in_between": 0.36,
        "how_rounded_cigar": 0.34,
    }  # fmt: skip
    values = np.array([list(shares.values())])
    slugs, chances = compute_ending_probabilities(values, schema)
    assert slugs[int(chances[0].argmax())] == "smooth_or_featured_artifact"  # 0.2, and 0.18 for the likeliest roundness
    assert slugs[int(find_leading_endings(values, schema)[0])] == "how_rounded_in_between"


def test_of_equal_shares_the_first_leads() -> None:
    fractions = np.array([[0.4, 0.4, 0.2, 0.5, 0.5, 0, 1], [0.1, 0.3, 0.6, 0.2, 0.8, 1, 0], [np.nan] * 7])
    assert find_leading_endings(fractions, rings()).tolist() == [0, 3, 0]  # kind_polar, ring_artifact, not known


@pytest.mark.parametrize("name", ["gz2", pytest.param("gz-decals", marks=pytest.mark.slow)])
@given(seed=st.integers(0, 999))
def test_leading_answers_by_walking_the_tree(name: str, seed: int) -> None:
    schema = load_schema(name)
    fractions = np.random.default_rng(seed).random(len(schema.answers))
    share = dict(zip(schema.slugs, fractions, strict=True))
    followed, asked = "", next(q for q in schema.questions if not q.asked_if)
    while True:
        prefix = asked.slug.replace("-", "_")
        followed = max((f"{prefix}_{a.slug.replace('-', '_')}" for a in asked.answers), key=lambda slug: share[slug])
        after = [q for q in schema.questions if q.asked_if == followed]
        if not after:
            break
        asked = after[0]
    (place,) = find_leading_endings(fractions[None], schema)
    assert tuple(schema.endings())[place] == followed


# --- reading ---------------------------------------------------------------------------------------------------------


def test_votes_are_read_in_order_and_what_is_missing_is_0() -> None:
    rows: list[dict[str, Any]] = [
        dict(zip(COLUMNS, (3, 2.0, np.int16(1), "4", np.float32(0), 0, 5), strict=True)),
        dict(zip(COLUMNS, (None, np.ma.masked, "", " ", np.nan, 1, 0), strict=True)),
        {"id": "x"},
    ]
    found = read_votes(rows, rings())
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [[3, 2, 1, 4, 0, 0, 5], [0, 0, 0, 0, 0, 1, 0], [0] * 7])


def test_each_question_is_read_from_the_first_form_with_a_vote() -> None:
    schema = load_schema("gz-decals").only(["bar", "how-rounded"])
    both = {"bar-dr5_strong": 0, "bar-dr5_weak": 0, "bar-dr5_no": 0, "bar-dr8_strong": 1, "bar-dr8_weak": 2}
    rows = [
        {**both, "bar-dr8_no": 3},
        {**both, "bar-dr8_no": 3, "bar-dr5_no": 7},
        {"bar_strong": 5, "bar_weak": 0, "bar_no": 1},
    ]
    np.testing.assert_array_equal(
        read_votes(rows, schema), [[1, 2, 3, 0, 0, 0], [0, 0, 7, 0, 0, 0], [5, 0, 1, 0, 0, 0]]
    )
    assert [question.slug for question in select_answered(schema, rows).questions] == ["bar"]


@pytest.mark.parametrize(
    ("row", "error", "message", "hint"),
    [
        ({"ring_yes": -1}, ConfigError, "The column 'ring_yes' contains -1.0, which is negative", "--where"),
        ({"kind_flat": 0.25}, ConfigError, "'kind_flat' contains 0.25, which is not an integer", "columns with counts"),
        ({"odd_no": "many"}, ConfigError, "'odd_no' contains many, which is not a number", "columns with counts"),
        ({"odd_no": np.inf}, ConfigError, "'odd_no' contains inf, which is infinite", "columns with counts"),
        ({"kind_flat": None, "kind_polar": ...}, InputError, "column 'kind_polar' is missing", "without the question"),
        (dict.fromkeys(COLUMNS, 0), InputError, "There are no votes", "--where"),
        (dict.fromkeys(COLUMNS, ...), InputError, "None of the columns has votes for 'rings', such as ring_yes", ""),
    ],
)
def test_invalid_votes_are_refused(row: dict[str, Any], error: type[Exception], message: str, hint: str) -> None:
    whole = {key: value for key, value in {**dict.fromkeys(COLUMNS, 2), **row}.items() if value is not ...}
    with pytest.raises(error) as caught:
        read_votes([{**whole, "id": "a"}], rings())
    assert message in caught.value.message and hint in caught.value.hint  # type: ignore[attr-defined]


def test_the_nearest_columns_are_named() -> None:
    with pytest.raises(InputError) as caught:
        read_votes([{"ring_yess": 1, "ra": 10.0}], rings())
    assert "'ring_yess' is similar to 'ring_yes'" in caught.value.hint


# --- likelihood ------------------------------------------------------------------------------------------------------


def reference(alpha: np.ndarray, votes: np.ndarray) -> np.ndarray:
    """Return scipy's negative log-probability of each item and question of `RINGS`; 0 for a question without votes."""
    parts = [slice(0, 3), slice(3, 5), slice(5, 7)]
    return np.array(
        [
            [-dirichlet_multinomial.logpmf(x[p], a[p], int(x[p].sum())) if x[p].any() else 0 for p in parts]
            for a, x in zip(alpha, votes, strict=True)
        ]
    )


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.sampled_from([1, 5, 80, 2000]))
def test_the_likelihood_is_scipys(seed: int, most: int) -> None:
    rng = np.random.default_rng(seed)
    alpha, votes = 1 + 100 * rng.random((6, 7)), rng.integers(0, most + 1, (6, 7)).astype(float)
    votes[0] = 0
    votes[1, :3] = 0
    places = torch.tensor(rings().question_of_answer)
    found = dirichlet_multinomial_nll(torch.from_numpy(alpha), torch.from_numpy(votes), places).numpy()
    np.testing.assert_allclose(found, reference(alpha, votes), rtol=1e-9, atol=1e-10)
    assert (found[0] == 0).all() and found[1, 0] == 0


def test_the_loss_is_a_sum_over_questions_and_a_mean_over_items() -> None:
    rng = np.random.default_rng(1)
    logits, votes = rng.normal(size=(5, 7)), rng.integers(0, 30, (5, 7)).astype(np.float32)
    alpha = 1 + 100 / (1 + np.exp(-logits))
    made = objective(votes)
    loss = made.loss(torch.from_numpy(logits), torch.from_numpy(votes))
    assert float(loss) == pytest.approx(reference(alpha, votes).sum(axis=1).mean(), rel=1e-6)
    halves = [made.loss(torch.from_numpy(logits[i : i + 1]), torch.from_numpy(votes[i : i + 1])) for i in range(5)]
    assert float(loss) == pytest.approx(float(sum(halves)) / 5, rel=1e-6)
    assert made.weights(torch.from_numpy(votes)) is None and made.n_outputs == 7


def test_gradients_are_those_of_finite_differences() -> None:
    rng = np.random.default_rng(2)
    votes = torch.from_numpy(rng.integers(0, 9, (3, 7)).astype(float))
    votes[0, :3] = 0
    logits = torch.from_numpy(rng.normal(size=(3, 7))).requires_grad_()
    places = torch.tensor(rings().question_of_answer)
    assert torch.autograd.gradcheck(
        lambda z: dirichlet_multinomial_nll(compute_concentrations(z), votes, places), logits
    )
    (gradient,) = torch.autograd.grad(objective(votes.numpy()).loss(logits, votes), logits)
    # a question that nobody was asked teaches nothing
    assert (gradient[0, :3] == 0).all() and (gradient[0, 3:] != 0).all()
    half = logits.detach().bfloat16().requires_grad_()
    (coarse,) = torch.autograd.grad(objective(votes.numpy()).loss(half, votes.bfloat16()), half)
    assert coarse.dtype == torch.bfloat16
    torch.testing.assert_close(coarse.double(), gradient, rtol=0.05, atol=0.02)


def test_training_finds_the_shares_and_how_much_they_scatter() -> None:
    rng = np.random.default_rng(3)
    alpha = np.array([12.0, 6.0, 3.0, 5.0, 20.0, 2.0, 40.0])
    draws = [rng.dirichlet(alpha[p], 4000) for p in (slice(0, 3), slice(3, 5), slice(5, 7))]
    votes = np.concatenate([rng.multinomial(40, share) for share in draws], axis=1).astype(np.float32)
    logits = torch.zeros(1, 7, dtype=torch.float64, requires_grad=True)
    made, optimizer = objective(votes), torch.optim.LBFGS([logits], max_iter=60, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = made.loss(logits.expand(4000, -1), torch.from_numpy(votes))
        loss.backward()
        return loss

    optimizer.step(closure)
    found = compute_concentrations(logits.detach())
    np.testing.assert_allclose(found[0].numpy(), alpha, rtol=0.12)
    shares = compute_expected_fractions(found, made.questions)[0].numpy()
    np.testing.assert_allclose(shares, np.concatenate([alpha[:3] / 21, alpha[3:5] / 25, alpha[5:] / 42]), atol=0.006)


# --- scores ----------------------------------------------------------------------------------------------------------

VOTES = np.array(
    [[9, 1, 0, 8, 1, 0, 10], [0, 10, 0, 0, 0, 5, 5], [1, 1, 1, 0, 1, 0, 0], [0, 0, 4, 0, 0, 0, 0]], dtype=np.float32
)
LOGITS = np.array(
    [[2, 0, -1, 1, -1, 0, 3], [1, 0, 0, 0, 0, 1, 1], [0, 1, 2, 3, 0, 0, 1], [0, 0, 1, 1, 1, 0, 0]], dtype=np.float32
)


def test_scores_are_their_definitions_written_out() -> None:
    alpha = 1 + 100 / (1 + np.exp(-LOGITS.astype(float)))
    total, weight, right, confident = 0.0, 0.0, 0, 0
    for part in (slice(0, 3), slice(3, 5), slice(5, 7)):
        for a, x in zip(alpha[:, part], VOTES[:, part].astype(float), strict=True):
            if x.sum():
                total += x.sum() * np.mean(np.abs(a / a.sum() - x / x.sum()))
                weight += x.sum()
                if x.sum() >= 5 and x.max() / x.sum() >= 0.8:
                    confident += 1
                    right += a.argmax() == x.argmax()
    loss = reference(alpha, VOTES).sum(axis=1).mean()
    made = objective(VOTES)
    row = made.validate(torch.from_numpy(LOGITS), VOTES)
    assert row == {"valid_loss": pytest.approx(loss), "valid_mean_error": pytest.approx(total / weight)}
    assert made.score(row) == (-row["valid_loss"],)
    assert made.calibrate(torch.from_numpy(LOGITS), VOTES) == 1.0
    found = made.metrics(torch.from_numpy(LOGITS), VOTES, np.zeros((4, 2)), temperature=1.0, seed=0)
    assert (found["n"], found["n_votes"], confident) == (4, int(VOTES.sum()), 4)
    assert found["loss"]["value"] == pytest.approx(loss, abs=1e-6)
    assert found["mean_error"]["value"] == pytest.approx(total / weight, abs=1e-6)
    assert found["accuracy"]["value"] == right / confident == 0.75
    assert {key: value["n_confident"] for key, value in found["questions"].items()} == {"ring": 2, "kind": 1, "odd": 1}
    assert [value["n"] for value in found["questions"].values()] == [4, 2, 2]
    expected = compute_expected_fractions(compute_concentrations(torch.from_numpy(LOGITS)), made.questions).numpy()
    scores: Any = SimpleNamespace(batch=SimpleNamespace(values=expected), logits=LOGITS)
    record: Any = SimpleNamespace(votes=rings().as_dict(), name="here")
    evaluated = measure_votes(scores, VOTES, record, seed=0, has_logits=True)
    assert evaluated["accuracy"]["value"] == 0.75
    for scored in (found, evaluated):  # one image of one that is right says little
        odd = scored["questions"]["odd"]["accuracy"]
        assert (odd["value"], odd["low"], odd["high"]) == pytest.approx((1, 0.206549, 1))
    assert found["questions"]["ring"]["accuracy"]["value"] == 0.5
    for entry in (found["loss"], found["mean_error"], found["accuracy"], found["questions"]["odd"]["mean_error"]):
        assert entry["low"] <= entry["value"] <= entry["high"]


def test_a_question_that_nobody_was_asked_has_no_score() -> None:
    votes = VOTES.copy()
    votes[:, 3:5] = 0
    found = objective(votes).metrics(torch.from_numpy(LOGITS), votes, np.zeros((4, 2)), temperature=1.0, seed=0)
    nothing = {"value": None, "low": None, "high": None}
    assert found["questions"]["kind"] == {"n": 0, "n_confident": 0, "accuracy": nothing, "mean_error": nothing}


def test_items_without_votes_are_no_evidence() -> None:
    rng = np.random.default_rng(0)
    votes = rng.integers(0, 9, (12, len(COLUMNS))).astype(np.float32)
    logits = torch.from_numpy(rng.normal(size=(12, len(COLUMNS))).astype(np.float32))
    mixed, more = np.vstack([votes, np.zeros_like(votes)]), torch.cat([logits, logits])
    made, kwargs = objective(votes), {"temperature": 1.0, "seed": 0}
    assert made.metrics(more, mixed, np.zeros((0, 0)), **kwargs) == made.metrics(
        logits, votes, np.zeros((0, 0)), **kwargs
    )
    assert made.validate(more, mixed) == made.validate(logits, votes)
    whole = made.loss(logits, torch.from_numpy(votes))
    half_asked, given = objective(mixed), torch.from_numpy(mixed)
    torch.testing.assert_close(half_asked.loss(more, given), whole)
    parts = [half_asked.loss(more[rows], given[rows]) * len(rows) / 24 for rows in np.array_split(np.arange(24), 3)]
    torch.testing.assert_close(sum(parts), whole)
    assert float(made.loss(logits, torch.zeros(12, len(COLUMNS)))) == 0
    # of numbers, 0 is a value
    assert find_known(np.array([[0.0, 0], [0, 2]]), are_votes=True).tolist() == [False, True]
    assert find_known(np.array([[0.0, np.nan], [np.nan, np.nan]]), are_votes=False).tolist() == [True, False]
    assert find_known(np.array([-1, 0]), are_votes=False).tolist() == [False, True]


@pytest.mark.parametrize(
    ("options", "message"),
    [({"class_weights": "inverse"}, "--class-weights is for classes"), ({"label_smoothing": 0.1}, "--label-smoothing")],
)
def test_options_for_classes_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        objective(VOTES, **options)


def test_what_cannot_be_learned() -> None:
    with pytest.raises(TrainingError, match="None of the training images has a vote"):
        objective(np.zeros((3, 7), dtype=np.float32))
    with pytest.raises(TrainingError, match="are not answers that volunteers voted for"):
        VoteObjective(taxonomy=build_taxonomy(["ring", "disc"]), options=TrainOptions(), targets=VOTES)


# --- from training to tables -----------------------------------------------------------------------------------------


def test_a_task_tells_the_head_its_questions() -> None:
    task, taxonomy = make_task(), build_vote_taxonomy(rings())
    made = VoteObjective(taxonomy=taxonomy, options=task.options, targets=VOTES)
    head = replace(task, taxonomy=taxonomy, objective=made, head="votes").make_head()
    shares = head.probabilities(head(torch.randn(5, 5)), 1.0)
    for part in (slice(0, 3), slice(3, 5), slice(5, 7)):
        torch.testing.assert_close(shares[:, part].sum(dim=1), torch.ones(5))
    assert taxonomy.subset(["ring_yes", "ring_no"]).votes is None


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with narrow_resnet():
        taxonomy = build_vote_taxonomy(rings())
        torch.manual_seed(0)
        head = make_head("votes", 256, 7)
        head.set_taxonomy(taxonomy)
        with torch.no_grad():
            head.weight.mul_(20)
        yield write_model(tmp_path_factory.mktemp("models") / "rings", head, "votes", taxonomy)


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for i in range(5):
        write_png(tmp_path / "images" / f"{i}.png", i)
    (tmp_path / "images" / "broken.png").write_text("not a picture")
    return tmp_path / "images"


@pytest.mark.parametrize("engine", ["torch", "onnx"])
def test_both_engines_return_shares_and_concentrations(engine: str, model: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 255, (4, 64, 64, 3), dtype=np.uint8)
    found = open_engine(find_model(model), engine, "cpu", "fp32").run(pictures)
    alpha = 1 + 100 / (1 + np.exp(-found.logits.astype(float)))
    for part in (slice(0, 3), slice(3, 5), slice(5, 7)):
        wanted = alpha[:, part] / alpha[:, part].sum(axis=1, keepdims=True)
        np.testing.assert_allclose(found.probabilities[:, part], wanted, rtol=1e-4)
    other = open_engine(find_model(model), "torch", "cpu", "fp32").run(pictures)
    np.testing.assert_allclose(found.probabilities, other.probabilities, atol=1e-4)


@pytest.mark.parametrize("engine", ["torch", "onnx"])
def test_the_table_names_the_ending_of_the_leading_answers(engine: str, model: Path, images: Path) -> None:
    table = f"{engine}.ecsv"
    code, _, said = run_command("classify", images, "--model", model, "--engine", engine, "--top-k", 3, "-o", table)
    assert code == 0, said
    rows = Table.read(table)
    assert [name for name in rows.colnames if name.startswith("p_")] == [f"p_{column}" for column in COLUMNS]
    assert rows["p_ring_yes"].description == "expected share of the votes for ring_yes"
    broken = list(rows["id"]).index("broken")
    assert rows["label"].mask[broken] and rows["label_2"].mask[broken] and rows["p_odd_no"].mask[broken]
    for row in rows[[i for i in range(6) if i != broken]]:
        endings = {
            "kind_polar": row["p_ring_yes"] * row["p_kind_polar"],
            "kind_flat": row["p_ring_yes"] * row["p_kind_flat"],
            "ring_no": row["p_ring_no"],
            "ring_artifact": row["p_ring_artifact"],
        }
        first = max(("ring_yes", "ring_no", "ring_artifact"), key=lambda slug: row[f"p_{slug}"])
        if first == "ring_yes":
            first = max(("kind_polar", "kind_flat"), key=lambda slug: row[f"p_{slug}"])
        order = sorted(endings, key=lambda slug: (slug != first, -endings[slug]))
        assert [row["label"], row["label_2"], row["label_3"]] == order[:3]
        assert row["probability"] == pytest.approx(endings[order[0]], rel=1e-5)
        assert row["probability_3"] == pytest.approx(endings[order[2]], rel=1e-5)


def test_a_catalogue_without_votes_is_refused_in_a_sentence(images: Path) -> None:
    with (images.parent / "catalogue.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["path", "label", "ring_yess"], *([f"images/{i}.png", "x", 3] for i in range(5))])
    said = run_failing("finetune", "catalogue.csv", "--votes", "gz2", "--method", "linear-probe", "--out", "run")
    assert "None of the columns has votes for 'gz2'" in said
