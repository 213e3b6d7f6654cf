"""What `galaxtool finetune` can be told, each once, on a few pictures."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from support.training_helpers import run_command, run_failing, write_class_folders
from torch import nn

from galaxtool import get_registry, hookimpl
from galaxtool.errors import GalaxtoolError
from galaxtool.evaluation.calibration import Calibration
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.finetuning.data import gather_labeled
from galaxtool.plugins.specs import HeadSpec
from galaxtool.tables.read import read_table
from galaxtool.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("narrow", "in_an_empty_folder")

QUICK = (
    "--backbone",
    "small-resnet@none",
    "--epochs",
    "1",
    "--batch-size",
    "8",
    "--device",
    "cpu",
    "--precision",
    "fp32",
)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_class_folders(tmp_path_factory.mktemp("images") / "set")


def record(run: str) -> dict[str, Any]:
    return json.loads(Path(run, "model", "model.json").read_text())


def trained(*args: object, run: str = "run") -> dict[str, Any]:
    """Train, classify the same pictures by the model, and return its record."""
    code, _, said = run_command("finetune", *args, *QUICK, "--out", run)
    assert code == 0, said
    return record(run)


def classified(images: Path, run: str = "run") -> Table:
    code, _, said = run_command("classify", images, "--model", run, "-o", "p.csv", "--device", "cpu", "--overwrite")
    assert code == 0, said
    return read_table(Path("p.csv"))


# --- heads -----------------------------------------------------------------------------------------------------------


def test_a_knn_head_goes_with_any_method(images: Path) -> None:
    found = trained(images, "--method", "supervised", "--head", "knn")
    assert found["head"] == "knn"
    table = classified(images)
    np.testing.assert_allclose(table["p_disc"] + table["p_ring"], 1, atol=1e-5)
    labels = np.array([Path(path).parent.name for path in table["path"]])
    assert (table["label"] == labels).mean() > 0.8  # most of them are in its memory


def test_a_head_that_a_method_cannot_train(images: Path) -> None:
    said = run_failing("finetune", images, *QUICK, "--method", "supervised", "--head", "prompt")
    assert "The method 'supervised' cannot train the head 'prompt'." in said and "linear, knn, logistic, votes" in said
    said = run_failing("finetune", images, *QUICK, "--method", "supervised", "--head", "vots")
    assert "Did you mean 'votes'?" in said


class TwoLayers(nn.Sequential):
    """A head as a plugin may bring it."""

    def __init__(self, dim: int, n_classes: int) -> None:
        super().__init__(nn.Linear(dim, 8), nn.GELU(), nn.Linear(8, n_classes))


@pytest.mark.parametrize("method", ["supervised", pytest.param("linear-probe", marks=pytest.mark.slow)])
def test_the_head_of_a_plugin_is_trained_by_the_methods_that_learn_its_labels(
    method: str, images: Path, request: pytest.FixtureRequest
) -> None:
    spec = HeadSpec(name="two-layers", factory=f"{__name__}:TwoLayers")
    plugins = get_registry().plugins
    plugins.register(SimpleNamespace(register_heads=hookimpl(lambda: [spec])), "third")
    request.addfinalizer(lambda: plugins.unregister("third"))
    found = trained(images, "--method", method, "--head", "two-layers", run=f"run-{method}")
    assert found["head"] == "two-layers"
    shares = classified(images, f"run-{method}")
    np.testing.assert_allclose(shares["p_disc"] + shares["p_ring"], 1, atol=1e-5)
    rows = {row["name"]: row for row in json.loads(run_command("heads", "--json")[1])["heads"]}
    assert {"supervised", "linear-probe"} <= {*rows["two-layers"]["methods"]}
    assert "clip" not in rows["two-layers"]["methods"] and "supervised" not in rows["prompt"]["methods"]
    said = run_failing("finetune", images, *QUICK, "--method", "clip", "--head", "two-layers")
    assert "The method 'clip' cannot train the head 'two-layers'." in said


def test_votes_are_learned_from_a_catalogue(images: Path) -> None:
    rng = np.random.default_rng(0)
    paths = sorted(images.rglob("*.png"))
    counts = {
        "smooth-or-featured-gz2_smooth": rng.integers(5, 30, len(paths)),
        "smooth-or-featured-gz2_featured-or-disk": rng.integers(5, 30, len(paths)),
        "smooth-or-featured-gz2_artifact": rng.integers(0, 3, len(paths)),
    }
    Table({"id_str": [f"g{i}" for i in range(len(paths))], "file_loc": [str(p) for p in paths], **counts}).write(
        "votes.csv"
    )
    found = trained("votes.csv", "--method", "supervised", "--votes", "gz2")
    assert found["head"] == "votes" and found["votes"]["name"] == "gz2"
    table = classified(images)
    shares = sum(table[f"p_smooth_or_featured_{answer}"] for answer in ("smooth", "featured_or_disk", "artifact"))
    np.testing.assert_allclose(shares, 1, atol=1e-5)
    metrics = json.loads(Path("run", "metrics.json").read_text())
    assert 0 <= metrics["mean_error"]["value"] <= 1


def test_votes_need_a_schema_and_a_method_that_learns_them(images: Path) -> None:
    assert "--votes gz2" in run_failing("finetune", images, *QUICK, "--method", "supervised", "--head", "votes")
    said = run_failing("finetune", images, *QUICK, "--method", "clip", "--votes", "gz2")
    assert "The method 'clip' cannot train the head 'votes'." in said
    said = run_failing("finetune", images, *QUICK, "--method", "supervised", "--votes", "gz3")
    assert "gz3" in said and "gz2" in said


# --- losses and probabilities ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_temperature_that_helps_is_kept(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = Calibration(2.5, 2.5, 50, log_loss=0.5, log_loss_uncalibrated=0.6, ece=0.1, ece_uncalibrated=0.2)
    with monkeypatch.context() as patch:
        patch.setattr("galaxtool.training.objective.choose_temperature", lambda *_: chosen)
        found = trained(images, "--method", "supervised")
    assert found["temperature"] == 2.5 and found["metrics"]["calibration"]["note"] == chosen.note
    assert "The temperature 2.5 is used" in Path("run", "log.txt").read_text()
    assert found["metrics"]["ece_uncalibrated"]["value"] is not None
    before = classified(images)
    plain = trained(images, "--method", "supervised", "--no-calibrate", run="plain")
    assert plain["temperature"] == 1 and "calibration" not in plain["metrics"]
    after = classified(images, "plain")
    assert list(before["label"]) == list(after["label"])
    np.testing.assert_allclose(
        np.log(before["p_disc"] / before["p_ring"]) * found["temperature"],
        np.log(after["p_disc"] / after["p_ring"]),
        rtol=1e-3, atol=1e-4,
    )  # fmt: skip


def test_weights_and_smoothing_are_in_the_record(images: Path) -> None:
    found = trained(
        images, "--method", "supervised", "--class-weights", "inverse", "--label-smoothing", "0.1", "--ema", "0.9",
        "--accumulate", "2", "--stopping", "loss-margin",
    )["method"]  # fmt: skip
    assert (found["class_weights"], found["label_smoothing"], found["ema"]) == ("inverse", 0.1, 0.9)
    assert (found["accumulate"], found["stopping"]) == (2, "loss-margin")


@pytest.mark.slow
def test_the_former_name_of_loss_margin_still_works(images: Path) -> None:
    Path("old.toml").write_text('[finetune]\nstopping = "paper-002"\n')
    assert trained(images, "--method", "supervised", "--recipe", "old.toml")["method"]["stopping"] == "loss-margin"
    found = trained(images, "--method", "supervised", "--stopping", "paper-002", run="typed")["method"]
    assert found["stopping"] == "loss-margin"
    for file in ("manifest.json", "config.toml"):
        path = Path("typed", file)
        assert "loss-margin" in path.read_text()
        path.write_text(path.read_text().replace("loss-margin", "paper-002"))
    for name in ("paper-002", "loss-margin"):
        manifest = json.loads(Path("typed/manifest.json").read_text())
        assert manifest["config"]["stopping"]["value"] == "paper-002"
        Path("typed/manifest.json").write_text(json.dumps({**manifest, "status": "interrupted"}))
        code, _, said = run_command("finetune", "--resume", "typed", "--stopping", name)
        assert code == 0, said


def test_smoothing_is_for_cross_entropy(images: Path) -> None:
    said = run_failing("finetune", images, *QUICK, "--method", "clip", "--label-smoothing", "0.1")
    assert "--label-smoothing is for cross-entropy" in said


@pytest.mark.parametrize(
    ("option", "says"),
    [
        (("--class-weights", "inverted"), "inverse"),
        (("--stopping", "loss"), "loss-margin"),
        (("--ema", "1"), "--ema is 1.0"),
        (("--layer-decay", "0"), "--layer-decay is 0.0"),
        (("--accumulate", "0"), "--accumulate is 0"),
        (("--channels", "g,,r"), "is not a list of different bands"),
        (("--option", "rank"), "option of the method"),
    ],
)
def test_invalid_options_are_refused(option: tuple[str, str], says: str, images: Path) -> None:
    assert says in run_failing("finetune", images, *QUICK, "--method", "clip", *option)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--method", "linear-probe", "--layer-decay", "0.5"), "--layer-decay changes nothing with the method 'linear"),
        (("--method", "linear-probe", "--checkpointing"), "--checkpointing changes nothing with the method 'linear"),
        (("--method", "linear-probe", "--compile"), "--compile changes nothing with the method 'linear-probe'"),
        (("--method", "supervised", "--warmup-epochs", "3"), "--warmup-epochs changes nothing with the method 'superv"),
        (("--method", "galaxalign-v2", "--warmup-epochs", "3"), "'galaxalign-v2', which has one stage"),
        (("--method", "shallow", "--layer-decay", "0.5"), "--layer-decay changes nothing: only the last block of the"),
        (("--method", "shallow", "--option", "blocks=0", "--checkpointing"), "no layer of the image encoder learns"),
        (
            ("--method", "clip", "--stopping", "loss-margin", "--patience", "3"),
            "--patience changes nothing with --stopp",
        ),
        (("--method", "supervised", "--votes", "gz2", "--all-classes"), "--all-classes is for classes; --votes"),
        (("--method", "clip", "--taxonomy", "galaxy10", "--symbols", "drawings"), "--symbols is for classes of your"),
    ],
)
def test_options_without_effect_are_refused(options: tuple[str, ...], says: str, images: Path) -> None:
    said = run_failing("finetune", images, *QUICK, *options, "--out", "run")
    assert says in said and "Leave it out" in said


def test_a_recipe_of_another_method_may_be_used(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(config: FinetuneConfig, *_: Any, **__: Any) -> None:
        assert (config.method, config.layer_decay, config.warmup_epochs) == ("linear-probe", 1.0, None)
        raise GalaxtoolError("enough")

    Path("mine.toml").write_text('[finetune]\nmethod = "galaxalign"\nwarmup_epochs = 2\nlayer_decay = 0.5\n')
    with monkeypatch.context() as patch:
        patch.setattr("galaxtool.finetuning.run.prepare_training", start)
        said = run_failing("finetune", images, *QUICK, "--recipe", "mine.toml", "--method", "linear-probe")
    assert "enough" in said
    Path("wrong.toml").write_text('[finetune]\nmethod = "linear-probe"\nlayer_decay = 0.5\n')
    said = run_failing("finetune", images, *QUICK, "--recipe", "wrong.toml", "--out", "other")
    assert "--layer-decay (recipe wrong.toml) changes nothing" in said


@pytest.mark.parametrize("option", ["alpha=8", "dropout=0.1"])
def test_adapters_that_are_not_there_have_no_settings(option: str, images: Path) -> None:
    method = ("--method", "dino-lora", "--option", "rank=0", "--option", option, "--option", "local_crops=0")
    said = run_failing("finetune", images, *QUICK, *method, "--out", "run")
    assert "are for LoRA, which rank=0 switches off" in said


def test_resumed_run_keeps_its_own_settings(images: Path) -> None:
    trained(images, "--method", "linear-probe")
    manifest = json.loads(Path("run", "manifest.json").read_text())
    del manifest["config"]["separation"]  # as an earlier version left it
    Path("run", "manifest.json").write_text(json.dumps({**manifest, "status": "interrupted"}))
    said = run_failing("finetune", images, "--resume", "run", "--epochs", "5")
    assert "--epochs has another value there" in said and "config.toml" in said
    said = run_failing("finetune", "elsewhere", "--resume", "run")
    assert "the data set has another value there" in said
    assert "--overwrite deletes it" in run_failing("finetune", "--resume", "run", "--overwrite")
    code, _, said = run_command("finetune", images, "--resume", "run", "--epochs", "1", "--out", "run")
    assert code == 0, said


# --- methods ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "method",
    [pytest.param("linear-probe", marks=pytest.mark.slow), pytest.param("shallow", marks=pytest.mark.slow), "deep"],
)
def test_methods_that_train_a_part(method: str, images: Path) -> None:
    assert trained(images, "--method", method)["head"] == "linear"
    assert len(classified(images)) == 16


@pytest.mark.slow
def test_low_rank_adapters_leave_a_plain_model(images: Path) -> None:
    pytest.importorskip("peft")
    found = trained(images, "--method", "lora", "--option", "rank=2")
    assert found["method"]["options"]["rank"] == 2
    assert len(classified(images)) == 16


def test_options_of_a_method(images: Path) -> None:
    pytest.importorskip("peft")
    said = run_failing("finetune", images, *QUICK, "--method", "lora", "--option", "rnk=2")
    assert "Did you mean 'rank'?" in said
    said = run_failing("finetune", images, *QUICK, "--method", "lora", "--option", "rank=two")
    assert "--option rank=two: it must be a whole number." in said


def test_learning_without_any_label(images: Path) -> None:
    pytest.importorskip("peft")
    Table({"path": [str(p) for p in sorted(images.rglob("*.png"))]}).write("plain.csv")
    found = trained("plain.csv", "--method", "dino-lora", "--option", "rank=2", "--option", "local_crops=1")
    assert found["head"] == "none" and "no classes" in found["notes"]
    said = run_failing("classify", images, "--model", "run")
    assert "has no classes" in said and "embed" in said
    code, _, err = run_command("embed", images, "--model", "run", "-o", "e.parquet", "--device", "cpu")
    assert code == 0, err
    weights = Path("run", "model", "weights.safetensors")
    probed = ("--method", "linear-probe", *QUICK[2:], "--backbone", f"small-resnet@{weights}", "--out", "probe")
    assert run_command("finetune", images, *probed)[0] == 0


# --- what the backbone is shown --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_gray_and_bands(images: Path, tmp_path: Path) -> None:
    found = trained(images, "--method", "clip", "--channels", "gray")
    assert found["preprocess"]["channels"] == ["gray"]
    assert len(classified(images)) == 16
    rng = np.random.default_rng(0)
    for i in range(12):
        folder = tmp_path / "cubes" / ("ring", "disc")[i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        cube = fits.PrimaryHDU(rng.normal(i % 2, 1, (5, 20, 20)).astype(np.float32))
        cube.header["BANDS"] = "grizy"
        cube.writeto(folder / f"{i}.fits")
    found = trained(tmp_path / "cubes", "--method", "supervised", "--channels", "g,r,i,z,y", run="five")
    assert found["preprocess"]["channels"] == ["g", "r", "i", "z", "y"]
    assert len(classified(tmp_path / "cubes", "five")) == 12


@pytest.mark.slow
def test_an_image_backbone_borrows_a_text_encoder(images: Path) -> None:
    quick = (*QUICK[2:], "--backbone", "small-cnn@none")
    code, _, said = run_command(
        "finetune", images, "--method", "clip", *quick, "--text-encoder", "small-resnet@none", "--out", "run"
    )
    assert code == 0, said
    assert record("run")["text_encoder"] == "small-resnet@none" and record("run")["has_text"]
    assert len(classified(images)) == 16
    said = run_failing("finetune", images, "--method", "clip", *quick)
    assert "--text-encoder clip-vit-16@/path/to/file" in said and "--text-encoder mini" in said
    said = run_failing("finetune", images, "--method", "supervised", *quick, "--text-encoder", "mini")
    assert "does not use text" in said
    said = run_failing("finetune", images, "--method", "clip", *QUICK, "--text-encoder", "mini")
    assert "already has a text encoder" in said


# --- splits ----------------------------------------------------------------------------------------------------------


def test_a_split_can_be_given(images: Path) -> None:
    trained(images, "--method", "supervised", "--seed", "4")
    trained(images, "--method", "supervised", "--split", "run/split.csv", run="again")
    assert Path("again", "split.csv").read_bytes() == Path("run", "split.csv").read_bytes()
    said = run_failing("finetune", images, *QUICK, "--split", "run/splits.csv")
    assert "There is no table at 'run/splits.csv'." in said and "Did you mean 'run/split.csv'?" in said


def test_missing_files_come_with_a_hint(images: Path) -> None:
    Path("sets").mkdir()
    Path("sets", "Galaxy10_DECals.h5").touch()
    Path("mine.toml").touch()
    for arguments, says in {
        ("galaxy10:sets/Galaxy10_DECal.h5",): "Did you mean 'sets/Galaxy10_DECals.h5'?",
        ("galaxy10:set/Galaxy10_DECals.h5",): "The folder 'set' does not exist either.",
        ("rgz:set",): "Did you mean 'sets'?",
        ("./set",): "Did you mean 'sets'?",
        (images, "--recipe", "mina.toml"): "Did you mean 'mine.toml'?",
        (images, "--split", "x/y.csv"): "The folder 'x' does not exist either.",
        (images, "--split", "abc.csv"): "This folder has mine.toml, sets.",
        (images, "--votes", "sets/rings.toml"): "The folder 'sets' has Galaxy10_DECals.h5.",
    }.items():
        assert says in run_failing("finetune", *arguments, *QUICK, "--method", "supervised"), arguments


def test_a_crowded_field_is_one_group_until_told_otherwise(images: Path) -> None:
    paths = sorted(images.rglob("*.png"))
    crowd = {"path": [str(p) for p in paths], "label": [p.parent.name for p in paths]}
    crowd |= {"ra": [150.0] * len(paths), "dec": [2 + i * 30 / 3600 for i in range(len(paths))]}
    Table(crowd).write("crowd.csv")
    said = run_failing("finetune", "crowd.csv", *QUICK, "--method", "linear-probe", "--out", "run")
    assert 'validate on: 16 of the 16 images are within 60" of one another' in said and "Lower --separation" in said
    trained("crowd.csv", "--method", "linear-probe", "--separation", "20")
    assert "valid" in set(read_table(Path("run", "split.csv"))["split"])
    said = run_failing("finetune", "crowd.csv", *QUICK, "--separation", "-1", "--out", "other")
    assert "--separation is -1.0" in said
    for i, path in enumerate(paths):  # a single file in many copies: no separation would help
        crowd["dec"][i] = 2.0 + i
        Path("copies").mkdir(exist_ok=True)
        Path("copies", path.parent.name + path.name).write_bytes(paths[0].read_bytes())
    crowd["path"] = [str(Path("copies", p.parent.name + p.name)) for p in paths]
    Table(crowd).write("copies.csv")
    said = run_failing("finetune", "copies.csv", *QUICK, "--method", "linear-probe", "--out", "other")
    assert "16 of the 16 images are copies of one another" in said and "--separation" not in said


def test_a_class_with_a_single_image_is_named(images: Path, tmp_path: Path) -> None:
    folder = write_class_folders(tmp_path / "few", classes=("ring", "disc", "bar"))
    for extra in sorted((folder / "bar").iterdir())[1:]:
        extra.unlink()
    code, _, said = run_command("finetune", folder, *QUICK, "--method", "supervised", "--out", "run")
    assert code == 0 and "No image of 'bar' is left to validate on, so its score is not known." in said
    (folder / "lens").mkdir()
    next((folder / "ring").iterdir()).rename(folder / "lens" / "other.png")
    labeled = gather_labeled(FinetuneConfig(dataset=[str(folder)]))
    lost = "No image of 'bar', 'lens' is left to validate on, so their scores are not known."
    assert [warning for warning in labeled.warnings if "left to validate" in warning] == [lost]


def test_the_column_of_identifiers_is_no_warning(images: Path) -> None:
    files = sorted(images.rglob("*.png"))
    rows = [f"{i + 100},{f.relative_to(images)},{f.parent.name}" for i, f in enumerate(files)]
    (images / "gals.csv").write_text("\n".join(["objid,path,label", *rows]))
    labeled = gather_labeled(FinetuneConfig(dataset=[str(images / "gals.csv")]))
    assert labeled.items[0].id == "100" and not any("objid" in text for text in (*labeled.notes, *labeled.warnings))


# --- augmentation, floor of the learning rate, epoch that is kept -----------------------------------------------------


@pytest.mark.parametrize(
    ("augment", "changed"),
    [("none", {"zoom": 1.0, "gain": 0.0, "rotate": False}), ("survey", {"zoom": 2.0, "gray": 0.2})],
)
def test_settings_of_a_training_without_choices(augment: str, changed: dict[str, Any], images: Path) -> None:
    seen: list[Any] = []
    whole = Trainer.fit
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "fit", lambda self, **given: seen.append(self.task) or whole(self, **given))
        found = trained(
            images, "--method", "supervised", "--augment", augment, "--lr", "1e-3", "--min-lr", "1e-6", "--select",
            "last", "--no-calibrate",
        )  # fmt: skip
    assert {name: getattr(seen[0].augmentation, name) for name in changed} == changed
    assert (found["method"]["min_lr"], found["method"]["select"]) == (1e-6, "last")
    assert found["metrics"]["epochs_compared"] == 1
    assert found["notes"] == "Scores are of the validation split of its own training data, which chose nothing."
    settings = tomllib.loads(Path("run", "config.toml").read_text())["finetune"]
    assert (settings["augment"], settings["min_lr"], settings["select"]) == (augment, 1e-6, "last")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--lr", "1e-4", "--min-lr", "1e-3"), "--min-lr 0.001 is above the learning rate, 0.0001 (as set)."),
        (("--min-lr", "-1"), "--min-lr is -1.0; it must be a number of at least 0."),
        (("--select", "first"), "--select is 'first', which is not one of best, last."),
        (("--augment", "mirror"), "not one of none, flips, standard, survey-mild, survey."),
        (("--select", "last", "--patience", "3"), "--patience changes nothing with --select last"),
        (
            ("--method", "linear-probe", "--augment", "flips"),
            "--augment changes nothing with the method 'linear-probe'",
        ),
    ],
)
def test_settings_that_cannot_be(given: tuple[str, ...], said: str, images: Path) -> None:
    method = () if "--method" in given else ("--method", "supervised")
    assert said in run_failing("finetune", images, *QUICK, *method, *given)
