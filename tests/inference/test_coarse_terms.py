"""``classify --terms`` reports the classes of a coarser taxonomy."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from support.helpers import make_model, write_fits

import galaxtool
from galaxtool.errors import GalaxtoolError, InputError, UnknownName

FINE = ("disturbed", "merging", "round_smooth", "in_between_round_smooth", "barred_spiral", "unbarred_tight_spiral")
SUMS = {  # of Galaxy10 DECaLS, by hand from the table in docs/taxonomies.md
    "gz2-5": {
        "smooth_round": ["round_smooth"],
        "smooth_inbetween": ["in_between_round_smooth"],
        "spiral": ["barred_spiral", "unbarred_tight_spiral"],
    },
    "gz1-coarse": {
        "elliptical": ["round_smooth", "in_between_round_smooth"],
        "spiral": ["barred_spiral", "unbarred_tight_spiral"],
        "merger": ["merging"],
    },
    "galaxy10": {slug: [slug] for slug in FINE},
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_model(tmp_path_factory.mktemp("terms") / "model", FINE))


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    for seed in range(5):
        write_fits(folder / f"{seed}.fits", seed)
    (folder / "broken.fits").write_bytes(b"SIMPLE  = no")
    return folder


@pytest.mark.parametrize("name", SUMS)
@pytest.mark.parametrize(
    "suffix",
    [
        "csv",
        pytest.param("ecsv", marks=pytest.mark.slow),
        pytest.param("fits", marks=pytest.mark.slow),
        pytest.param("vot", marks=pytest.mark.slow),
        "parquet",
    ],
)
def test_probabilities_are_summed(model: str, images: Path, tmp_path: Path, name: str, suffix: str) -> None:
    fine = galaxtool.classify([images], model=model, output=tmp_path / "fine.csv").table
    done = galaxtool.classify([images], model=model, output=tmp_path / f"coarse.{suffix}", terms=name, top_k=2)
    coarse, kept = done.table, SUMS[name]
    assert [c for c in coarse.colnames if c.startswith("p_")] == [f"p_{slug}" for slug in kept]
    good = np.array([not error for error in np.ma.filled(coarse["error"], "")])
    assert good.sum() == 5
    sums = np.array([sum(np.array(fine[f"p_{part}"][good], float) for part in parts) for parts in kept.values()])
    dropped = 1 - sums.sum(axis=0)
    np.testing.assert_allclose(np.array(coarse["dropped"][good], float), dropped, atol=1e-5)
    expected = sums / sums.sum(axis=0)
    for values, slug in zip(expected, kept, strict=True):
        np.testing.assert_allclose(np.array(coarse[f"p_{slug}"][good], float), values, rtol=1e-4)
    slugs = np.array(list(kept))
    order = np.argsort(-expected, axis=0)
    assert list(coarse["label"][good]) == list(slugs[order[0]])
    assert list(coarse["label_2"][good]) == list(slugs[order[1]])
    np.testing.assert_allclose(np.array(coarse["probability"][good], float), expected.max(axis=0), rtol=1e-4)
    flagged = ["NO_COUNTERPART" in flags for flags in np.ma.filled(coarse["flags"], "")[good]]
    assert flagged == list(dropped > 0.5)
    assert done.dropped == pytest.approx(dropped.mean(), abs=1e-5)
    assert done.labels == {slug: n for slug in kept if (n := list(coarse["label"][good]).count(slug))}
    if suffix not in ("csv",):
        assert coarse.meta["TERMS"] == name
    if name != "galaxy10":
        assert any("are dropped" in note and "disturbed" in note for note in done.notes)


def test_a_catalogue_keeps_its_own_column_called_dropped(model: str, images: Path, tmp_path: Path) -> None:
    paths = [str(images / f"{seed}.fits") for seed in range(2)]
    Table({"path": paths, "dropped": [7, 8]}).write(tmp_path / "c.csv")
    table = galaxtool.classify([tmp_path / "c.csv"], model=model, output=tmp_path / "p.csv", terms="gz2-5").table
    assert list(table["in_dropped"]) == [7, 8]
    assert all(0 <= value <= 1 for value in table["dropped"])


def test_page_and_folders_have_the_coarser_classes(model: str, images: Path, tmp_path: Path) -> None:
    done = galaxtool.classify(
        [images], model=model, output=tmp_path / "p.fits", terms="gz1-coarse", html=tmp_path / "p.html",
        sort_into=tmp_path / "sorted",
    )  # fmt: skip
    page = (tmp_path / "p.html").read_text()
    about = json.loads(re.findall(r'class="about-rows">(.*?)</script>', page)[0])
    assert [slug for slug, _ in about["classes"]] == list(SUMS["gz1-coarse"])
    assert "sums of the model’s own" in page and "gz1-coarse" in page
    assert {p.name for p in (tmp_path / "sorted").iterdir() if p.is_dir()} - {"_unreadable"} == set(done.labels)


@pytest.mark.slow
def test_shards_and_another_taxonomy_on_resume(model: str, images: Path, tmp_path: Path) -> None:
    galaxtool.classify([images], model=model, output=tmp_path / "one.csv", terms="gz2-5", batch_size=1)
    for shard in ("1/2", "2/2"):
        galaxtool.classify([images], model=model, output=tmp_path / "two.csv", terms="gz2-5", batch_size=1, shard=shard)
    with pytest.raises(InputError, match="has a different terms"):
        galaxtool.classify(
            [images], model=model, output=tmp_path / "two.csv", terms="gz1-coarse", batch_size=1, shard="1/2",
            resume=True,
        )  # fmt: skip
    galaxtool.merge(tmp_path / "two.csv")
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


@pytest.mark.slow
def test_the_same_by_onnx(model: str, images: Path, tmp_path: Path) -> None:
    galaxtool.export(model=model, output=tmp_path / "m.onnx")
    by_torch = galaxtool.classify([images], model=model, output=tmp_path / "t.csv", terms="gz2-5").table
    by_onnx = galaxtool.classify(
        [images], model=str(tmp_path / "m.onnx"), output=tmp_path / "o.csv", terms="gz2-5"
    ).table
    for name in ("p_spiral", "dropped"):
        np.testing.assert_allclose(by_torch[name].filled(-1), by_onnx[name].filled(-1), atol=1e-4)


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("gz2-6", UnknownName, "Did you mean 'gz2-5'?"),
        ("radio-fr", InputError, "No class of the model 'model' has a counterpart in the taxonomy 'radio-fr'."),
    ],
)
def test_terms_that_do_not_fit(
    model: str, images: Path, tmp_path: Path, name: str, kind: type[GalaxtoolError], says: str
) -> None:
    with pytest.raises(kind) as raised:
        galaxtool.classify([images], model=model, output=tmp_path / "p.csv", terms=name)
    assert says in raised.value.message
    assert "gz1-coarse" in raised.value.hint and "gz2-5" in raised.value.hint
    assert list(tmp_path.iterdir()) == []
