"""Search filters: the built-in ones, and one from a plugin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from support.helpers import make_model, write_fits, write_png

from galaxtool.commands.index import index
from galaxtool.commands.similar import similar
from galaxtool.errors import ConfigError, InputError, PluginError, TableError, UnknownName
from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import SearchFilterSpec
from galaxtool.search.results import SimilarResult


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of eight FITS images along a line of sky and two pictures without a position."""
    folder = tmp_path_factory.mktemp("images")
    for i in range(8):
        write_fits(folder / f"g{i}.fits", i, ra=150 + 0.01 * i, dec=2.0)
    for i in range(2):
        write_png(folder / f"p{i}.png", i)
    target = folder.parent / "filter_index"
    index([folder], output=target, model=str(make_model(folder.parent / "filter_model")))
    return target


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def found(result: SimilarResult) -> list[str]:
    return [neighbor.id for neighbor in result.neighbors]


def test_results_are_those_of_the_whole_search_that_pass(built: Path) -> None:
    everything = similar(id="g3", index=built, k=99)
    assert len(everything.neighbors) == 10
    cone = similar(id="g3", index=built, k=99, filter=["cone:150.02,2.0,40"])
    assert found(cone) == [name for name in found(everything) if name in ("g1", "g2", "g3")]
    assert [n.rank for n in cone.neighbors] == [1, 2, 3]
    north = similar(id="g3", index=built, k=2, filter="where:id like 'p%' or ra > 150.045", exclude_query=True)
    passing = ("p0", "p1", "g5", "g6", "g7")
    assert found(north) == [name for name in found(everything) if name in passing][:2]
    both = similar(
        id="g3",
        index=built,
        k=99,
        exclude_query=True,
        filter=["cone:150.02,2.0,40", "where:ra is not null and id <> 'g1'"],
    )
    assert found(both) == ["g2"]
    assert both.as_dict()["neighbours"][0]["id"] == "g2"


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("cone:150,2", ConfigError, "of the form RA,DEC,RADIUS"),
        ("cone:150,92,10", ConfigError, "92 is not a declination"),
        ("cone", ConfigError, "of the form RA,DEC,RADIUS"),
        ("where:", ConfigError, "no condition"),
        ("where:redshift > 1", TableError, "redshift"),
        ("cones:1,2,3", UnknownName, "Did you mean 'cone'"),
        ("cone:10,10,1", InputError, 'None of the 10 objects of the index passes --cone "10,10,1"'),
    ],
)
def test_filters_that_cannot_be_used(text: str, error: type[Exception], message: str, built: Path) -> None:
    with pytest.raises(error, match=message):
        similar(id="g3", index=built, filter=[text])
    assert not list(Path().iterdir())


def make_suffix_filter(argument: str) -> Callable[[Table], np.ndarray]:
    return lambda rows: np.array([path.endswith(argument) for path in rows["path"]])


def make_wrong_filter(argument: str) -> Callable[[Table], np.ndarray]:
    return lambda rows: np.ones(3)


class Extra:
    @hookimpl
    def register_search_filters(self) -> list[SearchFilterSpec]:
        return [
            SearchFilterSpec(name="suffix", factory=f"{__name__}:make_suffix_filter"),
            SearchFilterSpec(name="wrong", factory=f"{__name__}:make_wrong_filter"),
        ]


@pytest.fixture
def _plugin() -> Iterator[None]:
    get_registry().plugins.register(Extra(), "extra")
    yield
    get_registry().plugins.unregister("extra")


@pytest.mark.usefixtures("_plugin")
def test_plugin_adds_a_filter(built: Path) -> None:
    for name in ("suffix", "extra:suffix"):
        assert sorted(found(similar(id="g3", index=built, filter=[f"{name}:.png"]))) == ["p0", "p1"]
    with pytest.raises(PluginError, match="'wrong' of the plugin 'extra' returned float64"):
        similar(id="g3", index=built, filter=["wrong"])
