"""Body: what is judged is what the API reads, and nothing costs more than it may."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talonschema.gateway.body import MAX_BODY, MAX_RATIO, UnreadableBody, inflate, read
from talonschema.gateway.messages import Request

JSON = ("content-type", "application/json")


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


WRITERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "GZIP": gzip.compress,
    "deflate": zlib.compress,
    " Deflate ": raw_deflate,
    "br": brotli.compress,
    "identity": bytes,
    "identity, gzip": gzip.compress,
}


def put_request(body: bytes, *headers: tuple[str, str], truncated: bool = False) -> Request:
    return Request("PUT", "/v2/customer_sessions/a", headers, body, truncated)


def refusal_of(request: Request, max_body: int = MAX_BODY) -> tuple[int, str]:
    found = read(request, max_body)
    assert isinstance(found, UnreadableBody)
    assert found.details
    return found.status, found.code


@pytest.mark.parametrize("encoding", WRITERS)
@given(data=st.binary(max_size=3000))
def test_what_was_compressed_comes_out(encoding: str, data: bytes) -> None:
    body = WRITERS[encoding](data)
    assert read(put_request(body, JSON, ("content-encoding", encoding))) == (data if body else b"")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
def test_a_broken_body_is_refused_wherever_it_breaks(encoding: str) -> None:
    body = WRITERS[encoding](b'{"customerSession": {"state": "open"}}' * 20)
    header = ("content-encoding", encoding)
    for cut in range(1, len(body)):
        assert refusal_of(put_request(body[:cut], header)) == (400, "body/broken"), cut
    assert refusal_of(put_request(body + b"x", header)) == (400, "body/broken")
    assert refusal_of(put_request(b"{}", header)) == (400, "body/broken")


def test_members_of_gzip_are_read_on_as_by_others() -> None:
    header = ("content-encoding", "gzip")
    assert read(put_request(gzip.compress(b"{") + gzip.compress(b"}"), header)) == b"{}"
    many = gzip.compress(b"") * 20_000
    assert refusal_of(put_request(many, header)) == (400, "body/broken")


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
def test_bombs_die_early(encoding: str) -> None:
    bomb = WRITERS[encoding](bytes(64 * 2**20))
    assert len(bomb) < MAX_BODY
    tracemalloc.start()
    try:
        assert refusal_of(put_request(bomb, ("content-encoding", encoding))) == (
            413,
            "body/too-large",
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6 * MAX_BODY


def test_the_ratio_has_a_cap_of_its_own() -> None:
    data = bytes(500 * 1024)
    body = gzip.compress(data)
    assert len(data) > MAX_RATIO * len(body)
    assert refusal_of(put_request(body, ("content-encoding", "gzip"))) == (413, "body/too-large")
    small = bytes(60 * 1024)
    assert read(put_request(brotli.compress(small), ("content-encoding", "br"))) == small


def test_the_limit_is_the_largest_that_passes() -> None:
    gzipped = ("content-encoding", "gzip")
    data = b"{}" + b" " * 2046
    assert read(put_request(data, JSON), 2048) == data
    assert refusal_of(put_request(data, JSON), 2047) == (413, "body/too-large")
    assert read(put_request(gzip.compress(data), gzipped), 2048) == data
    assert refusal_of(put_request(gzip.compress(data), gzipped), 2047) == (413, "body/too-large")
    stored = gzip.compress(data, compresslevel=0)
    assert refusal_of(put_request(stored, gzipped), 2048) == (413, "body/too-large")


@pytest.mark.parametrize(
    ("headers", "answer"),
    [
        ((("content-encoding", "zstd"),), (415, "body/content-encoding")),
        ((("content-encoding", "gzip, gzip"),), (415, "body/content-encoding")),
        (
            (("content-encoding", "gzip"), ("content-encoding", "br")),
            (415, "body/content-encoding"),
        ),
        ((("content-type", "text/plain"),), (415, "body/content-type")),
        ((("content-type", "application/x-www-form-urlencoded"),), (415, "body/content-type")),
        ((("content-type", "text/json"),), (415, "body/content-type")),
        ((("content-type", ""),), (415, "body/content-type")),
        ((("content-type", "application/json; charset=utf-16"),), (415, "body/content-type")),
        ((JSON, ("content-type", "text/plain")), (415, "body/content-type")),
    ],
)
def test_what_can_be_read_otherwise_is_refused(
    headers: tuple[tuple[str, str], ...], answer: tuple[int, str]
) -> None:
    assert refusal_of(put_request(b"{}", *headers)) == answer


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "Application/JSON",
        "application/json;charset=UTF-8",
        'application/json; charset="utf-8"',
        "application/json; profile=x",
        "application/vnd.example+json",
    ],
)
def test_types_of_json(kind: str) -> None:
    assert read(put_request(b"{}", ("content-type", kind))) == b"{}"


def test_a_body_without_a_type_is_read_as_json() -> None:
    assert read(put_request(b"{}")) == b"{}"
    assert read(put_request(b"")) == b""


def test_the_same_type_twice_is_one() -> None:
    assert read(put_request(b"{}", JSON, JSON)) == b"{}"


def test_a_truncated_body_is_refused() -> None:
    assert refusal_of(put_request(b"{}", JSON, truncated=True)) == (413, "body/truncated")


def test_gzip_that_was_not_announced_is_reported() -> None:
    found = read(put_request(gzip.compress(b"{}"), JSON))
    assert isinstance(found, UnreadableBody)
    assert (found.status, found.code) == (415, "body/content-encoding")
    assert "Content-Encoding" in found.details


def test_inflate_counts_only_what_came_out() -> None:
    assert inflate(gzip.compress(b"abc"), "gzip", 100) == b"abc"
    assert inflate(gzip.compress(b"abc"), "gzip", 2) is None
    assert inflate(b"abc", "gzip", 100) is None
    assert inflate(b"abc", "zstd", 100) is None
