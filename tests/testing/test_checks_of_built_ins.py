"""What galaxtool brings passes the checks that plugins are asked to pass."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from astropy.io import fits
from PIL import Image
from support.helpers import write_fits, write_png
from support.plugin_helpers import add_plugin, run_python

import galaxtool
from galaxtool import get_registry

REGISTRY = get_registry()


@pytest.mark.parametrize("name", REGISTRY.metrics.names())
def test_metrics(name: str) -> None:
    galaxtool.check_metric(name)


@pytest.mark.parametrize("name", REGISTRY.table_formats.names())
def test_table_formats(name: str) -> None:
    galaxtool.check_table_format(name)


@pytest.mark.parametrize("name", REGISTRY.taxonomies.names())
def test_taxonomies(name: str) -> None:
    galaxtool.check_taxonomy(name)


@pytest.mark.parametrize("name", REGISTRY.vote_schemas.names())
def test_vote_schemas(name: str) -> None:
    galaxtool.check_vote_schema(name)


@pytest.mark.parametrize("name", REGISTRY.anomaly_methods.names())
def test_anomaly_methods(name: str) -> None:
    galaxtool.check_anomaly_method(name)


@pytest.mark.parametrize("name", REGISTRY.models.names())
def test_models(name: str) -> None:
    galaxtool.check_model(name)


@pytest.mark.parametrize("name", REGISTRY.recipes.names())
def test_recipes(name: str) -> None:
    galaxtool.check_recipe(name)


@pytest.mark.parametrize("name", ["flat", "sq8"])
def test_indexes(name: str) -> None:
    galaxtool.check_index(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in REGISTRY.indexes.names() if name not in ("flat", "sq8")])
def test_other_indexes(name: str) -> None:
    galaxtool.check_index(name)


@pytest.mark.parametrize(("name", "argument"), [("cone", "150,10,36000"), ("where", "dec > 0")])
def test_search_filters(name: str, argument: str) -> None:
    galaxtool.check_search_filter(name, argument)


def test_readers(tmp_path: Path) -> None:
    galaxtool.check_reader("fits", write_fits(tmp_path / "a.fits", 1))
    galaxtool.check_reader("raster", write_png(tmp_path / "a.png", 1))
    Image.fromarray(np.arange(1600, dtype=np.uint8).reshape(40, 40)).save(tmp_path / "a.jpg")
    galaxtool.check_reader("raster", tmp_path / "a.jpg")


def test_containers(tmp_path: Path) -> None:
    images = [write_fits(tmp_path / f"{i}.fits", i) for i in range(3)]
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for image in images:
            archive.write(image, image.name)
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for image in images:
            archive.add(image, image.name)
    pixels = np.stack([fits.getdata(image) for image in images]).astype(np.float32)
    fits.HDUList([fits.PrimaryHDU(), *map(fits.ImageHDU, pixels)]).writeto(tmp_path / "many.fits")
    np.save(tmp_path / "a.npy", pixels)
    with h5py.File(tmp_path / "a.h5", "w") as stack:
        stack["images"] = pixels
    given = {"zip": "a.zip", "tar": "a.tar", "fits-hdus": "many.fits", "numpy": "a.npy", "hdf5": "a.h5"}
    for name in REGISTRY.containers.names():
        galaxtool.check_container(name, tmp_path / given[name] if name in given else None)


def test_threads() -> None:
    galaxtool.check_executor("threads")


@pytest.mark.slow
def test_processes() -> None:
    galaxtool.check_executor("processes")


@pytest.mark.slow
@pytest.mark.parametrize("name", REGISTRY.heads.names())
def test_heads(name: str) -> None:
    galaxtool.check_head(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", REGISTRY.methods.names())
def test_methods(name: str) -> None:
    # adapters need a transformer
    galaxtool.check_method(name, backbone="timm:vit_tiny_patch16_224@none" if "lora" in name else "")


@pytest.mark.slow
@pytest.mark.parametrize("head", ["linear", "prompt", "votes"])
def test_onnx_of_heads(head: str) -> None:
    galaxtool.check_onnx(head=head)


@pytest.mark.slow
def test_onnx_of_the_bundled_backbone() -> None:
    galaxtool.check_onnx("mini@none")


@pytest.mark.slow
def test_plots(tmp_path: Path) -> None:
    galaxtool.simulate(output=tmp_path / "images", n=4)
    galaxtool.check_plot("samples", str(tmp_path / "images"))


@pytest.mark.slow
def test_check_of_a_command(tmp_path: Path) -> None:
    source = "def good(n: int = 2):\n    'Count.'\n"
    add_plugin(tmp_path, "moons", source, commands={"moons": "good", "void": "nothing"})
    code = "import galaxtool, sys\ngalaxtool.check_command(sys.argv[1])"
    assert run_python("-c", code, "moons", path=tmp_path).returncode == 0
    bad = run_python("-c", code, "void", path=tmp_path)
    assert bad.returncode == 1 and "AssertionError: `galaxtool void --help` fails" in bad.stderr


def test_plugins_that_import_heavy_packages_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_plugin(tmp_path, "heavy", "import numpy")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(AssertionError, match="imports numpy, so every listing waits"):
        galaxtool.check_plugin_is_light("heavy")
    with pytest.raises(AssertionError, match="There is no plugin called 'nonsuch'"):
        galaxtool.check_plugin_is_light("nonsuch")
