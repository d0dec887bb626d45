"""Pictures of few colours: every filter of a PNG is read, and what has few colours loses nothing."""

import struct
import zlib

import numpy as np
import pytest

from tests.journeys.small import _chunk, _chunks, read, smaller

WIDTH, HEIGHT = 7, 5


def png(pixels, how):
    """A PNG whose rows all have this filter (0 none, 1 left, 2 above, 3 their middle, 4 Paeth's guess)."""
    height, width, bands = pixels.shape
    wide = np.pad(pixels.astype(int), ((1, 0), (1, 0), (0, 0)))
    here, left, above, corner = wide[1:, 1:], wide[1:, :-1], wide[:-1, 1:], wide[:-1, :-1]
    guess = left + above - corner
    nearest = np.argmin([abs(guess - one) for one in (left, above, corner)], axis=0)
    taken = (0, left, above, (left + above) // 2, np.choose(nearest, [left, above, corner]))[how]
    rows = ((here - taken) % 256).astype(np.uint8).reshape(height, width * bands)
    body = b"".join(bytes([how]) + row.tobytes() for row in rows)
    head = struct.pack(">IIBBBBB", width, height, 8, {3: 2, 4: 6}[bands], 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", head)
        + _chunk(b"IDAT", zlib.compress(body))
        + _chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("bands", [3, 4])
@pytest.mark.parametrize("how", range(5))
def test_every_filter_is_read(how, bands):
    pixels = np.random.default_rng(how).integers(0, 256, (HEIGHT, WIDTH, bands), dtype=np.uint8)

    assert (read(png(pixels, how))[..., :bands] == pixels).all()


def test_a_picture_of_few_colours_is_the_same_and_one_of_many_has_256():
    few = np.random.default_rng(1).choice(np.array([0, 90, 255], np.uint8), (HEIGHT, WIDTH, 3))
    many = np.random.default_rng(2).integers(0, 256, (40, 40, 3), dtype=np.uint8)

    small, large = (dict(_chunks(smaller(png(pixels, 0)))) for pixels in (few, many))
    colours = np.frombuffer(small[b"PLTE"], np.uint8).reshape(-1, 3)
    rows = np.frombuffer(zlib.decompress(small[b"IDAT"]), np.uint8).reshape(HEIGHT, 1 + WIDTH)

    assert (colours[rows[:, 1:]] == few).all()
    assert len(large[b"PLTE"]) == 256 * 3
