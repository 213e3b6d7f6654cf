"""`galaxtool classify`: a row for each input, whatever the inputs are and whatever happens on the way."""

from __future__ import annotations

import csv
import json
import shutil
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.table import Table
from support.helpers import SLUGS, make_model, write_fits, write_png
from support.processes import running
from support.training_helpers import Killed, run_command, run_failing

import galaxtool as package
from galaxtool.errors import ConfigError, InputError
from galaxtool.jobs import job as jobs
from galaxtool.models.engines.protocol import Scores
from galaxtool.models.engines.torch import TorchEngine
from galaxtool.models.find import find_model

OURS = ["id", "path", "ra", "dec", "label", "probability", *(f"p_{slug}" for slug in SLUGS), "flags", "error"]
SUFFIXES = ("csv", "ecsv", "fits", "vot", "parquet")


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four FITS images, four pictures, a damaged file, an empty one and what is no image."""
    folder = tmp_path_factory.mktemp("images")
    for i in range(4):
        write_fits(folder / "sky" / f"g{i}.fits", i, ra=150 + 0.01 * i, dec=-2.0, size=48 if i else 100)
        write_png(folder / f"p{i}.png", i)
    (folder / "damaged.fits").write_text("SIMPLE = no")
    (folder / "empty.png").write_bytes(b"")
    (folder / "notes.txt").write_text("not an image")
    return folder


def rows(path: Path | str) -> list[dict[str, str]]:
    with Path(path).open(newline="") as stream:
        return list(csv.DictReader(stream))


def classified(*args: object) -> list[dict[str, str]]:
    code, _, said = run_command("classify", *args, "-o", "p.csv", "--quiet")
    assert code == 0, said
    return rows("p.csv")


# --- rows ------------------------------------------------------------------------------------------------------------


def test_a_row_for_each_input_in_order(model: Path, images: Path) -> None:
    code, printed, said = run_command("classify", images, "--model", model, "-o", "p.csv", "--batch-size", 3)
    assert code == 0, said
    table = rows("p.csv")
    assert list(table[0]) == OURS
    ids = ["damaged", "empty", "p0", "p1", "p2", "p3", "sky/g0", "sky/g1", "sky/g2", "sky/g3"]
    assert [row["id"] for row in table] == ids
    assert [Path(row["path"]).name for row in table] == [
        "damaged.fits", "empty.png", *(f"p{i}.png" for i in range(4)), *(f"g{i}.fits" for i in range(4)),
    ]  # fmt: skip
    for row in table:
        probabilities = [row[f"p_{slug}"] for slug in SLUGS]
        if row["id"] in ("damaged", "empty"):
            assert row["error"] and [row["label"], row["probability"], *probabilities] == [""] * 5
        else:
            values = [float(p) for p in probabilities]
            assert row["error"] == "" and sum(values) == pytest.approx(1, abs=1e-5)
            assert row["label"] == SLUGS[int(np.argmax(values))] and float(row["probability"]) == max(values)
    sky = [row for row in table if row["id"].startswith("sky")]
    assert [float(row["ra"]) for row in sky] == pytest.approx([150, 150.01, 150.02, 150.03])
    assert [row["ra"] for row in table[:6]] == [""] * 6
    assert ["UPSAMPLED" in row["flags"] for row in sky] == [False, True, True, True]
    assert "10 rows in p.csv" in printed and "(unreadable)" in printed
    assert "Unreadable: " in said and "damaged.fits" in said and "Skipped 1" in said


def test_equals_the_model(model: Path, images: Path) -> None:
    from galaxtool.images.reading import read_file

    engine = TorchEngine(find_model(model), "cpu", "fp32")
    preprocess = engine.record.make_preprocess()
    pictures = np.stack([preprocess.picture(read_file(images / f"p{i}.png")) for i in range(4)])
    wanted = engine.run(pictures).probabilities
    table = classified(*(images / f"p{i}.png" for i in range(4)), "--model", model, "--precision", "fp32")
    found = np.array([[float(row[f"p_{slug}"]) for slug in SLUGS] for row in table])
    np.testing.assert_allclose(found, wanted, atol=1e-6)


@pytest.mark.parametrize(
    "size",
    [
        pytest.param(1, marks=pytest.mark.slow),
        pytest.param(2, marks=pytest.mark.slow),
        7,
        pytest.param(64, marks=pytest.mark.slow),
    ],
)
def test_batch_size_changes_nothing(size: int, model: Path, images: Path) -> None:
    one = classified(images, "--model", model)
    other = classified(images, "--model", model, "--batch-size", size)
    for a, b in zip(one, other, strict=True):
        assert a["label"] == b["label"] and a["error"] == b["error"]
        if a["label"]:
            assert float(a["probability"]) == pytest.approx(float(b["probability"]), abs=1e-5)


def test_workers_take_the_bundled_model_where_a_folder_has_its_name(images: Path) -> None:
    Path("mini").mkdir()
    spread = ("--batch-size", 2, "--executor", "threads", "--workers", 2)
    table = classified(*(images / f"p{i}.png" for i in range(4)), "--model", "mini", *spread)
    assert all(row["label"] for row in table)


def test_files_named_one_by_one_and_twice(model: Path, images: Path) -> None:
    table = classified(images / "p1.png", images / "sky", images / "p*.png", images / "notes.txt", "--model", model)
    assert len(table) == 1 + 4 + 4 + 1 and len({row["id"] for row in table}) == 10
    assert table[0]["label"] and table[-1]["error"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_is_read_by_astropy(suffix: str, model: Path, images: Path) -> None:
    code, _, said = run_command("classify", images, "--model", model, "-o", f"p.{suffix}")
    assert code == 0, said
    table = Table.read(f"p.{suffix}")
    assert table.colnames == OURS and len(table) == 10
    plain = {str(row["id"]): row for row in table}
    csv_rows = {row["id"]: row for row in classified(images, "--model", model)}
    for name, row in plain.items():
        wanted = csv_rows[name]
        assert str(row["label"]) in (wanted["label"], "--" if not wanted["label"] else wanted["label"])
        if wanted["probability"]:
            assert float(row["probability"]) == pytest.approx(float(wanted["probability"]), abs=1e-6)
        else:
            assert np.ma.is_masked(row["probability"]) or not np.isfinite(row["probability"])


def test_more_than_one_label(model: Path, images: Path) -> None:
    table = classified(images, "--model", model, "--top-k", 2)
    at = OURS.index("flags")
    assert list(table[0]) == [*OURS[:at], "label_2", "probability_2", *OURS[at:]]
    for row in table:
        if row["error"]:
            assert row["label_2"] == row["probability_2"] == ""
        else:
            ranked = sorted(SLUGS, key=lambda slug: -float(row[f"p_{slug}"]))
            assert [row["label"], row["label_2"]] == ranked[:2]
            assert float(row["probability_2"]) == float(row[f"p_{ranked[1]}"])
    assert [name for name in classified(images, "--model", model, "-k", 9)[0] if name.startswith("label")] == [
        "label", "label_2", "label_3",
    ]  # fmt: skip


# --- catalogues ------------------------------------------------------------------------------------------------------


def test_columns_of_a_catalogue_are_kept(model: Path, images: Path) -> None:
    table = Table({
        "objid": [101, 102, 103],
        "file_loc": [str(images / "p0.png"), str(images / "sky/g1.fits"), str(images / "nowhere.fits")],
        "ra": [10.0, 20.0, 30.0],
        "dec": [1.0, 2.0, 3.0],
        "label": ["x", "y", "z"],
        "in_label": ["a", "b", "c"],
        "mag": np.ma.masked_array([15.5, 16.5, 17.5], mask=[False, True, False]),
        "error": [0.1, 0.2, 0.3],
    })  # fmt: skip
    table.write("catalogue.fits")
    found = classified("catalogue.fits", "--model", model, "--id-column", "objid")
    assert list(found[0]) == [
        "objid", "file_loc", "in_ra", "in_dec", "in_in_label", "in_label", "mag", "in_error", *OURS,
    ]  # fmt: skip
    assert [row["id"] for row in found] == ["101", "102", "103"]
    assert [row["in_in_label"] for row in found] == ["x", "y", "z"]
    assert [row["in_label"] for row in found] == ["a", "b", "c"]
    assert [row["mag"] for row in found] == ["15.5", "", "17.5"]
    assert [float(row["ra"]) for row in found] == [10, 20, 30]
    assert found[0]["label"] in SLUGS and found[2]["error"] and float(found[2]["in_error"]) == 0.3


def test_zoobot_catalogue(model: Path, images: Path) -> None:
    lines = ["id_str,file_loc", *(f"0{i},{images / f'p{i}.png'}" for i in range(3))]
    Path("catalogue.csv").write_text("\n".join(lines))
    assert [row["id"] for row in classified("catalogue.csv", "--model", model)] == ["00", "01", "02"]


# --- errors ----------------------------------------------------------------------------------------------------------


def test_strict_writes_the_table_and_fails(model: Path, images: Path) -> None:
    said = run_failing("classify", images, "--model", model, "-o", "p.csv", "--strict")
    assert "2 of 10 inputs could not be read, and --strict was given" in said and "'p.csv'" in said
    assert len(rows("p.csv")) == 10 and not Path("p.csv.unfinished").exists()


def test_nothing_readable_writes_the_table_and_fails(model: Path, images: Path) -> None:
    said = run_failing("classify", images / "damaged.fits", images / "empty.png", "--model", model, "-o", "p.csv")
    assert "None of the 2 inputs could be read" in said
    assert all(row["error"] for row in rows("p.csv"))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("nowhere",), "nowhere"),
        ((".",), "no image"),
        (("--model", "minni", "{images}"), "no model called 'minni'"),
        (("--model", "{images}", "{images}"), "it has no model.json"),
        (("--model", "{images}/p0.png", "{images}"), "is not a model"),
        (("{images}", "-o", "p.xyz"), "p.xyz"),
        (("{images}", "-o", "p"), "'p'"),
        (("{images}", "--top-k", "0"), "at least 1"),
        (("{images}", "--batch-size", "0"), "at least 1"),
        (("{images}", "--engine", "trt"), "--engine is 'trt', which is not one of auto, onnx, openvino, torch"),
        (("{images}", "--engine", "onnx"), "has no ONNX file"),
        (("{images}", "--device", "tpu"), "no device 'tpu'"),
        (("{images}", "--precision", "int4"), "--precision is 'int4', which is not one of"),
    ],
)
def test_wrong_arguments_get_one_line(args: tuple[str, ...], message: str, model: Path, images: Path) -> None:
    given = [arg.format(images=images) for arg in args]
    said = run_failing("classify", *(given if "--model" in given else [*given, "--model", model]))
    assert message in said
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    ("command", "given", "output"),
    [
        ("classify", "stack.csv", ("-o", "stack.csv")),
        ("classify", "stack.npy", ("-o", "p.csv", "--html", "page.html")),
        ("classify", "@stack.csv", ("-o", "./stack.csv")),
        ("classify", ".", ("-o", "labels.csv")),
        ("embed", "stack.npy", ("-o", "stack.npy")),
    ],
)
def test_no_input_is_overwritten(command: str, given: str, output: tuple[str, ...], model: Path, images: Path) -> None:
    Path("stack.csv").write_text(f"path\n{images / 'p0.png'}\n")
    shutil.copy("stack.csv", "labels.csv")
    np.save("stack.npy", np.zeros((2, 64, 64), np.uint8))
    Path("page.html").symlink_to("stack.npy")
    before = {path.name: path.read_bytes() for path in Path().iterdir()}
    said = run_failing(command, given, *output, "--overwrite", "--model", model)
    assert "would be overwritten. Choose another name with --" in " ".join(said.split())
    assert {path.name: path.read_bytes() for path in Path().iterdir()} == before


def test_images_that_were_sorted_into_their_folder_are_not_classified_again(model: Path, tmp_path: Path) -> None:
    write_png(tmp_path / "in" / "a.png", 1)
    command = ("classify", "in", "--model", model, "--sort-into", "in/sorted", "--overwrite")
    code, _, said = run_command(*command, "-o", "p.csv")
    assert code == 0, said
    said = " ".join(run_failing(*command, "-o", "q.csv").split())
    assert "where an earlier sorting put it. Sort into another folder." in said
    assert not list(tmp_path.glob("q.csv*"))


def test_misspelt_option(images: Path) -> None:
    assert "--model" in run_failing("classify", images, "--modle", "x", code=2)
    assert "Missing argument" in run_failing("classify", code=2)


@pytest.mark.parametrize(
    "what", ["model.json", "weights.safetensors", "json", "list", "newer", "no classes", "no size", "other weights"]
)
def test_damaged_model(what: str, model: Path, images: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(model, tmp_path / "broken")
    record = json.loads((broken / "model.json").read_text())
    if what.endswith((".json", ".safetensors")):
        (broken / what).unlink()
    elif what == "other weights":
        (broken / "weights.safetensors").write_bytes((broken / "weights.safetensors").read_bytes()[:5000])
    else:
        changed: dict[str, Any] = {
            "list": [],
            "newer": {**record, "schema": 99},
            "no classes": {**record, "taxonomy": {"name": "own"}},
            "no size": {**record, "preprocess": {"crop": 1}},
        }
        (broken / "model.json").write_text("{" if what == "json" else json.dumps(changed[what]))
    said = run_failing("classify", images, "--model", broken, "-o", "p.csv")
    wanted = {"newer": "newer galaxtool", "json": "damaged", "list": "not a valid model record"}
    assert wanted.get(what, "broken") in said


def test_output_below_a_file(model: Path, images: Path) -> None:
    Path("file").write_text("")
    assert "file" in run_failing("classify", images, "--model", model, "-o", "file/p.csv")


# --- unfinished work -------------------------------------------------------------------------------------------------


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_MOST_BATCHES", 1)


def die_at(call: int, patch: pytest.MonkeyPatch, error: type[BaseException] = Killed) -> list[int]:
    """Let the engine die at its n-th batch; return a list that grows with each batch scored."""
    calls: list[int] = []
    run = TorchEngine.run

    def dies(self: TorchEngine, pictures: np.ndarray) -> Scores:
        calls.append(len(pictures))
        if len(calls) == call:
            raise error
        return run(self, pictures)

    patch.setattr(TorchEngine, "run", dies)
    return calls


@pytest.mark.parametrize("call", [pytest.param(1, marks=pytest.mark.slow), 2, pytest.param(4, marks=pytest.mark.slow)])
@pytest.mark.usefixtures("small_parts")
def test_killed_and_resumed_is_as_never_stopped(
    call: int, model: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("classify", images, "--model", model, "--batch-size", 3, "-o")
    assert run_command(*arguments, "whole.csv")[0] == 0
    Path("p.csv").write_text("earlier")
    with monkeypatch.context() as patch, pytest.raises(Killed):
        die_at(call, patch)
        run_command(*arguments, "p.csv")
    assert Path("p.csv").read_text() == "earlier"
    if call > 1:
        said = run_failing(*arguments, "p.csv")
        assert f"has unfinished work from an earlier run: {call - 1} of 4 parts are done" in said
        assert "--resume" in said and "--overwrite" in said
    with monkeypatch.context() as patch:
        calls = die_at(99, patch)
        code, _, err = run_command(*arguments, "p.csv", "--resume")
    assert code == 0, err
    assert len(calls) == 4 - (call - 1)
    assert Path("p.csv").read_bytes() == Path("whole.csv").read_bytes()
    assert not Path("p.csv.unfinished").exists()


@pytest.mark.usefixtures("small_parts")
def test_interrupted_exits_130_and_can_be_overwritten(
    model: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("classify", images, "--model", model, "--batch-size", 3, "-o", "p.csv")
    with monkeypatch.context() as patch:
        die_at(2, patch, KeyboardInterrupt)
        code, _, err = run_command(*arguments)
    told = err.splitlines()
    assert code == 130 and told[-2] == "Interrupted."
    assert told[-1].startswith("1 of 4 parts are done and kept in 'p.csv.unfinished'. Resume with: ")
    with monkeypatch.context() as patch:
        calls = die_at(99, patch)
        assert run_command(*arguments, "--overwrite")[0] == 0
    assert len(calls) == 4 and len(rows("p.csv")) == 10


@pytest.mark.usefixtures("small_parts")
def test_resume_refuses_another_job(model: Path, images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, pytest.raises(Killed):
        die_at(2, patch)
        # a precision of its own: which one "auto" is, the processor decides
        run_command("classify", images, "--model", model, "--batch-size", 3, "-o", "p.csv", "--precision", "fp32")
    for change, named in (
        ((images, "--batch-size", 4, "--precision", "fp32"), "batch size"),
        ((images / "sky", "--batch-size", 3, "--precision", "fp32"), "inputs"),
        ((images, "--batch-size", 3, "--precision", "fp32", "--hdu", "1"), "reading options"),
        ((images, "--batch-size", 3, "--precision", "bf16"), "precision"),
    ):
        said = run_failing("classify", *change, "--model", model, "-o", "p.csv", "--resume")
        assert f"has a different {named}." in said


def test_resume_of_nothing_begins(model: Path, images: Path) -> None:
    assert len(classified(images, "--model", model, "--resume")) == 10
    assert len(classified(images, "--model", model)) == 10


def test_two_processes_at_once(model: Path, images: Path) -> None:
    Path("p.csv.unfinished").mkdir()
    script = (
        "import sys; from pathlib import Path; from galaxtool.utils.files.locks import lock_file\n"
        "held = lock_file(Path('p.csv.unfinished/.lock')); print('held', flush=True); sys.stdin.readline()"
    )
    with running([sys.executable, "-c", script], stdin=-1, stdout=-1, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        for option in ((), ("--resume",), ("--overwrite",)):
            said = run_failing("classify", images, "--model", model, "-o", "p.csv", *option)
            assert "Another galaxtool process is writing 'p.csv'" in said
        process.kill()
    assert len(classified(images, "--model", model)) == 10


@pytest.mark.usefixtures("small_parts")
def test_a_job_without_a_part_begins_again(model: Path, images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, pytest.raises(Killed):
        die_at(1, patch)
        run_command("classify", images, "--model", model, "--batch-size", 3, "-o", "p.csv", "--precision", "bf16")
    assert Path("p.csv.unfinished/job.json").exists()
    assert run_command("classify", images, "--model", model, "--batch-size", 2, "-o", "p.csv")[0] == 0
    assert len(rows("p.csv")) == 10 and not Path("p.csv.unfinished").exists()


@pytest.mark.usefixtures("small_parts")
def test_a_refused_job_holds_nothing(model: Path, images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a notebook the same process tries again."""
    with monkeypatch.context() as patch, pytest.raises(Killed):
        die_at(2, patch)
        package.classify([images], model=str(model), output=Path("p.csv"), batch_size=3)
    errors: list[Any] = []
    for _ in range(2):
        with pytest.raises(package.OutputExists, match="unfinished work") as caught:
            package.classify([images], model=str(model), output=Path("p.csv"), batch_size=3)
        errors.append(caught)  # its traceback keeps the frames alive
    done = package.classify([images], model=str(model), output=Path("p.csv"), batch_size=3, resume=True)
    assert done.n == 10


# --- from Python, and what else must hold ----------------------------------------------------------------------------


def test_from_python(model: Path, images: Path) -> None:
    result = package.classify(str(images), model=str(model), output=Path("p.parquet"))
    assert (result.n, result.errors, sum(result.labels.values())) == (10, 2, 8)
    assert result.table.colnames == OURS and result.skipped
    assert json.loads(json.dumps(result.as_dict()))["model_digest"] == result.model_digest
    with pytest.raises(ConfigError):
        package.classify([images], model=str(model), top_k=0)
    with pytest.raises(InputError):
        package.classify([], model=str(model))


def test_result_as_json(model: Path, images: Path) -> None:
    code, printed, _ = run_command("classify", images, "--model", model, "-o", "p.csv", "--json", "--quiet")
    assert code == 0 and json.loads(printed)["n"] == 10 and json.loads(printed)["engine"] == "torch"


def test_provenance_is_in_the_table(model: Path, images: Path) -> None:
    assert run_command("classify", images, "--model", model, "-o", "p.ecsv")[0] == 0
    meta = Table.read("p.ecsv").meta
    assert meta["MODELSHA"] == TorchEngine(find_model(model)).record.digest and meta["ENGINE"] == "torch"


def test_warnings_are_as_before(model: Path, images: Path) -> None:
    """Readers keep warnings quiet in many threads; a notebook must get its own filters back."""
    before = list(warnings.filters)
    for _ in range(2):
        package.classify([images] * 10, model=str(model), output=Path("p.csv"))
        assert list(warnings.filters) == before


def test_fits_and_png_of_a_galaxy_are_classified_alike(model: Path) -> None:
    found = {}
    for kind in ("fits", "png"):
        package.simulate(output=Path(kind), n=10, size=96, kind=kind, seed=2)
        table = classified(Path(kind) / "images", "--model", model)
        found[kind] = np.array([[float(row[f"p_{slug}"]) for slug in SLUGS] for row in table])
    apart = np.abs(found["fits"] - found["png"]).max()
    assert apart < 0.01 and apart < 0.2 * found["fits"].std(axis=0).max()


def test_bf16_agrees_with_fp32(model: Path, images: Path) -> None:
    plain = classified(images, "--model", model, "--precision", "fp32")
    half = classified(images, "--model", model, "--precision", "bf16")
    for a, b in zip(plain, half, strict=True):
        assert a["error"] == b["error"]
        if not a["error"]:
            assert float(a["probability"]) == pytest.approx(float(b["probability"]), abs=0.05)
