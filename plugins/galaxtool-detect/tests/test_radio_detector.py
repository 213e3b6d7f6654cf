"""The detector that comes with the plugin."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from galaxtool_detect.boxes import FieldImage
from galaxtool_detect.commands.run import run
from galaxtool_detect.detectors.files import WEIGHTS, read_record
from galaxtool_detect.detectors.find import BUNDLED, DEFAULT, list_bundled, open_engine
from galaxtool_detect.simulation.field import FieldOptions, simulate_field
from galaxtool_detect.simulation.run import write_field
from galaxtool_detect.training.start import restart_detector

from galaxtool import ModelError, cite

DATA = Path(os.environ.get("GALAXTOOL_TEST_DATA", Path(__file__).resolve().parents[3] / "../shared/data"))
MAP = DATA / "fits" / "radio_map" / "1904-66_SIN.fits"


def test_its_record_names_no_path_of_another_machine() -> None:
    assert DEFAULT in list_bundled()
    record = read_record(BUNDLED / DEFAULT)
    assert record.network.backbone == "mini" and record.training["backbone"] == "mini-radio"
    assert "/" not in str({**record.as_dict(), "citations": []})
    assert (BUNDLED / DEFAULT / WEIGHTS).stat().st_size < 15e6


def test_its_licence_and_what_it_stands_on(monkeypatch: pytest.MonkeyPatch) -> None:
    found = cite(BUNDLED / DEFAULT)
    assert found.licences == ["BSD-3-Clause, trained from weights under Apache-2.0"]
    assert {"1506.01497", "1612.03144", "2409.11175", "1905.11946"} <= {entry["arxiv"] for entry in found.citations}
    monkeypatch.setenv("GALAXTOOL_LICENSES", "MIT,Apache-2.0")
    with pytest.raises(ModelError, match="The weights of the detector 'radio' are under the licence 'BSD-3-Clause"):
        open_engine(DEFAULT)
    with pytest.raises(ModelError, match=r"GALAXTOOL_LICENSES allows MIT, Apache-2\.0"):
        restart_detector(DEFAULT, ("compact",), None)
    monkeypatch.setenv("GALAXTOOL_LICENSES", "BSD-3-Clause,Apache-2.0")
    assert open_engine(DEFAULT, "cpu").record.licence == found.licences[0]


@pytest.mark.slow
def test_it_finds_what_is_bright_in_a_simulated_field(tmp_path: Path) -> None:
    field: FieldImage = simulate_field(77, 0, FieldOptions(size=256, density=60))
    write_field(field, tmp_path / "field.fits")
    run([tmp_path / "field.fits"], output=tmp_path / "sources.ecsv", join=False)
    table = Table.read(tmp_path / "sources.ecsv")
    bright = field.boxes[field.truth["snr"][: len(field.boxes)] > 20]
    assert len(bright) > 3
    found = [
        bool(((table["x"] > x0) & (table["x"] < x1) & (table["y"] > y0) & (table["y"] < y1)).any())
        for x0, y0, x1, y1 in bright
    ]
    assert np.mean(found) > 0.8


@pytest.mark.slow
@pytest.mark.skipif(not MAP.is_file(), reason="needs the radio map of GALAXTOOL_TEST_DATA")
def test_it_finds_the_bright_components_of_a_real_map(tmp_path: Path) -> None:
    run([MAP], output=tmp_path / "sources.ecsv", join=False)
    table = Table.read(tmp_path / "sources.ecsv")
    listed = Table.read(MAP.with_name("1904_comp.fits"), hdu=1)
    bright = listed[listed["peak_flux"] > 15 * listed["local_rms"]]
    x, y = WCS(fits.getheader(MAP)).all_world2pix(bright["ra"], bright["dec"], 0)
    distance = np.hypot(np.subtract.outer(x, table["x"]), np.subtract.outer(y, table["y"]))
    assert (distance.min(axis=1) < 1.8).mean() >= 0.7
