"""Tests of positions in catalogues: names of columns, units, frames, values that are not positions."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Column, Table

from galaxtool.errors import TableError
from galaxtool.inputs.gather import gather
from galaxtool.inputs.positions.find import Positions, read_positions
from galaxtool.tables.position_names import find_position_pairs, parse_position_name
from galaxtool.tables.read import read_table

SKY = SkyCoord([150.0, 10.0], [2.0, -60.0], unit="deg")
"""Where the two objects of each catalogue are."""


def positions_in(path: Path, **columns: str) -> Positions:
    return read_positions(read_table(path), path, **columns)


def assert_on_sky(found: Positions, sky: SkyCoord = SKY, tolerance: float = 1e-8) -> None:
    assert not found.problem
    np.testing.assert_allclose(found.ra, sky.ra.deg, atol=tolerance)
    np.testing.assert_allclose(found.dec, sky.dec.deg, atol=tolerance)


HOURS = ("h", "hr", "hrs", "hour", "hours", "HOURS", "Hours", "hourangle", "h:m:s", '"h:m:s"', "decimal hours")


@pytest.mark.parametrize(
    ("unit", "dec_unit", "per_degree"),
    [
        *((unit, "deg", 1 / 15) for unit in HOURS),
        *((unit, unit, 1) for unit in ("deg", "degree", "degrees", "Degrees", "DEG", "deg (J2000)", "d:m:s")),
        *((unit, unit, np.pi / 180) for unit in ("rad", "radian", "radians", "RAD")),
        ("arcmin", "arcmin", 60),
        ("arcsec", "ARCSEC", 3600),
        ("mas", "mas", 3.6e6),
    ],
)
def test_units_of_fits_columns(unit: str, dec_unit: str, per_degree: float, tmp_path: Path) -> None:
    path = tmp_path / "c.fits"
    scale = np.pi / 180 if "rad" in dec_unit.lower() else per_degree if unit not in HOURS else 1
    columns = [
        fits.Column("RA", "D", unit=unit, array=SKY.ra.deg * per_degree),
        fits.Column("DEC", "D", unit=dec_unit, array=SKY.dec.deg * scale),
    ]
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)]).writeto(path)
    assert_on_sky(positions_in(path))


@pytest.mark.parametrize("name", ["c.ecsv", "c.parquet", "c.vot", "c.fits"])
def test_units_in_every_format(name: str, tmp_path: Path) -> None:
    table = Table({"RA": Column(SKY.ra.hourangle, unit="h"), "DEC": Column(SKY.dec.rad, unit="rad")})
    table.write(tmp_path / name, **({"format": "votable"} if name.endswith("vot") else {}))
    assert_on_sky(positions_in(tmp_path / name))


def test_units_in_the_metadata_of_parquet_fields(tmp_path: Path) -> None:
    fields = [pa.field(name, pa.float64(), metadata={"unit": "rad"}) for name in ("coord_ra", "coord_dec")]
    pq.write_table(pa.table([SKY.ra.rad, SKY.dec.rad], schema=pa.schema(fields)), tmp_path / "rubin.parquet")
    assert_on_sky(positions_in(tmp_path / "rubin.parquet"))


@pytest.mark.parametrize(
    ("header", "factors"),
    [
        ("ra[hours],dec[degrees]", (1 / 15, 1)),
        ("RA (hours),Dec (deg)", (1 / 15, 1)),
        ("RA (rad; J2000),Dec (rad; J2000)", (np.pi / 180, np.pi / 180)),
        ("ra_rad,dec_rad", (np.pi / 180, np.pi / 180)),
        ("rarad,decrad", (np.pi / 180, np.pi / 180)),
        ("ra_hours,dec_degrees", (1 / 15, 1)),
        ("al2000,de2000", (1 / 15, 1)),
        ("RA_d,DEC_d", (1, 1)),
        ("RA(2000),DEC(2000)", (1, 1)),
    ],
)
def test_units_in_names(header: str, factors: tuple[float, float], tmp_path: Path) -> None:
    rows = zip(SKY.ra.deg * factors[0], SKY.dec.deg * factors[1], strict=True)
    (tmp_path / "c.csv").write_text(f"{header}\n" + "".join(f"{a!r},{b!r}\n" for a, b in np.array(list(rows)).tolist()))
    assert_on_sky(positions_in(tmp_path / "c.csv"))


@pytest.mark.parametrize(("unit", "axis"), [("foo", 0), ("pix", 0), ("Jy", 1), ("hours", 1)])
def test_an_unknown_unit_is_never_degrees(unit: str, axis: int, tmp_path: Path) -> None:
    names = ["RA", "DEC"]
    names[axis] += f"[{unit}]"
    (tmp_path / "c.csv").write_text(f"path,{','.join(names)}\na.fits,10,2\n")
    found = gather([tmp_path / "c.csv"])
    assert found.items[0].ra is None
    assert f"'{names[axis]}'" in found.notes[0] and f"'{unit}'" in found.notes[0]
    with pytest.raises(TableError, match=unit):
        positions_in(tmp_path / "c.csv", ra_column=names[0], dec_column=names[1])


NAMES = """
    ra dec|RA DEC|ra decl|RAJ2000 DEJ2000|_RAJ2000 _DEJ2000|RAdeg DEdeg|RA_ICRS DE_ICRS|coord_ra coord_dec|ra_1 dec_1
    ALPHA_J2000 DELTA_J2000|ALPHAWIN_J2000 DELTAWIN_J2000|ALPHA_SKY DELTA_SKY|X_WORLD Y_WORLD|XWIN_WORLD YWIN_WORLD
    raMean decMean|raStack decStack|meanra meandec|RIGHT_ASCENSION DECLINATION|rightAscension declination|ra_x dec_x
    sky_coord.ra sky_coord.dec|sky_centroid.ra sky_centroid.dec|coordinates.ra coordinates.dec|target_ra target_dec
    PLUG_RA PLUG_DEC|PLUGRA PLUGDEC|i_ra i_dec|RA2000 DEC2000|R.A. Dec.|RA_TARG DEC_TARG|ra_gaia dec_gaia
    s_ra s_dec
"""


@pytest.mark.parametrize(
    "pair", [pair.strip() for line in NAMES.split("\n") for pair in line.split("|") if pair.strip()]
)
def test_names_of_positions(pair: str) -> None:
    lon, lat = pair.split()
    others = [f"{lon}_err", f"e_{lat}", "pmra", "pmdec", "ra_offset", "delta_ra", "radius", "rad", "class", "bra"]
    (found,) = find_position_pairs([*others, lat, lon])
    assert (found.lon, found.lat, found.frame or "icrs") == (lon, lat, "icrs")


@pytest.mark.parametrize(
    "name", ["e_RAJ2000", "raMeanErr", "ra_error", "pm_ra", "d_ra", "delta_ra", "ra_min", "rah", "radius", "RA (err)"]
)
def test_names_of_other_things(name: str) -> None:
    assert parse_position_name(name) is None


@pytest.mark.parametrize(
    ("names", "first"),
    [
        ("ra_2 dec_2 ra_1 dec_1", "ra_1"),
        ("ra_2 dec_2 ra dec", "ra"),
        ("RAB1950 DEB1950 RAJ2000 DEJ2000", "RAJ2000"),
        ("l b ra dec", "ra"),
        ("GLON GLAT target_ra target_dec", "target_ra"),
        ("ra_y dec_y ra_x dec_x", "ra_x"),
    ],
)
def test_which_of_several_positions(names: str, first: str) -> None:
    assert find_position_pairs(names.split())[0].lon == first


def test_a_pair_has_one_epoch_of_two() -> None:
    pairs = find_position_pairs(["RA_ICRS", "DE_ICRS", "RAJ2000", "DEJ2000"])
    assert [(pair.lon, pair.lat) for pair in pairs] == [("RAJ2000", "DEJ2000"), ("RA_ICRS", "DE_ICRS")]


def test_a_choice_is_said_with_the_options(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("path,plug_ra,plug_dec,fiber_ra,fiber_dec\na.fits,10,2,30,4\n")
    found = gather([tmp_path / "c.csv"])
    (note,) = found.notes
    assert "'plug_ra'" in note and "'fiber_ra'" in note and "--ra-column" in note
    named = gather([tmp_path / "c.csv"], ra_column="fiber_ra")
    assert (named.items[0].ra, named.items[0].dec) == (30, 4) and "'fiber_dec'" in named.notes[0]
    with pytest.raises(TableError, match="no column 'fibre_ra'"):
        gather([tmp_path / "c.csv"], ra_column="fibre_ra")


@pytest.mark.parametrize("suffix", ["ecsv", "fits", "parquet"])
@pytest.mark.parametrize("frame", ["icrs", "fk4", "galactic", "supergalactic", "barycentricmeanecliptic"])
def test_sky_coordinates_of_any_frame(frame: str, suffix: str, tmp_path: Path) -> None:
    table = Table({"id": [1, 2]})
    table["sky"] = SKY.transform_to(frame)
    table.write(tmp_path / f"c.{suffix}")
    found = positions_in(tmp_path / f"c.{suffix}")
    assert_on_sky(found)
    assert frame == "icrs" or "to ICRS" in found.notes[0]


@pytest.mark.parametrize(
    ("names", "frame"),
    [
        ("RAB1950 DEB1950", "fk4"),
        ("ra1950 dec1950", "fk4"),
        ("l b", "galactic"),
        ("GLON GLAT", "galactic"),
        ("lii bii", "galactic"),
        ("gal_lon gal_lat", "galactic"),
        ("elon elat", "barycentricmeanecliptic"),
        ("ecl_lon ecl_lat", "barycentricmeanecliptic"),
        ("sgl sgb", "supergalactic"),
    ],
)
def test_frames_in_names(names: str, frame: str, tmp_path: Path) -> None:
    place = SKY.transform_to(frame).spherical
    Table([place.lon.deg, place.lat.deg], names=names.split()).write(tmp_path / "c.csv")
    found = positions_in(tmp_path / "c.csv")
    assert_on_sky(found)
    assert "to ICRS" in found.notes[0]


def test_frames_of_a_whole_table(tmp_path: Path) -> None:
    table = Table({"ra": SKY.fk4.ra.deg, "dec": SKY.fk4.dec.deg})
    table.write(tmp_path / "c.vot", format="votable")
    text = (
        (tmp_path / "c.vot").read_text().replace("<TABLE", '<COOSYS ID="s" system="eq_FK4" equinox="B1950"/><TABLE', 1)
    )
    (tmp_path / "one.vot").write_text(text)
    assert_on_sky(positions_in(tmp_path / "one.vot"))
    text = text.replace("<COOSYS", '<COOSYS ID="t" system="ICRS"/><COOSYS')
    (tmp_path / "two.vot").write_text(text.replace('name="ra"', 'name="ra" ref="s"'))
    assert_on_sky(positions_in(tmp_path / "two.vot"))
    table.meta.update(RADESYS="FK4", EQUINOX=1950.0)
    table.write(tmp_path / "c.fits")
    assert_on_sky(positions_in(tmp_path / "c.fits"))


def test_meanings_in_a_votable(tmp_path: Path) -> None:
    Table({"a": SKY.ra.deg, "b": SKY.dec.deg}).write(tmp_path / "c.vot", format="votable")
    text = (tmp_path / "c.vot").read_text()
    text = text.replace('name="a"', 'name="a" ucd="pos.eq.ra;meta.main"').replace(
        'name="b"', 'name="b" ucd="POS_EQ_DEC_MAIN"'
    )
    (tmp_path / "c.vot").write_text(text)
    assert_on_sky(positions_in(tmp_path / "c.vot"))


@pytest.mark.parametrize(
    "text",
    [
        "10:00:00,+02:00:00\n00:40:00,-60:00:00",
        "10h00m00s,+02d00m00s\n0h40m,-60d",
        "10 00 00,+02 00 00\n00 40 00,-60 00 00",
        "150d00m00s,2d\n10d00m,−60d00m",
        "10h 00m 00.0s,+2°00′00″\n0h40m0s,-60°00′00″",
    ],
)
def test_sexagesimal_texts(text: str, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(f"ra,dec\n{text}\n")
    assert_on_sky(positions_in(tmp_path / "c.csv"))


@pytest.mark.parametrize("header", ["RAh,RAm,RAs,DE-,DEd,DEm,DEs", "ra_h,ra_m,ra_s,dec_sign,dec_d,dec_m,dec_s"])
def test_sexagesimal_columns(header: str, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(f"{header}\n10,00,00.0,+,02,00,00\n00,40,00.0,-,00,30,36\n")
    assert_on_sky(positions_in(tmp_path / "c.csv"), SkyCoord([150, 10], [2, -0.51], unit="deg"))


def test_a_lost_sign_leaves_the_position_unknown(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("ra_h,ra_m,dec_d,dec_m\n10,0,0,30\n0,40,-60,0\n")
    found = positions_in(tmp_path / "c.csv")
    assert np.isnan(found.dec).tolist() == [True, False] and found.dec[1] == -60
    assert "sign" in found.notes[0]


def test_values_that_are_no_positions(tmp_path: Path) -> None:
    rows = ["400,5", "10,120", "-999,-999", "99.0,99.0", "nan,nan", ",", "-30,5", "359.9999,90"]
    (tmp_path / "c.csv").write_text("ra,dec\n" + "\n".join(rows) + "\n")
    found = positions_in(tmp_path / "c.csv")
    assert np.isnan(found.ra).tolist() == [True] * 6 + [False] * 2
    assert found.ra[6] == 330
    assert found.notes == (
        f"In 4 of 8 rows of '{tmp_path / 'c.csv'}' the position is not valid and counts as unknown, such as row 1: "
        "ra 400.0, dec 5.0.",
    )


def test_numbers_without_a_unit_that_fit_hours_or_radians(tmp_path: Path) -> None:
    around = np.linspace(0, 1, 20)
    for name, ra, dec, word in (
        ("hours", 23.9 * around, 80 * around, "ra[hours]"),
        ("rad", 6.2 * around, 1.5 * around - 0.7, "dec[rad]"),
        ("deg", 150 + around, 2 + around, ""),
    ):
        Table({"ra": ra, "dec": dec}).write(tmp_path / f"{name}.csv")
        found = positions_in(tmp_path / f"{name}.csv")
        np.testing.assert_allclose(found.ra, ra)
        assert word in "".join(found.notes) and len(found.notes) == bool(word)
    by_unit = positions_in(tmp_path / "hours.csv", ra_column="ra[hours]", dec_column="dec")
    np.testing.assert_allclose(by_unit.ra, 15 * 23.9 * around)
    # the HYG catalogue has ra in hours beside rarad
    Table({"ra": SKY.ra.hourangle, "dec": SKY.dec.deg, "rarad": SKY.ra.rad, "decrad": SKY.dec.rad}).write(
        tmp_path / "hyg.csv"
    )
    assert_on_sky(positions_in(tmp_path / "hyg.csv"))


def test_all_units_are_those_of_astropy() -> None:
    table = Table({"ra": Column([1.0], unit=u.Unit("10-3arcsec", format="cds")), "dec": Column([1.0], unit=u.uas)})
    found = read_positions(table, Path("c.fits"))
    np.testing.assert_allclose([found.ra[0], found.dec[0]], [1 / 3.6e6, 1 / 3.6e9])


@pytest.mark.parametrize(
    ("names", "unit", "factors"),
    [
        (("ra", "dec"), "", (1, 1)),
        (("coord_ra", "coord_dec"), "rad", (np.pi / 180, np.pi / 180)),
        (("RA_hours", "DEC_deg"), "", (1 / 15, 1)),
        (("ALPHA_J2000", "DELTA_J2000"), "degrees", (1, 1)),
        (("ra", "dec"), "furlong", None),
        (("RAB1950", "DEB1950"), "", None),
    ],
)
def test_positions_of_stacks(
    names: tuple[str, str], unit: str, factors: tuple[float, float] | None, tmp_path: Path
) -> None:
    values = [angle * factor for angle, factor in zip((SKY.ra.deg, SKY.dec.deg), factors or (1, 1), strict=True)]
    with h5py.File(tmp_path / "s.h5", "w") as file:
        file["images"] = np.random.default_rng(0).random((2, 8, 8), dtype=np.float32)
        for name, column in zip(names, values, strict=True):
            file[name] = column
            file[name].attrs["unit"] = unit
    found = [(item.ra, item.dec) for item in gather([tmp_path / "s.h5"]).items]
    if factors is None:
        assert found == [(None, None)] * 2
    else:
        np.testing.assert_allclose(found, np.stack([SKY.ra.deg, SKY.dec.deg], axis=1))


def test_a_unit_in_a_column_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("ra,ra_unit,dec\n10,hours,2\n0.6666666666666666,hours,-60\n")
    assert_on_sky(positions_in(tmp_path / "c.csv"))


def test_sexagesimal_texts_in_degrees(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("RA (deg),Dec (deg)\n150:00:00,02:00:00\n10:00:00,-60:00:00\n")
    found = positions_in(tmp_path / "c.csv")
    assert_on_sky(found)
    assert "--ra-column 'RA (deg)[hours]'" in found.notes[0]
    hours = positions_in(tmp_path / "c.csv", ra_column="RA (deg)[hours]")
    np.testing.assert_allclose(hours.ra[1], 150)
