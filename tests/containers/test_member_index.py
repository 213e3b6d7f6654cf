"""The index of the members of an archive that is kept on disk for other processes."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from galaxtool.containers import member_index
from galaxtool.containers.tar import TarContainer
from galaxtool.images.read_options import PLAIN
from galaxtool.images.reading import list_image_suffixes


def test_an_index_from_before_a_plugin_brought_a_suffix_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(member_index, "cache_dir", lambda: tmp_path / "cache")
    monkeypatch.setattr(member_index, "_LARGE", 0)  # so that it is kept
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for name in ("a.png", "b.odd"):
            info = tarfile.TarInfo(name)
            info.size = 5
            archive.addfile(info, io.BytesIO(b"12345"))
    assert [member.key for member in TarContainer().members(path)] == ["a.png"]
    more = (*list_image_suffixes(), ".odd")
    for module in ("tar", "member_index"):
        monkeypatch.setattr(f"galaxtool.containers.{module}.list_image_suffixes", lambda: more)
    assert [member.key for member in TarContainer().members(path)] == ["a.png", "b.odd"]
    member_index._kept.clear()  # as in a worker process
    opened = TarContainer().open(path)
    assert opened.read("b.odd", PLAIN).content() == b"12345"
    opened.close()
    assert len(list((tmp_path / "cache" / "archives").glob("*.npy"))) == 2
