"""Files that hold many images: archives read in place, also hostile ones; stacks; FITS with an object in each HDU."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from support.helpers import write_fits

from galaxtool.containers import member_index as index
from galaxtool.containers import streams
from galaxtool.containers.axes import find_axes
from galaxtool.containers.cache import close_containers
from galaxtool.containers.find import find_container_name, list_container_suffixes, locate_image, make_container
from galaxtool.containers.protocols import Member
from galaxtool.containers.reading import get_image_file, read_ref
from galaxtool.errors import UnreadableImage
from galaxtool.images.image_file import ImageFile
from galaxtool.images.read_options import PLAIN, ReadOptions
from galaxtool.images.reading import read_file
from galaxtool.inputs.items import InputItem
from galaxtool.inputs.read_item import read_item
from galaxtool.plugins.registry import get_registry
from galaxtool.testing.dataset import check_cutout
from galaxtool.types import Cutout, ImageRef

Files = dict[str, bytes]
PACKINGS = {"a.tar": "w", "a.tar.gz": "w:gz", "a.tbz2": "w:bz2", "a.tar.xz": "w:xz"}


def png(seed: int = 0, size: int = 12) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (size, size, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def add(archive: tarfile.TarFile, name: str, content: bytes = b"", **fields: Any) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    archive.addfile(info, io.BytesIO(content))


def write_tar(path: Path, files: Files, mode: str = "w", **options: Any) -> Path:
    with tarfile.open(path, mode, **options) as archive:
        for name, content in files.items():
            add(archive, name, content)
    return path


def write_zip(path: Path, files: Files, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def listed(path: Path, kind: str = "") -> tuple[list[Member], Counter[str], str]:
    """Return the members of a container, what it skipped, and what it raised at the end."""
    container = make_container(kind or find_container_name(path))
    members: list[Member] = []
    problem = ""
    try:
        for member in container.members(path):
            members.append(member)  # what came before an error is kept
    except UnreadableImage as error:
        problem = error.message
    return members, getattr(container, "skipped", Counter()), problem


def content(path: Path, key: str, kind: str = "") -> bytes:
    file = get_image_file(ImageRef(path, kind or find_container_name(path), key))
    assert file is not None
    return file.content()


def complaint(path: Path, key: str, kind: str = "") -> str:
    with pytest.raises(UnreadableImage) as caught:
        read_ref(ImageRef(path, kind or find_container_name(path), key), PLAIN)
    return caught.value.message


# --- archives ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*PACKINGS, "a.zip"])
def test_members_in_their_order_read_in_any(tmp_path: Path, name: str) -> None:
    files = {f"set/{kind}/{i}.png": png(i) for i, kind in enumerate(["b", "a", "b", "c"])}
    others = {"set/notes.txt": b"x", "set/labels.csv": b"path,label\n", ".hidden/a.png": png(), "set/.a.png": png()}
    whole = {**others, "__MACOSX/set/._0.png": png(), **files}
    path = tmp_path / name
    _ = write_zip(path, whole) if name == "a.zip" else write_tar(path, whole, PACKINGS[name])
    assert find_container_name(path) == ("zip" if name == "a.zip" else "tar")
    members, skipped, problem = listed(path)
    assert [m.key for m in members] == [m.name for m in members] == list(files) and problem == ""
    assert skipped == {"not an image suffix": 1, "labels.csv": 1}
    for key in [*reversed(files), *files]:  # going back in a packed archive begins anew
        assert content(path, key) == files[key]
    cutout = read_ref(locate_image(f"{path}[set/b/0.png]"))
    assert cutout.source == f"{path}[set/b/0.png]"
    direct = read_file(ImageFile("0.png", content=files["set/b/0.png"]))
    assert np.array_equal(cutout.data, direct.data) and cutout.flags == direct.flags == ()
    assert content(path, "set/labels.csv") == b"path,label\n"
    assert complaint(path, "set/absent.png") == f"There is no 'set/absent.png' in '{path}'."
    assert sorted(p.name for p in tmp_path.iterdir()) == [name]


def test_fits_within_archives(tmp_path: Path) -> None:
    plain = write_fits(tmp_path / "a.fits", 1, ra=150.0, dec=2.0)
    members = {"x/a.fits": plain.read_bytes(), "x/a.fits.gz": gzip.compress(plain.read_bytes()), "wrong.png": b"text"}
    path = write_tar(tmp_path / "a.tar", members)
    wanted = read_file(plain)
    for key in ("x/a.fits", "x/a.fits.gz"):
        got = read_ref(ImageRef(path, "tar", key))
        assert np.array_equal(got.data, wanted.data) and got.ra == pytest.approx(150.0)
    placed = read_item(InputItem("", ImageRef(path, "tar", "x/a.fits"), 10.0, -5.0))
    assert (placed.ra, placed.dec) == (10.0, -5.0)
    assert "a.tar[wrong.png]" in complaint(path, "wrong.png")
    with pytest.raises(UnreadableImage, match="no HDU"):
        read_ref(locate_image(f"{path}[x/a.fits]"), ReadOptions(hdu=7))


def test_content_goes_before_the_name(tmp_path: Path) -> None:
    files = {"a.png": png()}
    assert find_container_name(write_zip(tmp_path / "z.tar", files)) == "zip"
    assert find_container_name(write_tar(tmp_path / "t.zip", files)) == "tar"
    assert find_container_name(write_tar(tmp_path / "t.download", files, "w:gz")) == "tar"
    (tmp_path / "picture.tar").write_bytes(png())
    assert listed(tmp_path / "picture.tar")[2].startswith(f"'{tmp_path}/picture.tar' is not a tar archive")
    for name in ("a.png", "a.fits"):
        (tmp_path / name).write_bytes(png())
        assert find_container_name(tmp_path / name) == ""
    packed = gzip.compress(write_fits(tmp_path / "b.fits", 0).read_bytes())
    (tmp_path / "b.fits.gz").write_bytes(packed)
    assert find_container_name(tmp_path / "b.fits.gz") == "" and find_container_name(tmp_path / "absent.tar") == ""
    assert find_container_name(tmp_path) == ""
    assert {".tar", ".tgz", ".zip", ".h5", ".npy", ".npz"} <= set(list_container_suffixes())


def test_names_that_lead_elsewhere_are_only_names(tmp_path: Path) -> None:
    names = ["../../evil.png", "/etc/passwd.png", "a/../../b.png", "C:\\x.png", "~/x.png", "$HOME.png"]
    files = {name: png(i) for i, name in enumerate(names)}
    inside = tmp_path / "deep" / "deeper"
    inside.mkdir(parents=True)
    for path in (write_tar(inside / "a.tar", files), write_zip(inside / "a.zip", files)):
        members, _, _ = listed(path)
        assert [m.key for m in members] == names
        assert all(content(path, m.key) == files[m.key] for m in members)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a.tar", "a.zip", "deep", "deeper"]


def test_odd_names(tmp_path: Path) -> None:
    names = [
        "новая/галактика.png",
        "銀河.png",
        "a\nb.png",
        'say "x", y.png',
        "a[1].png",
        "e\u0301.png",
        "x" * 300 + ".png",
    ]
    names += ["name with  blanks .png", "./dot/a.png", "(the rest).png"]
    files = {name: png(i) for i, name in enumerate(names)}
    for path in (write_tar(tmp_path / "a.tar", files), write_zip(tmp_path / "a.zip", files)):
        members, _, _ = listed(path)
        assert [m.key for m in members] == names
        assert members[8].name == "dot/a.png"
        for member in members:
            ref = locate_image(str(ImageRef(path, find_container_name(path), member.key)))
            assert (ref.path, ref.member) == (path, member.key)
            assert read_ref(ref).data.shape == (3, 12, 12)
    raw = tmp_path / "bytes.tar"
    write_tar(raw, {"\udce9.png": png()}, encoding="utf-8", errors="surrogateescape", format=tarfile.GNU_FORMAT)
    assert [m.key for m in listed(raw)[0]] == ["\udce9.png"] and content(raw, "\udce9.png") == png()
    brackets = write_zip(tmp_path / "a[1].zip", files)
    assert (
        locate_image(f"{brackets}[a[1].png]").member == "a[1].png"
        and locate_image(f"{brackets}[a[1].png]").path == brackets
    )
    assert locate_image(str(brackets)) == ImageRef(brackets)


def test_names_that_come_twice_stay_apart(tmp_path: Path) -> None:
    same = [("a.png", 1), ("a-2.png", 2), ("a.png", 3), ("b.fits.gz", 4), ("b.fits.gz", 5), ("a.png", 6)]
    keys = ["a.png", "a-2.png", "a-3.png", "b.fits.gz", "b-2.fits.gz", "a-4.png"]
    with tarfile.open(tmp_path / "a.tar", "w") as archive, zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped:
        for name, seed in same:
            add(archive, name, png(seed))
            with pytest.warns(UserWarning, match="Duplicate") if seed in (3, 5, 6) else _nothing():
                zipped.writestr(name, png(seed))
    for path in (tmp_path / "a.tar", tmp_path / "a.zip"):
        members, _, _ = listed(path)
        assert [m.key for m in members] == keys and [m.name for m in members] == [name for name, _ in same]
        assert [content(path, key) for key in keys] == [png(seed) for _, seed in same]


class _nothing:
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


def test_links_and_devices_are_passed_over(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        add(archive, "real.png", png())
        add(archive, "soft.png", type=tarfile.SYMTYPE, linkname="/etc/passwd")
        add(archive, "hard.png", type=tarfile.LNKTYPE, linkname="real.png")
        add(archive, "device.png", type=tarfile.CHRTYPE, devmajor=1, devminor=5)
        add(archive, "pipe.png", type=tarfile.FIFOTYPE)
        add(archive, "folder.png", type=tarfile.DIRTYPE)
        add(archive, "strange.png", png(1), type=b"Q")
    members, skipped, problem = listed(tmp_path / "a.tar")
    assert [m.key for m in members] == ["real.png"] and problem == ""
    assert skipped == {"link": 2, "not a file": 3}
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped:
        for name, mode in (("real.png", 0o100644), ("soft.png", 0o120777), ("pipe.png", 0o010644), ("dos.png", 0)):
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            zipped.writestr(info, png())
        zipped.writestr("folder.png/", b"")
    members, skipped, _ = listed(tmp_path / "a.zip")
    assert [m.key for m in members] == ["real.png", "dos.png"] and skipped == {"link": 1, "not a file": 1}


def test_empty_members_and_empty_archives(tmp_path: Path) -> None:
    for path in (
        write_tar(tmp_path / "a.tar", {"a.png": b"", "b.png": png()}),
        write_zip(tmp_path / "a.zip", {"a.png": b""}),
    ):
        assert "a.png" in [m.key for m in listed(path)[0]]
        assert complaint(path, "a.png") == f"'{path}[a.png]' is an empty file."
    for path in (
        write_tar(tmp_path / "b.tar", {}),
        write_tar(tmp_path / "b.tgz", {}, "w:gz"),
        write_zip(tmp_path / "b.zip", {}),
    ):
        assert listed(path) == ([], Counter(), "")
        assert complaint(path, "") == f"There is no image in '{path}'."
    for name in ("c.tar", "c.zip", "c.tar.gz", "c.npy", "c.npz", "c.h5"):
        (tmp_path / name).write_bytes(b"")
        assert find_container_name(tmp_path / name) == ""  # so it is read as a file, and found empty
        kind = {"c.zip": "zip", "c.npy": "numpy", "c.npz": "numpy", "c.h5": "hdf5"}.get(name, "tar")
        assert listed(tmp_path / name, kind)[2].startswith(f"'{tmp_path / name}' is an empty file")
    assert listed(tmp_path / "absent.tar", "tar")[2] == f"There is no file '{tmp_path}/absent.tar'."
    assert complaint(tmp_path / "absent.tar", "a.png", "tar") == f"There is no file '{tmp_path}/absent.tar'."


def test_files_with_holes(tmp_path: Path) -> None:
    """GNU tar --sparse, written by hand: the old GNU format, with a map of pieces in the header."""
    image = np.zeros((64, 64), np.float32)
    image[60] = 7.0
    stream = io.BytesIO()
    fits.PrimaryHDU(image).writeto(stream)
    whole = stream.getvalue()
    pieces = [(0, 3072), (16896, len(whole) - 16896)]
    assert set(whole[3072:16896]) == {0}
    info = tarfile.TarInfo("holes.fits")
    info.type, info.size = tarfile.GNUTYPE_SPARSE, sum(n for _, n in pieces)
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    for i, (start, n) in enumerate(pieces):
        header[386 + 24 * i : 410 + 24 * i] = b"%011o\0%011o\0" % (start, n)
    header[483:495] = b"%011o\0" % len(whole)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    body = b"".join(whole[start : start + n] for start, n in pieces)
    path = tmp_path / "a.tar"
    path.write_bytes(bytes(header) + body + bytes(-len(body) % 512) + bytes(1024))
    assert [m.key for m in listed(path)[0]] == ["holes.fits"]
    assert content(path, "holes.fits") == whole
    assert np.array_equal(read_ref(locate_image(f"{path}[holes.fits]")).data[0], image)


# --- damage -----------------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(st.integers(0, 20_000), st.sampled_from(sorted([*PACKINGS, "a.zip"])))
def test_what_precedes_a_cut_is_kept(tmp_path_factory: pytest.TempPathFactory, end: int, name: str) -> None:
    folder = tmp_path_factory.mktemp("cut")
    files = {f"{i}.png": png(i, 20) for i in range(12)}
    whole = write_zip(folder / name, files) if name == "a.zip" else write_tar(folder / name, files, PACKINGS[name])
    size = whole.stat().st_size
    end = end % size
    path = folder / f"cut-{name}"
    path.write_bytes(whole.read_bytes()[:end])
    kind = "zip" if name == "a.zip" else "tar"
    members, _, problem = listed(path, kind)
    keys = [m.key for m in members]
    assert keys == list(files)[: len(keys)]
    told = bool(problem)
    for key in keys:
        try:
            assert content(path, key, kind) == files[key]
        except UnreadableImage as error:
            assert key == keys[-1] or name in ("a.tar.gz", "a.tbz2", "a.tar.xz"), error
            told = True
    close_containers()
    # behind the last member of a tar there are zeros, and behind those of a gzip a checksum that nobody needs
    assert told or (keys == list(files) and name != "a.zip")
    if kind == "tar" and name == "a.tar" and not problem and len(keys) < len(files):
        assert "cut short" in complaint(path, keys[-1], kind)
        close_containers()


def test_a_zip_without_its_directory(tmp_path: Path) -> None:
    files = {f"{i}.png": png(i) for i in range(3)}
    path = write_zip(tmp_path / "a.zip", files)
    path.write_bytes(path.read_bytes()[:-100])
    members, _, problem = listed(path)
    assert [m.key for m in members] == list(files) and problem.startswith(
        f"'{path}' is damaged or cut short after '2.png'"
    )
    assert [content(path, key) for key in files] == list(files.values())
    assert complaint(path, "3.png") == complaint(path, "") == problem


def test_damage_in_the_middle(tmp_path: Path) -> None:
    files = {f"{i}.png": png(i, 30) for i in range(6)}
    tar = write_tar(tmp_path / "a.tar", files)
    with tarfile.open(tar) as archive:
        place = archive.getmember("3.png").offset
    spoilt = bytearray(tar.read_bytes())
    spoilt[place : place + 40] = b"x" * 40
    tar.write_bytes(spoilt)
    members, _, problem = listed(tar)
    assert [m.key for m in members] == ["0.png", "1.png", "2.png"]
    assert problem.startswith(f"'{tar}' is damaged or cut short after '2.png'")
    assert complaint(tar, "4.png") == problem
    packed = write_zip(tmp_path / "a.zip", files)
    with zipfile.ZipFile(packed) as zipped:
        place = zipped.getinfo("3.png").header_offset + 100
    spoilt = bytearray(packed.read_bytes())
    spoilt[place : place + 40] = b"x" * 40
    packed.write_bytes(spoilt)
    assert len(listed(packed)[0]) == 6
    assert "a.zip[3.png]' is damaged or cut short" in complaint(packed, "3.png")
    assert content(packed, "4.png") == files["4.png"]


def test_encrypted_members(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"a.png": png(), "b.png": png(1)})
    raw = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(signature) + flags] |= 1
    path.write_bytes(raw)
    assert len(listed(path)[0]) == 2
    assert complaint(path, "a.png") == f"'{path}[a.png]' is encrypted."
    assert content(path, "b.png") == png(1)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_of_zip(tmp_path: Path, method: int) -> None:
    files = {"a.png": png(1, 60), "b.png": png(2), "c.png": b""}
    path = write_zip(tmp_path / "a.zip", files, method)
    assert [content(path, m.key) for m in listed(path)[0]] == list(files.values())
    raw = bytearray(path.read_bytes())
    struct.pack_into("<H", raw, raw.index(b"PK\x01\x02") + 10, 97)
    path.write_bytes(raw)
    assert "compression" in complaint(path, "a.png")


def test_a_zip_written_to_a_pipe(tmp_path: Path) -> None:
    class Pipe(io.RawIOBase):
        written = b""

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.written += bytes(data)
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[arg-type]
        archive.writestr("a.png", png())
    (tmp_path / "a.zip").write_bytes(b"#!/bin/sh\n" + pipe.written)  # and something in front, as in an installer
    assert find_container_name(tmp_path / "a.zip") == "zip"
    assert content(tmp_path / "a.zip", "a.png") == png()
    (tmp_path / "cut.zip").write_bytes(pipe.written[:-30])
    members, _, problem = listed(tmp_path / "cut.zip")
    assert members == [] and "damaged or cut short" in problem


# --- archives meant to exhaust memory ---------------------------------------------------------------------------------


@pytest.fixture
def small_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds of a few hundred kilobytes, so that nothing large need be made to exceed them."""
    from galaxtool.containers import tar, zip

    for module in (streams, tar, zip):
        monkeypatch.setattr(module, "MOST_BYTES", 300_000)
    monkeypatch.setattr(zip, "_LARGE", 100_000)
    monkeypatch.setattr(streams, "_HEADER_BYTES", 100_000)
    monkeypatch.setattr(streams, "MOST_RATIO", 50)


@pytest.mark.usefixtures("small_bounds")
def test_members_that_unpack_to_too_much(tmp_path: Path) -> None:
    files = {
        "a.png": png(),
        "zeros.png": bytes(200_000),
        "large.png": np.random.default_rng(0).bytes(310_000),
        "b.png": png(1),
    }
    path = write_zip(tmp_path / "a.zip", files)
    assert [m.key for m in listed(path)[0]] == list(files)
    for key, size in (("zeros.png", "200,000"), ("large.png", "310,000")):
        assert f"to {size} bytes, which could exhaust memory" in complaint(path, key)
    assert content(path, "b.png") == png(1)
    for path in (write_tar(tmp_path / "a.tar", files), write_tar(tmp_path / "a.tar.gz", files, "w:gz")):
        assert [m.key for m in listed(path)[0]] == list(files)
        assert "has 310,000 bytes" in complaint(path, "large.png") and content(path, "b.png") == png(1)


@pytest.mark.usefixtures("small_bounds")
def test_sizes_that_are_lies(tmp_path: Path) -> None:
    """A directory that says less than there is: no more is unpacked than it says."""
    for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        path = write_zip(tmp_path / f"{method}.zip", {"a.png": bytes(2_000_000)}, method)
        raw = bytearray(path.read_bytes())
        struct.pack_into("<L", raw, raw.index(b"PK\x01\x02") + 24, 1000)
        path.write_bytes(raw)
        assert "damaged" in complaint(path, "a.png")
        struct.pack_into("<L", raw, raw.index(b"PK\x01\x02") + 20, 0x7FFFFFFF)
        path.write_bytes(raw)
        close_containers()
        assert complaint(path, "a.png")


@pytest.mark.usefixtures("small_bounds")
def test_archives_that_unpack_to_too_much(tmp_path: Path) -> None:
    for name, mode in PACKINGS.items():
        if mode == "w":
            continue
        files = {"a.png": png(), "zeros.bin": bytes(2_000_000), "b.png": png(1)}
        path = write_tar(tmp_path / name, files, mode)
        members, _, problem = listed(path)
        assert [m.key for m in members] == ["a.png"]
        assert "claims to decompress to more than 50 times its size" in problem
        assert content(path, "a.png") == png()


@pytest.mark.usefixtures("small_bounds")
@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XGLTYPE])
def test_headers_that_claim_to_be_large(tmp_path: Path, kind: bytes) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        add(archive, "a.png", png())
        add(archive, "claim", b"", type=kind)
    raw = bytearray((tmp_path / "a.tar").read_bytes())
    place = raw.rindex(b"claim")
    raw[place + 124 : place + 136] = b"%011o\0" % (8**11 - 1)
    raw[place + 148 : place + 156] = b" " * 8
    raw[place + 148 : place + 156] = b"%06o\0 " % sum(raw[place : place + 512])
    (tmp_path / "a.tar").write_bytes(raw)
    members, _, problem = listed(tmp_path / "a.tar")
    assert [m.key for m in members] == ["a.png"] and "a header claims to have" in problem


def test_a_member_that_claims_to_be_large(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar", {"a.png": png(), "b.png": png(1)})
    raw = bytearray(path.read_bytes())
    place = raw.rindex(b"b.png\0")
    raw[place + 124 : place + 136] = b"\x80" + (2**60).to_bytes(11, "big")
    raw[place + 148 : place + 156] = b" " * 8
    raw[place + 148 : place + 156] = b"%06o\0 " % sum(raw[place : place + 512])
    path.write_bytes(raw)
    assert [m.key for m in listed(path)[0]] == ["a.png", "b.png"]
    assert content(path, "a.png") == png() and f"has {2**60:,} bytes" in complaint(path, "b.png")


# --- finding members --------------------------------------------------------------------------------------------------


@given(st.lists(st.text(max_size=6), unique=True, max_size=40))
def test_an_index_finds_what_was_added(keys: list[str]) -> None:
    builder = index.IndexBuilder(2)
    for i, key in enumerate(keys):
        builder.add(key, i, 2**60 + i)
    built = builder.build()
    assert len(built) == len(keys)
    assert [built.find(key) for key in keys] == [(i, 2**60 + i) for i in range(len(keys))]
    assert built.find("another key") is None


def test_a_large_archive_is_listed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALAXTOOL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(index, "_MANY", 3)
    from galaxtool.containers import tar, zip

    files = {f"{i}.png": png(i) for i in range(4)}
    for path in (write_tar(tmp_path / "a.tar.gz", files, "w:gz"), write_zip(tmp_path / "a.zip", files)):
        assert len(listed(path)[0]) == 4
        index._kept.clear()  # as in another process
        with monkeypatch.context() as patch:
            for module in (tar, zip):
                patch.setattr(module, "scan_archive", lambda *_: pytest.fail("listed again"))
            assert content(path, "2.png") == files["2.png"]
        kept = sorted((tmp_path / "cache" / "archives").glob("*.npy"))
        kept[-1].write_bytes(b"damaged")
        index._kept.clear()
        close_containers()
        assert content(path, "2.png") == files["2.png"]
    write_tar(tmp_path / "a.tar.gz", {"new.png": png(9)}, "w:gz")
    assert content(tmp_path / "a.tar.gz", "new.png") == png(9)
    assert "There is no '2.png'" in complaint(tmp_path / "a.tar.gz", "2.png")
    monkeypatch.setattr(index, "_MOST_FILES", 1)
    listed(write_tar(tmp_path / "b.tar", files))
    assert len(list((tmp_path / "cache" / "archives").glob("*.npy"))) == 1


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("GALAXTOOL_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(index, "_MANY", 0)
    path = write_tar(tmp_path / "a.tar", {"a.png": png()})
    assert len(listed(path)[0]) == 1 and content(path, "a.png") == png()


@pytest.mark.parametrize("name", ["a.tar.gz", "a.zip", "a.h5"])
def test_many_threads_read_the_same_as_one(tmp_path: Path, name: str) -> None:
    n = 60
    path = tmp_path / name
    images = np.random.default_rng(0).integers(0, 255, (n, 9, 9, 3), dtype=np.uint8)
    if name == "a.h5":
        with h5py.File(path, "w") as file:
            file.create_dataset("images", data=images, chunks=(20, 3, 3, 1), compression="gzip")
    else:
        files = {}
        for i in range(n):
            stream = io.BytesIO()
            Image.fromarray(images[i]).save(stream, "PNG")
            files[f"{i}.png"] = stream.getvalue()
        _ = write_zip(path, files) if name == "a.zip" else write_tar(path, files, "w:gz")
    kind = find_container_name(path)
    items = [ImageRef(path, kind, m.key) for m in listed(path)[0]]
    order = np.random.default_rng(1).permutation(n)

    def read(i: int) -> bool:
        return np.array_equal(np.moveaxis(read_ref(items[i]).data[:, ::-1], 0, -1), images[i])

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(read, order.tolist()))


def test_few_containers_stay_open(tmp_path: Path) -> None:
    paths = [write_zip(tmp_path / f"{i}.zip", {"a.png": png(i)}) for i in range(8)]
    opened: list[Any] = []
    for _ in range(2):
        for i, path in enumerate(paths):
            assert content(path, "a.png") == png(i)
    from galaxtool.containers import cache

    opened = list(cache._cache()._open.values())
    assert 0 < len(opened) <= 4 and not any(container._stream.closed for container in opened)
    close_containers()
    assert all(container._stream.closed for container in opened)
    for path in paths:
        path.unlink()
    assert complaint(paths[0], "a.png", "zip") == f"There is no file '{paths[0]}'."


def test_containers_are_registered() -> None:
    specs = {r.spec.name: r.spec for r in get_registry().containers}
    assert {"tar", "zip", "hdf5", "numpy", "fits-hdus"} <= set(specs)
    assert specs["fits-hdus"].suffixes == () and specs["fits-hdus"].magic == ()  # type: ignore[attr-defined]
    pickle.dumps(InputItem("a", ImageRef(Path("a.tar"), "tar", "x")))


# --- stacks -----------------------------------------------------------------------------------------------------------


def write_h5(path: Path, images: np.ndarray, attributes: dict[str, Any] | None = None, **columns: Any) -> Path:
    with h5py.File(path, "w") as file:
        file["images"] = images
        file["images"].attrs.update(attributes or {})
        for name, values in columns.items():
            file[name] = values
    return path


def rows(path: Path, kind: str = "", options: ReadOptions = PLAIN) -> list[Cutout]:
    items = [ImageRef(path, kind or find_container_name(path), m.key) for m in listed(path)[0]]
    cutouts = [read_ref(item, options) for item in items]
    for item, cutout in zip(items, cutouts, strict=True):
        check_cutout(cutout, str(item))
        assert get_image_file(item) is None and cutout.source == str(item)
        assert locate_image(str(item)) == item
    return cutouts


SHAPES = {
    (5, 12, 14): ((5, 1, 12, 14), lambda a: a[:, None]),
    (5, 12, 14, 3): ((5, 3, 12, 14), lambda a: np.moveaxis(a, -1, 1)),
    (5, 3, 12, 14): ((5, 3, 12, 14), lambda a: a),
    (5, 12, 14, 1): ((5, 1, 12, 14), lambda a: np.moveaxis(a, -1, 1)),
    (5, 9, 12, 12): ((5, 9, 12, 12), lambda a: a),
    (5, 12, 12, 9): ((5, 9, 12, 12), lambda a: np.moveaxis(a, -1, 1)),
    (5, 3, 4, 3): ((5, 3, 3, 4), lambda a: np.moveaxis(a, -1, 1)),
    (2, 12, 14, 3): ((2, 3, 12, 14), lambda a: np.moveaxis(a, -1, 1)),
    (12, 14): ((1, 1, 12, 14), lambda a: a[None, None]),
    (12, 14, 3): ((1, 3, 12, 14), lambda a: np.moveaxis(a, -1, 0)[None]),
}


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, ">f8", np.uint16, np.float16])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_axes_and_types_of_stacks(tmp_path: Path, shape: tuple[int, ...], dtype: Any) -> None:
    values = (np.random.default_rng(0).integers(0, 255, shape) * (1 if dtype == np.uint8 else 10)).astype(dtype)
    wanted_shape, turned = SHAPES[shape]
    wanted = turned(values)
    if dtype == np.uint8:
        wanted = wanted[:, :, ::-1]  # pictures have the top row first
    np.save(tmp_path / "a.npy", values)
    files = [tmp_path / "a.npy"]
    if len(shape) > 2:
        files.append(write_h5(tmp_path / "a.h5", values))
        np.savez(tmp_path / "a.npz", images=values)
        np.savez_compressed(tmp_path / "b.npz", images=values)
        files += [tmp_path / "a.npz", tmp_path / "b.npz"]
    for path in files:
        cutouts = rows(path)
        assert (len(cutouts), *cutouts[0].data.shape) == wanted_shape
        assert all(np.array_equal(c.data, w.astype(c.data.dtype)) for c, w in zip(cutouts, wanted, strict=True))
        assert cutouts[0].unit == ("display" if dtype == np.uint8 else "")
        colours = dtype == np.uint8 and wanted_shape[1] == 3
        assert cutouts[0].bands == (("R", "G", "B") if colours else ("",) * wanted_shape[1])


@pytest.mark.parametrize(
    ("shape", "named"), [((5,), 0), ((), 0), ((5, 0, 4), 0), ((5, 9, 12, 14), 0), ((2, 2, 8, 8, 8), 0)]
)
def test_arrays_that_are_no_images(shape: tuple[int, ...], named: int) -> None:
    with pytest.raises(UnreadableImage, match=r"so it does not hold images|could be the bands"):
        find_axes(shape, named, "It")


def test_named_bands_decide() -> None:
    assert find_axes((5, 9, 12, 14), 9, "it").planes == 9 and not find_axes((5, 9, 12, 14), 9, "it").bands_last
    assert (
        find_axes((5, 3, 9, 4), 3, "it") == find_axes((5, 3, 9, 9), 3, "it")
        and not find_axes((5, 3, 9, 4), 3, "it").bands_last
    )


def test_what_stands_beside_the_images(tmp_path: Path) -> None:
    n = 6
    images = np.random.default_rng(0).normal(size=(n, 3, 10, 11)).astype(np.float32)
    images[1, 0, 0, 0], images[2, 0, 0, 1] = np.nan, np.inf
    ra, dec = np.linspace(-10, 350, n), np.array([0.0, 1, 2, np.nan, -99, 5])
    attributes = {"bands": ["g", "r", "z"], "units": ["nanomaggy"] * 3, "pixel_scale": 0.262}
    columns: dict[str, Any] = {"objid": [f"J{i}.5" for i in range(n)], "ra": ra, "DEC": dec, "label": list("abcabc")}
    path = write_h5(tmp_path / "a.h5", images, attributes, **columns, z=np.arange(n) / 4, other=np.zeros(3))
    members, _, _ = listed(path)
    assert [m.key for m in members] == [f"images/{i}" for i in range(n)]
    assert [m.name for m in members] == columns["objid"]
    assert [(m.ra, m.dec) for m in members[:5]] == [(350.0, 0.0), (62.0, 1.0), (134.0, 2.0), (None, None), (None, None)]
    assert members[2].columns == {"label": "c", "z": 0.5}
    cutouts = rows(path)
    assert cutouts[0].bands == ("g", "r", "z") and cutouts[0].unit == "nanomaggy" and cutouts[0].pixel_scale == 0.262
    assert [(c.ra, c.dec) for c in cutouts] == [(m.ra, m.dec) for m in members]
    assert np.array_equal(cutouts[0].data, images[0])  # the bottom row comes first, as in FITS
    assert cutouts[1].flags == cutouts[2].flags == ("NAN_PIXELS",) and np.isnan(cutouts[2].data[0, 0, 1])
    chosen = rows(path, options=ReadOptions(bands=("z", "g"), pixel_scale=9.0))
    assert np.array_equal(chosen[0].data, images[0, [2, 0]]) and chosen[0].bands == ("z", "g")
    assert chosen[0].pixel_scale == 0.262
    with pytest.raises(UnreadableImage, match="no band 'i': its bands are g, r, z"):
        rows(path, options=ReadOptions(bands=("i",)))
    np.savez(
        tmp_path / "a.npz", images=images, bands=np.array(["g", "r", "z"]), pixel_scale=0.262, ra=ra, dec=dec, unit="Jy"
    )
    other = rows(tmp_path / "a.npz")[1]
    assert (other.bands, other.pixel_scale, other.ra, other.unit) == (("g", "r", "z"), 0.262, 62.0, "Jy")


def test_row_zero_can_be_told(tmp_path: Path) -> None:
    for dtype in (np.uint8, np.float32):
        images = np.random.default_rng(0).integers(0, 9, (2, 6, 7)).astype(dtype)
        for row0 in ("top", "bottom"):
            path = write_h5(tmp_path / f"{row0}.h5", images, {"row0": row0})
            wanted = images[:, ::-1] if row0 == "top" else images
            assert all(np.array_equal(c.data[0], w) for c, w in zip(rows(path), wanted, strict=True))
            close_containers()


def test_which_array_is_taken(tmp_path: Path) -> None:
    images = np.random.default_rng(0).normal(size=(4, 8, 8)).astype(np.float32)
    with h5py.File(tmp_path / "deep.h5", "w") as file:
        file["survey/stamps"] = images
        file["survey/ra"], file["survey/dec"] = np.arange(4.0), np.arange(4.0)
        file.attrs["unit"] = b"Jy"
    deep = rows(tmp_path / "deep.h5")
    assert deep[2].source.endswith("[survey/stamps/2]") and (deep[2].ra, deep[2].unit) == (2.0, "Jy")
    with h5py.File(tmp_path / "two.h5", "w") as file:
        file["images"], file["weights"] = images, images * 0
    assert np.array_equal(rows(tmp_path / "two.h5")[1].data[0], images[1])
    with h5py.File(tmp_path / "which.h5", "w") as file:
        file["a"], file["b"] = images, images
    assert listed(tmp_path / "which.h5")[2] == f"'{tmp_path}/which.h5' has 2 arrays that could be images: 'a', 'b'."
    np.savez(tmp_path / "which.npz", a=images, b=images)
    assert "2 arrays that could be images" in listed(tmp_path / "which.npz")[2]
    with h5py.File(tmp_path / "none.h5", "w") as file:
        file["x"] = np.zeros(4)
    assert "has no array of images" in listed(tmp_path / "none.h5")[2]
    read_ref(locate_image(f"{tmp_path}/which.h5[b/3]"))  # any can be named
    for key in ("images/4", "images/-1", "images/", "images/x", "absent/0", "", "images/99999999999999999999"):
        assert complaint(tmp_path / "two.h5", key)


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_nothing_is_unpickled(tmp_path: Path, name: str) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return pytest.fail, ("unpickled",)

    bomb = np.empty((3, 4, 4), dtype=object)
    bomb[:] = [[[Bomb() for _ in range(4)]] * 4] * 3
    if name == "a.npy":
        np.save(tmp_path / name, bomb, allow_pickle=True)
    else:
        np.savez(tmp_path / name, images=bomb, allow_pickle=True)
    problem = listed(tmp_path / name)[2]
    assert "Python objects" in problem or "has no array of images" in problem


def test_damaged_stacks(tmp_path: Path) -> None:
    images = np.random.default_rng(0).normal(size=(8, 20, 20)).astype(np.float32)
    np.save(tmp_path / "a.npy", images)
    np.savez(tmp_path / "a.npz", images=images)
    np.savez_compressed(tmp_path / "b.npz", images=images)
    write_h5(tmp_path / "a.h5", images)
    for name in ("a.npy", "a.npz", "b.npz", "a.h5"):
        whole = (tmp_path / name).read_bytes()
        (tmp_path / f"cut-{name}").write_bytes(whole[: len(whole) // 2])
        problem = listed(tmp_path / f"cut-{name}")[2]
        assert f"cut-{name}' is" in problem and ("cut short" in problem or "damaged" in problem)
    raw = bytearray((tmp_path / "b.npz").read_bytes())
    middle = len(raw) // 2
    raw[middle : middle + 60] = b"x" * 60
    (tmp_path / "b.npz").write_bytes(raw)
    assert "damaged or cut short" in complaint(tmp_path / "b.npz", "images/7")
    np.save(tmp_path / "nan.npy", np.full((2, 4, 4), np.nan, np.float32))
    assert complaint(tmp_path / "nan.npy", "1") == f"'{tmp_path}/nan.npy[1]' has no pixel with a value: all are NaN."
    header = (tmp_path / "a.npy").read_bytes()
    claim = header.replace(b"(8, 20, 20)", b"(8, 9**9,9)", 1)
    (tmp_path / "claim.npy").write_bytes(claim)
    assert listed(tmp_path / "claim.npy")[2]


def test_arrays_that_claim_to_be_large(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:  # chunks that were never written take no space
        file.create_dataset("images", (3, 40_000, 40_000), np.float32, chunks=(1, 10_000, 10_000))
    assert "exhaust memory" in listed(tmp_path / "a.h5")[2]
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file.create_dataset("images", (2**40, 2, 2), np.uint8, chunks=(1, 2, 2))
    assert "exhaust memory" in listed(tmp_path / "b.h5")[2]
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file.create_dataset("images", (2**20, 64, 64), np.uint8, chunks=(2**19, 64, 64))
    assert "in chunks of 2,147,483,648 bytes" in complaint(tmp_path / "c.h5", "images/5")


def test_a_stack_is_read_row_by_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the rows asked for are read, whatever the size of the array."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        images = file.create_dataset("images", (100_000, 256, 256), np.float32, chunks=(1, 256, 256))
        images[70_000] = np.arange(256.0)
        file["id"] = np.arange(100_000)
    cutout = read_ref(locate_image(f"{tmp_path}/a.h5[images/70000]"))
    assert cutout.data.shape == (1, 256, 256) and cutout.data[0, 0, 9] == 9.0
    members = make_container("hdf5").members(tmp_path / "a.h5")
    assert next(members).name == "0"
    assert sum(1 for _ in members) == 99_999


def test_fortran_order(tmp_path: Path) -> None:
    images = np.asfortranarray(np.random.default_rng(0).normal(size=(4, 8, 9)).astype(np.float32))
    np.save(tmp_path / "a.npy", images)
    np.savez(tmp_path / "a.npz", images=images)
    np.savez_compressed(tmp_path / "b.npz", images=images)
    for name in ("a.npy", "a.npz"):
        assert np.array_equal(rows(tmp_path / name)[2].data[0], images[2])
    assert "Fortran order" in listed(tmp_path / "b.npz")[2]


# --- an object in each HDU --------------------------------------------------------------------------------------------


def hdus() -> list[Any]:
    rng = np.random.default_rng(0)
    units: list[Any] = [fits.PrimaryHDU()]
    units[0].header["BUNIT"] = "nJy"
    units += [fits.ImageHDU(rng.normal(size=(6, 8)).astype(np.float32), name=name) for name in ("A", "B")]
    units.append(fits.BinTableHDU.from_columns([fits.Column("x", "J", array=[1, 2])]))
    units.append(fits.CompImageHDU(rng.normal(size=(16, 16)).astype(np.float32), name="PACKED"))
    units.append(fits.ImageHDU(np.ones((3, 6, 8), np.int16), name="A", ver=2))
    units.append(fits.ImageHDU(np.arange(48.0).reshape(6, 8)))
    units[-1].header["OBJECT"] = "NGC 1"
    units.append(fits.ImageHDU(np.arange(48.0).reshape(6, 8)))
    return units


@pytest.mark.parametrize("name", ["a.fits", "a.fits.gz"])
def test_each_hdu_is_an_object(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    fits.HDUList(hdus()).writeto(path)
    assert find_container_name(path) == ""  # only where it is asked for
    members, skipped, _ = listed(path, "fits-hdus")
    assert [(m.key, m.name) for m in members] == [
        ("1", "A"), ("2", "B"), ("4", "PACKED"), ("5", "A-2"), ("6", "NGC 1"), ("7", "7"),
    ]  # fmt: skip
    assert skipped == {"HDU without an image": 1}
    for member in reversed(members):
        item = ImageRef(path, "fits-hdus", member.key)
        cutout = read_ref(item)
        wanted = fits.getdata(path, int(member.key)).astype(np.float32)
        assert np.array_equal(cutout.data, wanted if wanted.ndim == 3 else wanted[None])
        assert cutout.unit == "nJy" and cutout.source == str(item)
        assert locate_image(str(item)) == item
        source = get_image_file(item)
        assert source is not None and len(fits.open(source.open())) == 2  # a FITS file by itself
    assert complaint(path, "3", "fits-hdus") and "There is no HDU 9" in complaint(path, "9", "fits-hdus")


def test_a_primary_with_an_image_is_an_object_too(tmp_path: Path) -> None:
    arrays = [np.full((4, 4), float(i), np.float32) + np.eye(4, dtype=np.float32) for i in range(3)]
    fits.HDUList([fits.PrimaryHDU(arrays[0]), *map(fits.ImageHDU, arrays[1:])]).writeto(tmp_path / "a.fits")
    members, _, _ = listed(tmp_path / "a.fits", "fits-hdus")
    read = [read_ref(ImageRef(tmp_path / "a.fits", "fits-hdus", m.key)) for m in members]
    assert [m.key for m in members] == ["0", "1", "2"]
    assert all(np.array_equal(c.data[0], a) for c, a in zip(read, arrays, strict=True))


def test_damaged_fits_with_many_objects(tmp_path: Path) -> None:
    units = [fits.PrimaryHDU(), *(fits.ImageHDU(np.eye(50, dtype=np.float32), name=f"O{i}") for i in range(4))]
    fits.HDUList(units).writeto(tmp_path / "a.fits")
    whole = (tmp_path / "a.fits").read_bytes()
    (tmp_path / "cut.fits").write_bytes(whole[: len(whole) - 8000])
    members, _, problem = listed(tmp_path / "cut.fits", "fits-hdus")
    assert [m.key for m in members] == ["1", "2", "3", "4"] and problem == ""
    assert "cut short" in complaint(tmp_path / "cut.fits", "4", "fits-hdus")
    read_ref(ImageRef(tmp_path / "cut.fits", "fits-hdus", "3"))
    (tmp_path / "text.fits").write_text("no FITS")
    assert "is not a FITS file" in listed(tmp_path / "text.fits", "fits-hdus")[2]
    assert "There is no file" in listed(tmp_path / "absent.fits", "fits-hdus")[2]


# --- a file for each band ---------------------------------------------------------------------------------------------


def in_bands(
    folder: Path, names: str = "grz", change: Callable[[str, np.ndarray], np.ndarray] = lambda b, a: a
) -> ImageRef:
    files = []
    for i, band in enumerate(names):
        data = change(band, np.random.default_rng(i).normal(size=(7, 9)).astype(np.float32))
        fits.writeto(folder / f"x_{band}.fits", data, overwrite=True)
        files.append((band, folder / f"x_{band}.fits"))
    return ImageRef(files[0][1], bands=tuple(files))


def test_a_file_for_each_band(tmp_path: Path) -> None:
    ref = in_bands(tmp_path)
    whole = read_ref(ref)
    check_cutout(whole, "it")
    assert whole.bands == ("g", "r", "z") and whole.data.shape == (3, 7, 9)
    for i, (_, path) in enumerate(ref.bands):
        assert np.array_equal(whole.data[i], fits.getdata(path))
    some = read_ref(ref, ReadOptions(bands=("z", "g"), pixel_scale=0.3))
    assert some.bands == ("z", "g") and np.array_equal(some.data, whole.data[[2, 0]]) and some.pixel_scale == 0.3
    with pytest.raises(UnreadableImage, match="no file for the band 'i'; it has g, r, z"):
        read_ref(ref, ReadOptions(bands=("i",)))
    assert get_image_file(ref) is None
    assert read_item(InputItem("x", ref, 1.0, 2.0)).ra == 1.0


def test_flags_of_bands_are_joined(tmp_path: Path) -> None:
    def change(band: str, data: np.ndarray) -> np.ndarray:
        if band == "g":
            data[:] = 1.0
        if band == "r":
            data[0, 0] = np.nan
        return data

    assert read_ref(in_bands(tmp_path, change=change)).flags == ("NAN_PIXELS",)  # blank in one band is not blank
    assert read_ref(in_bands(tmp_path, change=lambda b, a: a * 0)).flags == ("BLANK",)
    header = fits.Header({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 10.0, "CRVAL2": 5.0, "CRPIX1": 5.0,
                          "CRPIX2": 4.0, "CDELT1": -1e-4, "CDELT2": 1e-4, "BUNIT": "Jy"})  # fmt: skip
    ref = in_bands(tmp_path)
    fits.writeto(ref.bands[1][1], np.eye(7, 9, dtype=np.float32), header, overwrite=True)
    placed = read_ref(ref)  # the first that knows says it
    assert placed.ra == pytest.approx(10.0) and placed.pixel_scale == pytest.approx(0.36) and placed.unit == "Jy"


def test_bands_that_do_not_go_together(tmp_path: Path) -> None:
    ref = in_bands(tmp_path, change=lambda b, a: a[:5] if b == "z" else a)
    with pytest.raises(UnreadableImage, match=r"x_z\.fits' has 9 x 5 pixels and .*x_g\.fits' has 9 x 7"):
        read_ref(ref)
    ref = in_bands(tmp_path)
    ref.bands[2][1].unlink()
    with pytest.raises(UnreadableImage, match=r"There is no file '.*x_z\.fits'"):
        read_ref(ref)
    fits.writeto(ref.bands[2][1], np.ones((2, 7, 9), np.float32))
    with pytest.raises(UnreadableImage, match=r"x_z\.fits' has 2 bands, but each file must have one"):
        read_ref(ref)
    Image.fromarray(np.zeros((7, 9), np.uint8)).save(tmp_path / "x_z.png")
    with pytest.raises(UnreadableImage, match="one of them is a picture"):
        read_ref(ImageRef(ref.path, bands=(*ref.bands[:2], ("z", tmp_path / "x_z.png"))))


# --- real images ------------------------------------------------------------------------------------------------------


@pytest.mark.shared_data
def test_real_images_out_of_archives(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "fits"
    files = sorted(path for path in folder.rglob("*.fits*") if path.is_file())[::4]
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz", compresslevel=1) as archive:
        for path in files:
            archive.add(path, path.relative_to(folder).as_posix())
    members, _, _ = listed(tmp_path / "a.tar.gz")
    assert [m.key for m in members] == [path.relative_to(folder).as_posix() for path in files]
    for member, path in zip(members, files, strict=True):
        ref = ImageRef(tmp_path / "a.tar.gz", "tar", member.key)
        try:
            wanted = read_file(path)
        except UnreadableImage:
            assert complaint(ref.path, member.key)
            continue
        got = read_ref(ref)
        assert np.array_equal(got.data, wanted.data, equal_nan=True) and (got.ra, got.flags) == (
            wanted.ra,
            wanted.flags,
        )
