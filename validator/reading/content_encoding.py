"""Content-Encoding: decompression of HTTP bodies within a limit."""

from __future__ import annotations

import zlib
from typing import Final

_PIECE: Final = 64 * 1024
_MEMBERS: Final = 100
"""The most members of a gzip file: each costs a copy of all that follow it."""
_GZIP, _ZLIB, _RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS


def decompress(body: bytes, encoding: str, limit: int) -> bytes | None:
    """Return the decompressed body; None if it has more than `limit` bytes.

    Raises `LookupError` for an unknown encoding, `ValueError` for a corrupt body, and `ImportError`
    if the package for the encoding is not installed.
    """
    if encoding in ("gzip", "x-gzip"):
        return _decompress_zlib(body, _GZIP, limit)
    if encoding == "deflate":
        return _decompress_zlib(body, _ZLIB if _has_zlib_header(body) else _RAW, limit)
    if encoding == "br":
        return _decompress_brotli(body, limit)
    raise LookupError(encoding)


def _has_zlib_header(body: bytes) -> bool:
    """Return True for the zlib format, which ``deflate`` means; some send a raw stream instead."""
    # RFC 1950, section 2.2: the usual method and window, and a checksum.
    return body[:1] == b"\x78" and int.from_bytes(body[:2]) % 31 == 0


def _decompress_zlib(body: bytes, bits: int, limit: int) -> bytes | None:
    """Return the decompressed body or None; raises `ValueError`, as `decompress` does."""
    out = bytearray()
    for _ in range(_MEMBERS if bits == _GZIP else 1):
        stream = zlib.decompressobj(bits)
        while not stream.eof:
            try:
                piece = stream.decompress(body, min(_PIECE, limit + 1 - len(out)))
            except zlib.error as error:
                raise ValueError from error
            out += piece
            if len(out) > limit:
                return None
            if not piece and not stream.eof:
                raise ValueError
            body = stream.unconsumed_tail
        # A gzip file may have several members (RFC 1952, section 2.2).
        body = stream.unused_data
        if not body:
            return bytes(out)
    raise ValueError


def _decompress_brotli(body: bytes, limit: int) -> bytes | None:
    import brotli

    stream = brotli.Decompressor()
    try:
        # This processes the whole body, unless the output exceeds the limit.
        out = stream.process(body, output_buffer_limit=limit + 1)
    except brotli.error as error:
        raise ValueError from error
    if len(out) > limit:
        return None
    if not stream.is_finished():
        raise ValueError
    return bytes(out)
