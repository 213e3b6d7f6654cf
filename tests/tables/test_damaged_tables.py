"""Damaged tables are errors of one sentence: libraries neither end the process nor read for ever."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.mutant_seeds import make_catalogues
from support.mutants import make_seeds
from support.plugin_helpers import run_python

from galaxtool.errors import GalaxtoolError
from galaxtool.tables.read import read_table

READ_DAMAGED = """
import sys
from contextlib import suppress
from pathlib import Path
from galaxtool.errors import GalaxtoolError
from galaxtool.tables.read import read_table

path, most, *values = sys.argv[1:]
content = Path(path).read_bytes()
footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
for at in range(footer, min(footer + int(most), len(content) - 8)):
    for value in map(int, values):
        Path(path).write_bytes(content[:at] + bytes([value]) + content[at + 1 :])
        with suppress(GalaxtoolError):
            read_table(Path(path))
print("all")
"""


@pytest.mark.parametrize(
    ("most", "values"), [(60, ("32",)), pytest.param(10_000, ("32", "255", "0"), marks=pytest.mark.slow)]
)
def test_any_byte_of_the_metadata_of_parquet(tmp_path: Path, most: int, values: tuple[str, ...]) -> None:
    """Arrow ends the process where the metadata of a column are damaged and are asked for."""
    (tmp_path / "a.parquet").write_bytes(make_seeds("parquet")["pictures.parquet"])
    done = run_python("-c", READ_DAMAGED, str(tmp_path / "a.parquet"), str(most), *values)
    assert done.stdout.strip() == "all", done.stderr


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("NAXIS1", "-1E308"), ("NAXIS2", "-2880"), ("PCOUNT", "-2880"), ("PCOUNT", "1E400"), ("BITPIX", "1E308")],
)
def test_sizes_that_no_file_has_in_fits(tmp_path: Path, keyword: str, value: str) -> None:
    """After such a size, astropy took the same HDU for the next one, for ever."""
    content = make_catalogues()["catalogue.fits"]
    at = content.index(f"{keyword:8}=".encode(), content.index(b"XTENSION"))
    card = f"{keyword:8}= {value:>20}"
    (tmp_path / "a.fits").write_bytes(content[:at] + card.encode() + content[at + len(card) :])
    with pytest.raises(GalaxtoolError, match=f"a header has {keyword} = {value}"):
        read_table(tmp_path / "a.fits")
