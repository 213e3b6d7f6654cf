"""A model that is used on what it never saw says so: on the terminal, in the metadata, in JSON and on the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import Table
from PIL import Image
from support.helpers import make_model, write_fits, write_png

import galaxtool
from galaxtool.cli.main import application
from galaxtool.inference.notes import find_notes
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.inference.training_domain import DOMAIN, TrainingDomain, find_domain, summarize_domain
from galaxtool.inputs.gather import gather
from galaxtool.models.record import ModelRecord
from galaxtool.taxonomy.load import build_taxonomy
from galaxtool.types import Cutout, Item

OPTICAL = {"regime": "optical", "color": True, "bands": ["g", "r", "z"], "pixel_scale": 0.262}
RADIO = {"regime": "radio", "color": False, "bands": [], "pixel_scale": 1.8}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("notes") / "model")


def set_data(model: Path, **data: Any) -> ModelRecord:
    """Change what a model says of its training."""
    values = json.loads((model / "model.json").read_text())
    (model / "model.json").write_text(json.dumps({**values, "data": data}))
    return ModelRecord.read(model / "model.json")


def write_cards(path: Path, shape: tuple[int, ...] = (32, 32), **cards: Any) -> Path:
    data = np.random.default_rng(len(cards)).normal(1, 0.1, shape).astype(np.float32)
    fits.writeto(path, data, fits.Header(list(cards.items())), overwrite=True)
    return path


def write_gray(path: Path, mode: str) -> Path:
    gray = np.random.default_rng(1).integers(0, 255, (40, 40), dtype=np.uint8)
    Image.fromarray(gray).convert(mode).save(path)
    return path


@pytest.mark.parametrize(
    "cards",
    [
        {"BUNIT": "Jy/beam"},
        {"BUNIT": "JY/BEAM "},
        {"BUNIT": "mJy beam-1"},
        {"BUNIT": "Jy beam^-1"},
        {"BMAJ": 0.0015, "BMIN": 0.0015},
        {"RESTFRQ": 1.42e9},
    ],
)
def test_radio_maps_and_a_model_of_optical_images(model: Path, tmp_path: Path, cards: dict[str, Any]) -> None:
    record = set_data(model, domain=OPTICAL)
    items = gather([write_cards(tmp_path / "a.fits", **cards)]).items
    (note,) = find_notes(record, ReadingOptions(), items)
    assert note == "The image is a radio map by the header, and the model was trained on optical images."
    assert find_notes(set_data(model, domain=RADIO), ReadingOptions(), items) == []
    assert find_notes(set_data(model), ReadingOptions(), items) == []


def test_a_cube_with_axes_of_frequency_and_stokes(model: Path, tmp_path: Path) -> None:
    axes = {"CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CTYPE3": "FREQ", "CTYPE4": "STOKES"}
    write_cards(tmp_path / "vlass.fits", (1, 1, 32, 32), **axes)
    write_cards(tmp_path / "counts.fits", BUNIT="adu")
    notes = find_notes(set_data(model, domain={"regime": "optical"}), ReadingOptions(), gather([tmp_path]).items)
    assert notes == ["1 of 2 images is a radio map by the header, and the model was trained on optical images."]


@pytest.mark.parametrize("cards", [{"BUNIT": "uJy"}, {"BUNIT": "nanomaggy"}, {"BUNIT": "MJy/sr"}, {"TELESCOP": "HST"}])
def test_optical_images_are_no_radio_maps(model: Path, tmp_path: Path, cards: dict[str, Any]) -> None:
    write_cards(tmp_path / "a.fits", (3, 32, 32), BANDS="grz", **cards)
    items = gather([tmp_path / "a.fits"]).items
    assert find_notes(set_data(model, domain={**OPTICAL, "pixel_scale": None}), ReadingOptions(), items) == []
    (note,) = find_notes(set_data(model, domain=RADIO), ReadingOptions(), items)
    assert note == "The image shows optical bands or colours, and the model was trained on radio maps."


def test_monochrome_and_colour(model: Path, tmp_path: Path) -> None:
    mono = [
        write_cards(tmp_path / "a.fits"),
        write_gray(tmp_path / "l.png", "L"),
        write_gray(tmp_path / "rgb.png", "RGB"),
    ]
    color = [write_png(tmp_path / "c.png", 1), write_cards(tmp_path / "grz.fits", (3, 32, 32), BANDS="grz")]
    of_color, of_mono = {"color": True, "bands": ["g", "r", "z"]}, {"color": False}
    for paths, domain, said in (
        (
            mono,
            of_color,
            "All 3 images are monochrome, and the model was trained on colour images of the bands g, r, z",
        ),
        (color, of_mono, "All 2 images are in colour, and the model was trained on monochrome images"),
        ([*mono, *color], of_color, "3 of 5 images are monochrome"),
        (mono, of_mono, None),
        (color, of_color, None),
        (mono, {}, None),
    ):
        notes = find_notes(set_data(model, domain=domain), ReadingOptions(), gather(paths).items)
        assert [note[: len(said)] for note in notes] == [said] if said else notes == []


def test_pixel_scale(model: Path, tmp_path: Path) -> None:
    write_fits(tmp_path / "a.fits", 1, ra=10.0, dec=0.0)  # 0.262 arcsec
    items = gather([tmp_path / "a.fits"]).items
    for trained, said in ((0.262, None), (0.4, None), (0.05, "coarser: they show less detail"), (0.7, "finer")):
        notes = find_notes(set_data(model, domain={"pixel_scale": trained}), ReadingOptions(), items)
        assert [said in note for note in notes] == [True] if said else notes == []
    field = 48 * 0.262
    for data in ({"field_arcsec": field, "domain": {"pixel_scale": 0.7}}, {"field_arcsec": field}):
        assert find_notes(set_data(model, **data), ReadingOptions(), items) == []


@pytest.mark.parametrize(
    "suffix",
    [
        pytest.param("csv", marks=pytest.mark.slow),
        "ecsv",
        "fits",
        pytest.param("vot", marks=pytest.mark.slow),
        pytest.param("parquet", marks=pytest.mark.slow),
    ],
)
def test_notes_are_in_every_format_and_on_the_page(
    model: Path, tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    set_data(model, domain={"regime": "optical", "simulated": True, "color": None})
    image, output = write_cards(tmp_path / "a.fits", BUNIT="Jy/beam"), tmp_path / f"p.{suffix}"
    words = ["classify", image, "-m", model, "-o", output, "--html", tmp_path / "p.html", "--json"]
    with pytest.raises(SystemExit):
        application()([str(word) for word in words])
    out, err = capsys.readouterr()
    notes = json.loads(out)["notes"]
    assert len(notes) == 2
    assert "trained on simulated galaxies only" in notes[0] and "radio map" in notes[1]
    for note in notes:
        assert f"Warning: {note}" in err
    page = (tmp_path / "p.html").read_text()
    assert page.index('class="notes"') < page.index("trained on simulated") < page.index('id="summary"')
    if suffix != "csv":
        formats = {"ecsv": "ascii.ecsv", "vot": "votable"}
        meta = galaxtool.classify([image], model=str(model), output=output, overwrite=True).table.meta
        assert meta["NOTES"] == " ".join(notes)
        assert Table.read(output, format=formats.get(suffix, suffix)).colnames


def test_no_notes_leave_no_trace(model: Path, tmp_path: Path) -> None:
    set_data(model, names=["mine"])
    image = write_cards(tmp_path / "a.fits", BUNIT="Jy/beam")
    done = galaxtool.classify([image], model=str(model), output=tmp_path / "p.ecsv", html=tmp_path / "p.html")
    assert done.notes == () and "NOTES" not in done.table.meta
    assert '<aside class="notes"' not in (tmp_path / "p.html").read_text()


def test_embeddings_and_indexes_have_notes_and_flags(model: Path, tmp_path: Path) -> None:
    set_data(model, domain={"simulated": True})
    for seed in range(3):
        write_fits(tmp_path / "in" / f"{seed}.fits", seed, size=48)
    done = galaxtool.embed([tmp_path / "in"], model=str(model), output=tmp_path / "e.parquet")
    meta = json.loads(pq.read_schema(tmp_path / "e.parquet").metadata[b"galaxtool"])
    assert meta["notes"] == list(done.notes) == done.as_dict()["notes"] and len(done.notes) == 1
    assert done.as_dict()["flags"] == {"UPSAMPLED": 3}
    galaxtool.embed([tmp_path / "in"], model=str(model), output=tmp_path / "e.npy")
    assert json.loads((tmp_path / "e.meta.json").read_text())["notes"] == list(done.notes)
    index = galaxtool.index([tmp_path / "in"], model=str(model), output=tmp_path / "idx").as_dict()
    stored = json.loads((tmp_path / "idx" / "index.json").read_text())
    assert stored["flags"] == index["flags"] == {"UPSAMPLED": 3}
    assert stored["notes"] == index["notes"] == list(done.notes)


@pytest.mark.parametrize("command", ["classify", "embed", "index"])
def test_flags_end_the_report(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    set_data(model)
    for seed in range(3):
        write_fits(tmp_path / "in" / f"{seed}.fits", seed, size=48 + 100 * (seed == 0))
    output = {"classify": "p.csv", "embed": "e.npy", "index": "idx"}[command]
    with pytest.raises(SystemExit):
        application()([command, str(tmp_path / "in"), "--model", str(model), "-o", str(tmp_path / output)])
    lines = [" ".join(line.split()) for line in capsys.readouterr().err.splitlines()]
    assert lines[-2:] == ["flag images meaning", f"UPSAMPLED 2 {galaxtool.FLAGS['UPSAMPLED']}"]


def test_shards_say_it_once_and_merge_counts_flags(model: Path, tmp_path: Path, capsys: Any) -> None:
    set_data(model, domain={"simulated": True})
    for seed in range(4):
        write_fits(tmp_path / "in" / f"{seed}.fits", seed, size=48)
    for shard in ("1/2", "2/2"):
        with pytest.raises(SystemExit):
            application()(
                ["classify", str(tmp_path / "in"), "-m", str(model), "-o", str(tmp_path / "p.ecsv"), "--shard", shard]
            )
    assert capsys.readouterr().err.count("trained on simulated galaxies only") == 1
    merged = galaxtool.merge(tmp_path / "p.ecsv")
    assert merged.flags == {"UPSAMPLED": 4} and len(merged.notes) == 1
    assert Table.read(tmp_path / "p.ecsv").meta["NOTES"] == merged.notes[0]


# --- what a model says of its training -------------------------------------------------------------------------------


def test_the_bundled_models_say_what_they_were_trained_on() -> None:
    folder = Path(galaxtool.__file__).parent / "models"
    records = [ModelRecord.read(folder / name / "model.json") for name in ("mini", "mini-radio")]
    assert [(find_domain(r).simulated, find_domain(r).regime) for r in records] == [
        (False, "optical"),
        (False, "radio"),
    ]
    # a file that was written before the record had this entry
    old = ModelRecord.from_dict({**records[0].as_dict(), "data": {"names": ["sample"]}}, "onnx")
    assert find_domain(old).simulated and find_domain(old).regime == "optical"


@pytest.mark.parametrize(
    ("ids", "names", "simulated"),
    [
        (["sim-train-000001"], ["sample"], True),
        (["images/sim-train-000001", "images/sim-train-000002"], ["folder"], True),
        (["0:sim-train-000001", "1:m51"], ["a", "b"], False),
        (["m51"], ["folder"], False),
    ],
)
def test_simulated_images_are_recognized(ids: list[str], names: list[str], simulated: bool) -> None:
    found = summarize_domain(
        [], np.zeros((0, 8, 8, 3), np.uint8), items=[Item(id=one) for one in ids], names=names,
        taxonomy=build_taxonomy(["a", "b"]),
    )  # fmt: skip
    assert found == TrainingDomain(simulated=simulated)


def test_what_a_training_saw_is_summarized() -> None:
    rng = np.random.default_rng(0)
    optical = [
        Cutout(data=np.ones((3, 8, 8), np.float32), bands=("g", "r", "z"), pixel_scale=0.26 + 0.01 * k)
        for k in range(5)
    ]
    radio = [Cutout(data=np.ones((1, 8, 8), np.float32), bands=("",), is_radio=True)] * 5
    color = rng.integers(0, 255, (5, 8, 8, 3), dtype=np.uint8)
    gray = np.repeat(color[..., :1], 3, axis=-1)
    arguments: dict[str, Any] = {"items": [Item(id="a")], "names": ["x"], "taxonomy": build_taxonomy(["a", "b"])}
    found = summarize_domain(optical, color, **arguments)
    assert found == TrainingDomain(
        simulated=False, regime="optical", color=True, bands=("g", "r", "z"), pixel_scale=pytest.approx(0.28)
    )
    assert summarize_domain(radio, gray, **arguments) == TrainingDomain(simulated=False, regime="radio", color=False)
    mixed = summarize_domain([*optical, *radio], np.concatenate([color, gray]), **arguments)
    assert (mixed.color, mixed.bands, mixed.pixel_scale) == (None, (), None)
    assert TrainingDomain.from_dict({**found.as_dict(), "later": 1}) == found


@pytest.mark.slow
def test_finetune_records_the_domain(tmp_path: Path) -> None:
    for kind in ("a", "b"):
        for seed in range(6):
            write_fits(tmp_path / "set" / kind / f"{seed}.fits", seed + 10 * (kind == "b"), ra=seed * 3.0, dec=1.0)
    run = galaxtool.finetune(
        [tmp_path / "set"],
        backbone="small-resnet@none",
        method="supervised",
        epochs=1,
        out=tmp_path / "run",
        device="cpu",
    )
    domain = json.loads((Path(run.run) / "model" / "model.json").read_text())["data"][DOMAIN]
    assert domain == {
        "simulated": False, "regime": "", "color": False, "bands": [], "pixel_scale": pytest.approx(0.262, rel=1e-3)
    }  # fmt: skip
