"""Content-Encoding: what comes out, where it ends, and that no more is held than may come out."""

from __future__ import annotations

import gzip
import random
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from functools import partial

import brotli
import pytest

from talonschema.reading.content_encoding import decompress


def raw_deflate(data: bytes, level: int = 6) -> bytes:
    stream = zlib.compressobj(level, wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


WRITERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "zlib": ("deflate", zlib.compress),
    "raw": ("deflate", raw_deflate),
    "brotli": ("br", partial(brotli.compress, quality=1)),
}
each_writer = pytest.mark.parametrize("name", WRITERS)


@each_writer
def test_the_limit_is_the_most_that_comes_out(name: str) -> None:
    encoding, write = WRITERS[name]
    data = bytes(range(256)) * 300
    body = write(data)
    assert decompress(body, encoding, len(data)) == data
    # The buffer of Brotli has 32752 bytes before it grows.
    for limit in (len(data) - 1, 2**16, 32_752, 0):
        assert decompress(body, encoding, limit) is None
    assert decompress(write(b""), encoding, 0) == b""


@each_writer
def test_repetitions_lie_as_far_back_as_the_window_reaches(name: str) -> None:
    encoding, write = WRITERS[name]
    # It is 32 KiB.
    data = random.Random(0).randbytes(30_000) * 5
    assert decompress(write(data), encoding, len(data)) == data


def test_the_end_of_a_bare_stream_may_come_out_in_two_pieces() -> None:
    # Its last bits stand for a repetition, of which the first piece has a part.
    for size in range(2**16, 2**16 + 260, 20):
        assert decompress(raw_deflate(bytes(size)), "deflate", 2**17) == bytes(size)


def test_forms_are_not_taken_for_each_other() -> None:
    for name, encoding in (("zlib", "gzip"), ("raw", "gzip"), ("gzip", "deflate"), ("gzip", "br")):
        with pytest.raises(ValueError, match=r"^$"):
            decompress(WRITERS[name][1](b"abc"), encoding, 100)


@each_writer
def test_what_ends_too_soon_is_broken_even_if_all_came_out(name: str) -> None:
    encoding, write = WRITERS[name]
    data = b"abc" * 20
    body = write(data)
    for cut in range(len(body)):
        for limit in (len(data) - 1, len(data), len(data) + 1):
            try:
                # More than the limit may come out before the end shows to be missing.
                found = decompress(body[:cut], encoding, limit)
            except ValueError:
                continue
            assert found is None, (cut, limit)
            assert limit < len(data), (cut, limit)


@each_writer
def test_no_more_is_held_than_may_come_out(name: str) -> None:
    encoding, write = WRITERS[name]
    bomb = write(bytes(8 * 2**20))
    for limit in (0, 1000, 100_000):
        tracemalloc.start()
        try:
            assert decompress(bomb, encoding, limit) is None
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 4 * limit + 100_000


def test_a_gzip_file_has_a_hundred_members_at_most() -> None:
    member = gzip.compress(b"a")
    assert decompress(member * 100, "gzip", 1000) == b"a" * 100
    assert decompress(member * 100, "gzip", 99) is None
    with pytest.raises(ValueError, match=r"^$"):
        decompress(member * 101, "gzip", 1000)


def test_other_forms_have_no_members() -> None:
    for write in (zlib.compress, raw_deflate):
        with pytest.raises(ValueError, match=r"^$"):
            decompress(write(b"a") * 2, "deflate", 1000)


def stored_block(data: bytes, first: int) -> bytes:
    """Return a block of a bare stream that holds data as they are; the last one if `first` is odd.

    Five bits of the first byte mean nothing (RFC 1951, section 3.2.4).
    """
    return struct.pack("<BHH", first, len(data), len(data) ^ 0xFFFF) + data


def test_a_bare_stream_may_look_like_zlibs_format() -> None:
    # The first byte is that of zlib's format, the checksum in the second one is not.
    body = stored_block(b"ab", 0x78) + stored_block(b"", 0x01)
    assert decompress(body, "deflate", 9) == b"ab"
    # The other way round, for one of the sizes.
    for size in range(1, 32):
        body = stored_block(b"a" * size, 0x79)
        assert decompress(body, "deflate", 99) == b"a" * size


@pytest.mark.parametrize("encoding", ["", "GZIP", "identity", "zstd", "gzip, br"])
def test_an_unknown_encoding_is_named(encoding: str) -> None:
    with pytest.raises(LookupError) as caught:
        decompress(b"", encoding, 100)
    assert caught.value.args == (encoding,)
