"""PNG files of few colours: what a browser photographed of a page, several times smaller and hard to tell from it."""

import struct
import zlib
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
SIGNATURE = b"\x89PNG\r\n\x1a\n"
MOST_COLOURS = 256
BANDS_OF = {2: 3, 6: 4}  # bytes of a pixel, by the kind of PNG that Chromium writes


def smaller(png: bytes) -> bytes:
    """The same picture with at most 256 colours; whatever was not opaque stays as it was."""
    pixels = read(png)
    colours, indexes = _reduced(pixels)
    height, width = pixels.shape[:2]
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", colours[:, :3].tobytes()),
    ]
    if (colours[:, 3] < 255).any():
        parts.append((b"tRNS", colours[:, 3].tobytes()))
    rows = np.pad(indexes.astype(np.uint8), ((0, 0), (1, 0)))  # each row begins with its filter: none
    parts += [(b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b"")]
    return SIGNATURE + b"".join(_chunk(*part) for part in parts)


def read(png: bytes) -> Pixels:
    """Height x width x 4 of a PNG as browsers write it: eight bits, not interlaced, with or without opacity."""
    parts = list(_chunks(png))
    width, height, bits, kind, _, _, interlaced = struct.unpack(">IIBBBBB", parts[0][1])
    assert (bits, interlaced) == (8, 0), "a PNG of eight bits that is not interlaced"
    bands = BANDS_OF[kind]
    data = zlib.decompress(b"".join(body for name, body in parts if name == b"IDAT"))
    rows = np.frombuffer(data, np.uint8).reshape(height, 1 + width * bands)
    pixels = _unfiltered(rows, bands).reshape(height, width, bands)
    return pixels if bands == 4 else np.dstack([pixels, np.full((height, width), 255, np.uint8)])


def _chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], len(SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        found.append((png[at + 4 : at + 8], png[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _unfiltered(rows: Pixels, bands: int) -> Pixels:
    """Rows without their filters (PNG, section 9); the pixel before and the row above were taken away from each byte."""
    above = np.zeros(rows.shape[1] - 1, np.uint8)
    found = np.empty((rows.shape[0], above.size), np.uint8)
    for number, row in enumerate(rows):
        above = _row(int(row[0]), row[1:], above, bands)
        found[number] = above
    return found


def _row(how: int, row: Pixels, above: Pixels, bands: int) -> Pixels:
    if how == 0:
        return row
    if how == 1:
        return np.cumsum(row.reshape(-1, bands), axis=0, dtype=np.uint8).reshape(-1)
    if how == 2:
        return row + above
    made = [0] * bands + [0] * row.size
    up = [0] * bands + above.tolist()
    for at, value in enumerate(row.tolist(), bands):
        left, over, corner = made[at - bands], up[at], up[at - bands]
        guess = (left + over) // 2 if how == 3 else _paeth(left, over, corner)
        made[at] = (value + guess) & 255
    return np.array(made[bands:], np.uint8)


def _paeth(left: int, over: int, corner: int) -> int:
    wide = left + over - corner
    return min((left, over, corner), key=lambda one: abs(wide - one))


def _reduced(pixels: Pixels) -> tuple[Pixels, NDArray[np.int64]]:
    """The colours kept, and which of them each pixel has: those used most, and for every other the nearest one."""
    packed = np.ascontiguousarray(pixels).view(np.uint32)[..., 0]
    found, inverse, counts = np.unique(packed, return_inverse=True, return_counts=True)
    colours = found.view(np.uint8).reshape(-1, 4)
    order = _spread(colours, counts) if len(found) > MOST_COLOURS else np.arange(len(found))
    kept = colours[order].astype(np.int32)
    nearest = np.empty(len(found), np.int64)
    cuts = [*range(0, len(found), 4096), len(found)]
    for begin, end in pairwise(cuts):
        away = colours[begin:end, None].astype(np.int32) - kept[None]
        nearest[begin:end] = (away**2).sum(axis=2).argmin(axis=1)
    return colours[order], nearest[inverse].reshape(packed.shape)


def _spread(colours: Pixels, counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Colours that are used much and far from each other: of each coarse cube the most used one, the fullest cubes first."""
    cubes = (colours.astype(np.int64) >> 4) @ np.array([1, 16, 256, 4096])
    most_used = np.lexsort((-counts, cubes))
    firsts = most_used[np.unique(cubes[most_used], return_index=True)[1]]
    weights = np.bincount(cubes, counts)[cubes[firsts]]
    chosen = firsts[np.argsort(-weights)][: MOST_COLOURS // 2]
    rest = np.setdiff1d(np.argsort(-counts)[:MOST_COLOURS], chosen, assume_unique=True)
    return np.concatenate([chosen, rest])[:MOST_COLOURS]
