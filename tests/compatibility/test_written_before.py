"""What galaxtool wrote before its packages were rearranged is still read: ``tests/data/version_0``.

Its images are random patches and its networks are narrow (`narrow_resnet`), so the files are small and the scores mean
nothing; what counts is that every file is read as it was meant. Its backbone was recorded as ``mini@none``, which was
then the residual network of `small-resnet`.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from safetensors.numpy import load_file

import galaxtool

BEFORE = Path(__file__).resolve().parents[1] / "data" / "version_0"
MODEL_DIGEST = "5f21bc295a7e2f98e027a9366177827052f13f6dfcd9298a773671e1404c0bb2"
ON_CPU: dict[str, Any] = {"engine": "torch", "device": "cpu", "precision": "fp32"}

pytestmark = pytest.mark.usefixtures("narrow")


@pytest.fixture(autouse=True)
def _copy_of_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(BEFORE, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)


def check_predictions(table: Table, atol: float = 1e-4) -> None:
    """Compare a prediction table with the one that was written before."""
    before = Table.read("whole.csv", format="ascii.csv")
    assert table.colnames == before.colnames
    for name in ("id", "path", "label"):
        assert list(table[name]) == list(before[name])
    for name in ("probability", "p_disc", "p_ring", "ra", "dec"):
        values, expected = (np.ma.filled(t[name].astype(float), np.nan) for t in (table, before))
        np.testing.assert_allclose(values, expected, atol=atol)


def test_a_run_is_a_model() -> None:
    result = galaxtool.classify(["images"], model="run", output=Path("again.csv"), batch_size=2, **ON_CPU)
    assert result.model_digest == MODEL_DIGEST
    check_predictions(Table.read("again.csv", format="ascii.csv"))


def test_a_finished_run_is_not_overwritten() -> None:
    with pytest.raises(galaxtool.OutputExists, match="run"):
        galaxtool.finetune(["images"], out=Path("run"), backbone="small-resnet@none", symbols=Path("symbols"))


def test_an_onnx_file_is_a_model() -> None:
    galaxtool.classify(["images"], model="model.onnx", output=Path("again.csv"), engine="onnx", device="cpu")
    check_predictions(Table.read("again.csv", format="ascii.csv"), atol=1e-3)


def test_an_index_answers_as_before() -> None:
    galaxtool.similar("images/disc/disc0.png", index=Path("index"), k=5, output=Path("again.csv"))
    found, before = (Table.read(name, format="ascii.csv") for name in ("again.csv", "similar.csv"))
    assert found.colnames == before.colnames
    for name in ("query", "rank", "id", "path"):
        assert list(found[name]) == list(before[name])
    # the query was embedded in the processor's fastest precision then, perhaps bf16, and is now in fp32
    np.testing.assert_allclose(found["similarity"], before["similarity"], atol=1e-2)
    embeddings = pq.read_table("embeddings.parquet")
    vectors = dict(zip(embeddings["id"].to_pylist(), np.stack(embeddings["embedding"].to_numpy()), strict=True))
    exact = [vectors["disc/disc0"] @ vectors[name] for name in found["id"]]
    np.testing.assert_allclose(found["similarity"], exact, atol=1e-4)


def test_an_index_refuses_another_model_as_before() -> None:
    with pytest.raises(galaxtool.IndexMismatch):
        galaxtool.similar("images/disc/disc0.png", index=Path("index"), model="mini", output=Path("again.csv"))


def test_embeddings_are_computed_as_before() -> None:
    galaxtool.embed(["images"], model="run", output=Path("again.parquet"), **ON_CPU)
    found, before = (pq.read_table(name) for name in ("again.parquet", "embeddings.parquet"))
    assert found.schema.equals(before.schema)
    assert found["id"].to_pylist() == before["id"].to_pylist()
    np.testing.assert_allclose(
        np.stack(found["embedding"].to_numpy()), np.stack(before["embedding"].to_numpy()), atol=1e-4
    )


def test_an_interrupted_training_is_resumed() -> None:
    split = Path("interrupted/split.csv").read_bytes()
    galaxtool.finetune(resume=Path("interrupted"))
    manifest = json.loads(Path("interrupted/manifest.json").read_text())
    assert manifest["status"] == "done"
    assert Path("interrupted/split.csv").read_bytes() == split
    resumed, whole = (load_file(Path(run, "model", "weights.safetensors")) for run in ("interrupted", "run"))
    # the values differ: since then, symbols have BatchNorm statistics of their own and the temperature a rate
    assert {name: values.shape for name, values in resumed.items()} == {n: values.shape for n, values in whole.items()}
    assert all(np.isfinite(values).all() for values in resumed.values())
    assert "AdamW estimates its moments from scratch" in Path("interrupted/log.txt").read_text()


def test_an_interrupted_job_is_resumed_or_refused_with_a_sentence() -> None:
    job: dict[str, Any] = {"model": "run/model", "output": Path("begun.csv"), "batch_size": 2, **ON_CPU}
    try:
        galaxtool.classify(["images"], resume=True, **job)
    except galaxtool.OutputExists as refusal:
        assert "begun.csv" in refusal.message and "--overwrite" in (refusal.hint or "")
        galaxtool.classify(["images"], overwrite=True, **job)
    check_predictions(Table.read("begun.csv", format="ascii.csv"))
    assert not Path("begun.csv.unfinished").exists()
