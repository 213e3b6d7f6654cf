"""``classify --prior``: probabilities for another mix of classes than the one that the scores answer for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score
from support.helpers import make_model, write_fits
from support.training_helpers import run_command, run_failing, write_class_folders

import galaxtool
from galaxtool.errors import InputError, ModelError
from galaxtool.evaluation.prior import apply_factors, find_factors, find_scores_shares, measure_prior
from galaxtool.finetuning.settings import find_scores_prior

SLUGS = ("merging", "round_smooth", "barred_spiral")
PRIOR = {"merging": 0.1, "round_smooth": 0.6, "barred_spiral": 0.3}
OWN = {"merging": 0.0, "round_smooth": 0.25, "barred_spiral": 0.75}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    for seed in range(3):
        write_fits(folder / f"{seed}.fits", seed)
    (folder / "broken.fits").write_bytes(b"SIMPLE  = no")
    return folder


@pytest.fixture(scope="module")
def plain_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("prior") / "model", SLUGS)


def change_record(model: Path, **values: object) -> None:
    record = json.loads((model / "model.json").read_text())
    (model / "model.json").write_text(json.dumps({**record, **values}))


def write_shares(path: Path, shares: dict[str, float]) -> Path:
    if path.suffix == ".json":
        path.write_text(json.dumps(shares))
    elif path.suffix == ".toml":
        path.write_text("[prior]\n" + "\n".join(f'"{name}" = {share}' for name, share in shares.items()))
    else:
        Table({"class": list(shares), "fraction": list(shares.values())}).write(path)
    return path


def read_probabilities(table: Table) -> np.ndarray:
    good = [not error for error in np.ma.filled(table["error"], "")]
    return np.array([np.array(table[f"p_{slug}"][good], float) for slug in SLUGS]).T


@pytest.mark.parametrize(
    ("scores", "wanted"),
    [
        pytest.param("training", "training", marks=pytest.mark.slow),
        ("uniform", "training"),
        pytest.param("inverse", "training", marks=pytest.mark.slow),
        ("training", "uniform"),
        pytest.param("uniform", "uniform", marks=pytest.mark.slow),
        ("training", "own.csv"),
        pytest.param("uniform", "own.json", marks=pytest.mark.slow),
        pytest.param("inverse", "own.toml", marks=pytest.mark.slow),
        pytest.param("training", "own.parquet", marks=pytest.mark.slow),
    ],
)
def test_probabilities_answer_for_the_mix(
    scores: str, wanted: str, plain_model: Path, images: Path, tmp_path: Path
) -> None:
    plain = galaxtool.classify([images], model=plain_model, output=tmp_path / "plain.csv").table
    model = make_model(tmp_path / "model", SLUGS)
    change_record(model, prior=PRIOR, scores_prior=scores)
    if "." in wanted:
        write_shares(tmp_path / wanted, {"Barred Spiral Galaxies": 3, "round smooth": 1, "merging": 0})
    prior = tmp_path / wanted if "." in wanted else wanted
    done = galaxtool.classify([images], model=model, prior=prior, output=tmp_path / "p.ecsv")
    trained = np.array([PRIOR[slug] for slug in SLUGS])
    shares = {"training": trained, "uniform": np.full(3, 1 / 3)}.get(wanted, np.array([OWN[slug] for slug in SLUGS]))
    scored = {"training": trained, "uniform": np.ones(3), "inverse": 1 / trained}[scores]
    expected = read_probabilities(plain) * shares / scored
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(read_probabilities(done.table), expected, rtol=1e-5)
    labels = [label for label in np.ma.filled(done.table["label"], "") if label]
    assert labels == [SLUGS[k] for k in expected.argmax(axis=1)]
    said = "round_smooth=0.25" in done.prior if "." in wanted else done.prior == wanted
    assert said == (wanted != "training" or scores != "training")
    assert done.table.meta.get("PRIOR", "") == done.prior
    in_memory = galaxtool.load_model(model).classify([str(images)], prior=prior)
    np.testing.assert_allclose(read_probabilities(in_memory), expected, rtol=1e-4)


def test_coarse_terms_come_after_the_prior(plain_model: Path, images: Path, tmp_path: Path) -> None:
    model = make_model(tmp_path / "model", SLUGS)
    change_record(model, prior=PRIOR, scores_prior="uniform")
    fine = galaxtool.classify([images], model=model, output=tmp_path / "fine.csv").table
    coarse = galaxtool.classify([images], model=model, output=tmp_path / "c.csv", terms="gz2-5").table
    p = read_probabilities(fine)
    good = [not error for error in np.ma.filled(coarse["error"], "")]
    np.testing.assert_allclose(np.array(coarse["p_spiral"][good], float), p[:, 2] / p[:, 1:].sum(axis=1), rtol=1e-5)


def test_a_model_without_a_prior_stays_as_it_was(plain_model: Path, images: Path, tmp_path: Path) -> None:
    galaxtool.classify([images], model=plain_model, output=tmp_path / "p.csv")
    galaxtool.classify([images], model=plain_model, prior="training", output=tmp_path / "q.csv")
    assert (tmp_path / "p.csv").read_bytes() == (tmp_path / "q.csv").read_bytes()
    with pytest.raises(ModelError, match="does not state the class frequencies"):
        galaxtool.classify([images], model=plain_model, prior="uniform", output=tmp_path / "r.csv")
    assert not (tmp_path / "r.csv").exists()


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({"merging": 1, "round_smooth": 1}, "has no fraction for barred_spiral"),
        ({**OWN, "rng": 1}, "'rng'"),
        ({**OWN, "Merging Galaxy": 1}, "names a class twice"),
        ({**OWN, "merging": -1}, "fraction of 'merging' in .* is -1"),
        ({**OWN, "merging": "many"}, "fraction of 'merging' in .* is many"),
        (dict.fromkeys(SLUGS, 0), "All fractions in .* are 0"),
        ([1, 2, 3], "does not name classes"),
    ],
)
def test_a_prior_that_cannot_be_used_is_refused(
    shares: object, message: str, plain_model: Path, images: Path, tmp_path: Path
) -> None:
    (tmp_path / "own.json").write_text(json.dumps(shares))
    with pytest.raises(InputError, match=message):
        galaxtool.classify([images], model=plain_model, prior=tmp_path / "own.json", output=tmp_path / "p.csv")


def test_a_file_that_is_not_there_or_has_no_fractions(plain_model: Path, images: Path, tmp_path: Path) -> None:
    common = ("classify", images, "-m", plain_model, "-o", tmp_path / "p.csv", "--prior")
    assert "There is no prior 'trainin'. Did you mean 'training'?" in run_failing(*common, "trainin")
    Table({"class": ["merging"], "redshift": [1.0]}).write(tmp_path / "own.csv")
    assert "needs a column 'class' and a column 'fraction'" in run_failing(*common, tmp_path / "own.csv")


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=6), st.integers(0, 2**32 - 1))
def test_a_correction_and_its_reverse_change_nothing(shares: list[float], seed: int) -> None:
    prior = np.array(shares) / sum(shares)
    p = np.random.default_rng(seed).dirichlet(np.ones(len(prior)), 4).astype(np.float32)
    uniform = find_scores_shares(prior, "uniform")
    there = apply_factors(p, find_factors(prior, uniform))
    np.testing.assert_allclose(there.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(apply_factors(there, find_factors(uniform, prior)), p, rtol=1e-3, atol=1e-6)


def test_shares_are_counted_with_weights_and_every_class_once() -> None:
    targets, weights = np.array([0, 0, 1, -1, 5]), np.array([1.0, 2.0, 3.0, 9.0, 9.0])
    np.testing.assert_allclose(measure_prior(targets, 3), np.array([2, 1, 1]) / 4)
    np.testing.assert_allclose(measure_prior(targets, 3, weights), np.array([3, 3, 1]) / 7)


def test_what_scores_answer_for() -> None:
    assert find_scores_prior("prompt", "instance", "none") == "uniform"
    assert find_scores_prior("prompt", "class", "none") == "training"
    assert find_scores_prior("linear", "instance", "none") == "training"
    assert find_scores_prior("linear", "instance", "inverse") == "uniform"
    assert find_scores_prior("prompt", "class", "inverse") == "uniform"
    assert find_scores_prior("prompt", "instance", "inverse") == "inverse"


@pytest.mark.slow
@pytest.mark.usefixtures("narrow")
def test_metrics_of_a_training_are_those_of_classify(tmp_path: Path) -> None:
    data = write_class_folders(tmp_path / "data", each=12)
    for extra in sorted((data / "ring").iterdir())[4:]:
        extra.unlink()
    code, _, err = run_command(
        "finetune", data, "-o", tmp_path / "run", "--method", "clip", "--backbone", "small-resnet@none", "--epochs", 1,
        "--batch-size", 4, "--valid-fraction", 0.5, "--quiet",
    )  # fmt: skip
    assert code == 0, err
    record = json.loads((tmp_path / "run" / "model" / "model.json").read_text())
    assert record["scores_prior"] == "uniform"
    split = Table.read(tmp_path / "run" / "split.csv")
    counts = {slug: int(((split["split"] == "train") & (split["label"] == slug)).sum()) for slug in ("disc", "ring")}
    for slug, n in counts.items():
        assert record["prior"][slug] == pytest.approx(n / sum(counts.values()), abs=1e-6)
    valid = split[split["split"] == "valid"]
    table = galaxtool.load_model(tmp_path / "run").classify([str(path) for path in valid["path"]])
    share = float(np.mean(np.array(table["label"]) == np.array(valid["label"])))
    assert record["metrics"]["accuracy"]["value"] == pytest.approx(share, abs=1e-6)
    f1 = f1_score(list(valid["label"]), list(table["label"]), average="macro", zero_division=0)
    assert record["metrics"]["f1_macro"]["value"] == pytest.approx(f1, abs=1e-6)
