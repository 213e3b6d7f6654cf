"""Writes TIFFs of every type of numbers, which Pillow cannot."""

import struct
import zlib

import numpy as np

_KINDS = {"u": 1, "i": 2, "f": 3, "c": 6}


def write_tiff(
    array,
    *,
    photometric=1,
    order="<",
    big=False,
    tile=0,
    rows=0,
    planar=False,
    deflate=False,
    predictor=1,
    bits=0,
    tags=None,
):
    """Return the bytes of a TIFF of an array, (ny, nx) or (ny, nx, samples); `tags` are more short numbers."""
    values = array.reshape(*array.shape[:2], -1)
    ny, nx, samples = values.shape
    planes = [values[..., [k]] for k in range(samples)] if planar else [values]
    pieces = []
    for plane in planes:
        for top in range(0, ny, tile or rows or ny):
            for left in range(0, nx, tile or nx):
                piece = plane[top : top + (tile or rows or ny), left : left + (tile or nx)]
                if tile:
                    edges = ((0, tile - piece.shape[0]), (0, tile - piece.shape[1]), (0, 0))
                    piece = np.pad(piece, edges)
                content = _encode(piece, order, predictor, bits)
                pieces.append(zlib.compress(content) if deflate else content)
    start = 16 if big else 8
    places = np.cumsum([start, *map(len, pieces)]).tolist()
    entries = {
        256: [nx], 257: [ny], 258: [bits or 8 * array.itemsize] * samples, 259: [8 if deflate else 1],
        262: [photometric], 277: [samples], 284: [2 if planar else 1], 317: [predictor],
        339: [_KINDS[array.dtype.kind]] * samples, **(tags or {}),
    }  # fmt: skip
    long = {324 if tile else 273: places[:-1], 325 if tile else 279: list(map(len, pieces))}
    entries |= {322: [tile], 323: [tile]} if tile else {278: [rows or ny]}
    return _join(b"".join(pieces), entries, long, order, big)


def _encode(piece, order, predictor, bits):
    """Return the bytes of a strip or tile, (rows, width, samples)."""
    item = piece.itemsize
    if predictor == 2:
        piece = np.concatenate([piece[:, :1], np.diff(piece, axis=1)], axis=1)
    if predictor == 3:
        flat = np.ascontiguousarray(piece.astype(piece.dtype.newbyteorder(">"))).view(np.uint8)
        mixed = flat.reshape(len(piece), -1, item).transpose(0, 2, 1).reshape(len(piece), -1, piece.shape[2])
        return np.concatenate([mixed[:, :1], np.diff(mixed, axis=1)], axis=1).tobytes()
    if bits:
        flags = piece.reshape(len(piece), -1, 1) >> np.arange(bits - 1, -1, -1) & 1
        return np.packbits(flags.astype(np.uint8).reshape(len(piece), -1), axis=1).tobytes()
    return np.ascontiguousarray(piece).astype(piece.dtype.newbyteorder(order)).tobytes()


def _join(pixels, entries, long, order, big):
    """Return header, pixels and directory."""
    size, number = (8, "Q") if big else (4, "L")
    extra, fields = b"", []
    start = (16 if big else 8) + len(pixels)
    for tag, numbers in sorted((entries | long).items()):
        code, kind = (16 if big else 4, number) if tag in long else (3, "H")
        raw = struct.pack(f"{order}{len(numbers)}{kind}", *numbers)
        if len(raw) > size:
            place, extra = struct.pack(order + number, start + len(extra)), extra + raw
        else:
            place = raw.ljust(size, b"\0")
        fields.append(struct.pack(f"{order}HH{number}", tag, code, len(numbers)) + place)
    directory = struct.pack(order + ("Q" if big else "H"), len(fields)) + b"".join(fields) + bytes(size)
    mark = b"II" if order == "<" else b"MM"
    place = start + len(extra)
    head = struct.pack(f"{order}HHHQ", 43, 8, 0, place) if big else struct.pack(f"{order}HL", 42, place)
    return mark + head + pixels + extra + directory
