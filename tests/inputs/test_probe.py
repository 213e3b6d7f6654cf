"""Files opened once: what a probe finds, and how often a training opens each file."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from support.helpers import write_fits, write_png

from galaxtool.errors import GalaxtoolError
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.finetuning.run import run_finetune
from galaxtool.inputs.probe import END_BYTES, FileProber
from galaxtool.training.trainer import Trainer
from galaxtool.types import ImageRef

KINDS = ("ring", "disc")

_opens: Counter[str] | None = None


def _count_open(event: str, arguments: tuple[Any, ...]) -> None:
    if _opens is not None and event == "open" and isinstance(arguments[0], (str, bytes)):
        _opens[os.path.realpath(os.fsdecode(arguments[0]))] += 1


sys.addaudithook(_count_open)


def count_opens(action: Callable[[], object], folder: Path) -> dict[str, int]:
    """Return how often each file below a folder is opened by Python."""
    global _opens
    _opens = Counter()
    try:
        action()
        counts = _opens
    finally:
        _opens = None
    files = [path.resolve() for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder.resolve())): counts[str(path)] for path in files}


def refs(paths: Sequence[Path]) -> list[ImageRef]:
    return [ImageRef(path) for path in paths]


def with_image_hdu(path: Path, seed: int, *, ra: float, dec: float) -> Path:
    """Write a file whose image, with a position, is in an extension."""
    data, header = fits.getdata(write_fits(path, seed, ra=ra, dec=dec), header=True)
    units = [fits.PrimaryHDU(), fits.ImageHDU(data + 1), fits.ImageHDU(data, header, name="SCI")]
    fits.HDUList(units).writeto(path, overwrite=True)
    return path


def test_probe_finds_size_digest_position_and_tables(tmp_path: Path) -> None:
    image = write_fits(tmp_path / "image.fits", 0, ra=150.0, dec=2.0)
    units = with_image_hdu(tmp_path / "units.fits", 1, ra=10.0, dec=5.0)
    table = tmp_path / "table.fits"
    Table({"a": [1, 2]}).write(table)
    png = write_png(tmp_path / "p.png", 0)
    broken = tmp_path / "broken.fits"
    broken.write_bytes(b"SIMPLE  = nonsense")
    paths = [image, units, table, png, broken, tmp_path / "absent.fits", tmp_path]
    prober = FileProber("SCI")
    probes = dict(zip([path.name for path in paths], prober.probe(refs(paths)), strict=True))
    for path in paths[:5]:
        content = path.read_bytes()
        tail = content[max(END_BYTES, len(content) - END_BYTES) :]
        assert probes[path.name].size == len(content)
        assert probes[path.name].digest == blake2b(content[:END_BYTES] + tail).digest()
    assert [name for name, probe in probes.items() if probe.is_table] == ["table.fits"]
    assert probes["image.fits"].positions[None] == pytest.approx((150.0, 2.0))
    assert probes["units.fits"].positions.keys() == {"SCI"}
    assert probes["units.fits"].positions["SCI"] == pytest.approx((10.0, 5.0))
    assert probes["p.png"].positions == probes["broken.fits"].positions == {}
    for absent in ("absent.fits", tmp_path.name):
        assert probes[absent].size is None and probes[absent].digest is None
    assert prober.sizes(refs(paths)) == [probe.size for probe in probes.values()]


def test_probe_opens_each_file_once(tmp_path: Path) -> None:
    paths = [with_image_hdu(tmp_path / f"{i}.fits", i, ra=10.0 + i, dec=5.0) for i in range(3)]
    paths += [write_fits(tmp_path / f"lone{i}.fits", i, ra=10.0, dec=5.0) for i in range(3)]
    paths.append(write_png(tmp_path / "p.png", 0))
    prober = FileProber("SCI")

    def probe_again_and_again() -> None:
        prober.probe(refs(paths), positions=False)
        prober.find_tables([os.fsencode(path) for path in paths])
        prober.probe(refs(paths))

    assert set(count_opens(lambda: prober.probe(refs(paths)), tmp_path).values()) == {1}
    assert set(count_opens(probe_again_and_again, tmp_path).values()) == {0}
    large = tmp_path / "large" / "large.fits"
    large.parent.mkdir()
    fits.PrimaryHDU(np.zeros((1, 1500, 1500), np.float32)).writeto(large)
    assert count_opens(lambda: FileProber().probe(refs([large])), large.parent) == {"large.fits": 1}


def stop_before_the_first_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def fit(*_: Any, **__: Any) -> None:
        raise GalaxtoolError("enough")

    monkeypatch.setattr(Trainer, "fit", fit)


@pytest.mark.parametrize("form", ["folder", "splits", "glob", "catalogue"])
@pytest.mark.parametrize("hdu", [pytest.param(None, marks=pytest.mark.slow), "SCI"])
def test_training_opens_each_file_at_most_twice(
    form: str, hdu: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    root = Path("set")
    for i in range(16):
        part = ("train", "valid")[i // 8] if form == "splits" else ""
        place = root / part / KINDS[i % 2]
        with_image_hdu(place / f"{i}.fits", i, ra=10.0 + i, dec=5.0)
        if hdu is None:
            write_fits(place / f"lone{i}.fits", 100 + i, ra=10.0 + i, dec=6.0)
            write_png(place / f"{i}.png", i)
    Table({"a": [1, 2]}).write(root / "table.fits")
    paths = sorted(path for path in root.rglob("*.*") if path.parent.name in KINDS)
    Table({"path": [str(path) for path in paths], "label": [path.parent.name for path in paths]}).write("rows.csv")
    dataset = {"folder": "set", "splits": "set", "glob": "set/*/*.*", "catalogue": "rows.csv"}[form]
    config = FinetuneConfig(
        dataset=[dataset], hdu=hdu, backbone="small-resnet@none", method="supervised", device="cpu", output=Path("run")
    )
    stop_before_the_first_step(monkeypatch)

    def train() -> None:
        with pytest.raises(GalaxtoolError, match="enough"):
            run_finetune(config)

    counts = count_opens(train, root)
    assert counts.pop("table.fits") <= 1
    assert len(counts) == len(paths) and set(counts.values()) <= {1, 2}, Counter(counts.values())
