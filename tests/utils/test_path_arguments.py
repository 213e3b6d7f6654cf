"""Every public function takes paths as text, as `Path` and as any path-like object, with ``~`` for the home."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from astropy.io import fits
from astropy.table import Table
from support.helpers import write_fits, write_png
from support.training_helpers import write_class_folders

import galaxtool
from galaxtool.cli.main import COMMANDS
from galaxtool.models.find import find_model
from galaxtool.utils.path_arguments import accept_paths

FUNCTIONS = [name for name in COMMANDS if callable(getattr(galaxtool, name, None))]


@dataclass(frozen=True)
class OtherPath:
    """A path-like object that is neither text nor a Path."""

    text: str

    def __fspath__(self) -> str:
        return self.text


FORMS: list[Callable[[Path], Any]] = [str, Path, lambda path: OtherPath(str(path)), lambda path: f"~/{path.name}"]


def path_parameters(function: Callable[..., Any]) -> dict[str, str]:
    """Return the parameters that take paths, and their annotations."""
    found = inspect.signature(function).parameters.values()
    return {p.name: str(p.annotation) for p in found if "Path" in str(p.annotation)}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("form", FORMS, ids=["text", "Path", "path-like", "home"])
def test_commands_convert_paths_by_their_annotations(
    name: str, form: Callable[[Path], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    function = getattr(galaxtool, name)
    wanted, received = path_parameters(function), {}

    def record(*args: Any, **kwargs: Any) -> None:
        received.update(inspect.signature(record).bind(*args, **kwargs).arguments)

    record.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    required = {
        p.name: tmp_path / p.name
        for p in inspect.signature(function).parameters.values()
        if p.default is inspect.Parameter.empty
    }
    accept_paths(record)(**{key: form(tmp_path / key) for key in {**required, **wanted}})
    for key, annotation in wanted.items():
        text = str(tmp_path / key)
        expected = [text] if "Sequence" in annotation else text if "str" in annotation else Path(text)
        assert received[key] == expected and type(received[key]) is type(expected), key


def test_the_commands_are_wrapped() -> None:
    """All commands with a path, and all options whose texts are paths of something."""
    unwrapped = {name for name in FUNCTIONS if path_parameters(getattr(galaxtool, name))} - {
        name for name in FUNCTIONS if hasattr(getattr(galaxtool, name), "__wrapped__")
    }
    assert not unwrapped
    for name in FUNCTIONS:
        parameters = inspect.signature(getattr(galaxtool, name)).parameters
        for key in {"model", "recipe", "votes"} & set(parameters):
            assert "Path" in str(parameters[key].annotation), f"{key} of {name}"


def test_a_file_called_like_a_home_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "~old").mkdir()

    @accept_paths
    def keep(inputs: Sequence[str | Path], *, output: Path, hdu: str | None = None) -> tuple[Any, ...]:
        return inputs, output, hdu

    assert keep("~old", output="~no-such-user/x", hdu="~1") == (["~old"], Path("~no-such-user/x"), "~1")
    with pytest.raises(TypeError, match="output"):
        keep(["a"])


@pytest.mark.slow
@pytest.mark.usefixtures("narrow")
def test_a_session_with_path_objects_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The quickstart and what follows; each function gets Path for each of its paths, and records can be written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    images = write_class_folders(tmp_path / "images", each=4)
    run = galaxtool.finetune(
        images, method="supervised", backbone="small-resnet@none", epochs=1, out=tmp_path / "run", valid_fraction=0.5
    )
    classified = galaxtool.classify(
        images, model=run.run, output=tmp_path / "p.csv", html=tmp_path / "p.html", sort_into=tmp_path / "sorted"
    )
    assert len(classified.table) == 8 and classified.errors == 0
    bundled = find_model("mini").onnx
    assert bundled is not None
    (tmp_path / "m.onnx").symlink_to(bundled)
    embedded = galaxtool.embed([images / "ring", images / "disc"], model=bundled, output=tmp_path / "e.npy")
    indexed = galaxtool.index([images], model=Path("~/run"), output=tmp_path / "index")
    first = images / "ring" / "0.png"
    for source in ({"index": indexed.output}, {"among": images, "model": Path("run/model")}):
        found = galaxtool.similar(first, **source, output=tmp_path / "s.csv", sheet=tmp_path / "s.png", k=2)
        assert len(Table.read(tmp_path / "s.csv")) == 2, found
    for part in ("1/2", "2/2"):
        galaxtool.classify(images, model=OtherPath("m.onnx"), output=Path("~/job.csv"), shard=part)
    merged = galaxtool.merge(Path("~/job.csv"), html=Path("~/job.html"), sort_into=Path("~/again"))
    assert len(Table.read(tmp_path / "job.csv")) == 8 and (tmp_path / "again").is_dir()
    for result in (run, classified, embedded, indexed, merged):
        json.dumps(result.as_dict())
    model = galaxtool.load_model(Path("~/run"))
    assert list(model.classify([first])["id"]) == ["0"] and model.classes == ["disc", "ring"]
    assert len(galaxtool.load_model(OtherPath("~/m.onnx")).classify(first)) == 1


def test_images_and_cutouts_by_path_objects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    picture = write_png(tmp_path / "a.png", 0)
    field = write_fits(tmp_path / "field.fits", 0, ra=150.0, dec=2.0, size=64)
    for form in FORMS:
        assert galaxtool.read_image(form(picture)).data.shape == (3, 40, 40)
    Table({"id": ["x"], "ra": [150.0], "dec": [2.0]}).write(tmp_path / "c.csv")
    cut = galaxtool.cutouts([Path(field.name), Path("c.csv")], output=Path("~/cut"), size=8)
    assert cut.cut == 1 and os.fspath(cut.output) == str(tmp_path / "cut")
    made = galaxtool.simulate(output=Path("~/simulated"), n=2, size=32)
    assert fits.getdata(next((tmp_path / "simulated").rglob("*.fits"))).shape[-1] == 32 and made.output.is_dir()
