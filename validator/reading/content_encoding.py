"""Content-Encoding: bodies of HTTP without their compression, within a limit."""

from __future__ import annotations

import zlib
from typing import Final

_PIECE: Final = 64 * 1024
_MEMBERS: Final = 100
"""A gzip file of more members is not read: each costs a copy of what follows it."""
_GZIP, _ZLIB, _RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS


def decompress(body: bytes, encoding: str, limit: int) -> bytes | None:
    """Return a body without its one encoding; None if more than `limit` bytes come out.

    Raises `LookupError` for an unknown encoding, `ValueError` for a broken body, `ImportError` if
    the package for the encoding is not installed.
    """
    if encoding in ("gzip", "x-gzip"):
        return _decompress_zlib(body, _GZIP, limit)
    if encoding == "deflate":
        return _decompress_zlib(body, _ZLIB if _has_zlib_header(body) else _RAW, limit)
    if encoding == "br":
        return _decompress_brotli(body, limit)
    raise LookupError(encoding)


def _has_zlib_header(body: bytes) -> bool:
    """Distinguish zlib's format, which ``deflate`` means, from the bare stream that some send."""
    # RFC 1950, section 2.2: method and window as all writers have them, and a checksum.
    return body[:1] == b"\x78" and int.from_bytes(body[:2]) % 31 == 0


def _decompress_zlib(body: bytes, bits: int, limit: int) -> bytes | None:
    """Decompress; None if more than `limit` comes out. Raises `ValueError` for a broken body."""
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
        # Readers of gzip go on with the next member, if there is one (RFC 1952, section 2.2).
        body = stream.unused_data
        if not body:
            return bytes(out)
    raise ValueError


def _decompress_brotli(body: bytes, limit: int) -> bytes | None:
    import brotli

    stream = brotli.Decompressor()
    try:
        # All that is in the body, unless it is more than this.
        out = stream.process(body, output_buffer_limit=limit + 1)
    except brotli.error as error:
        raise ValueError from error
    if len(out) > limit:
        return None
    if not stream.is_finished():
        raise ValueError
    return bytes(out)
