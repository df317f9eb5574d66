"""Document: fast reading of valid JSON documents, and the diagnosis of invalid ones.

A document is UTF-8 JSON by RFC 8259 within the limits of RFC 7493 (I-JSON). A byte order mark at
the start is skipped, as RFC 8259 section 8.1 allows. The result does not depend on whether the
optional parsers `jiter` and `orjson` are installed.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from ..findings.problem import Problem
from . import MAX_DIGITS

try:
    import jiter
except ImportError:
    jiter = None  # type: ignore[assignment]  # types from the module below

MAX_BYTES = 16 * 2**20
"""The maximum size of a document in bytes of UTF-8."""
MAX_DEPTH = 100
"""The maximum nesting depth of containers."""

Source: TypeAlias = bytes | bytearray | memoryview | str

_BOM = b"\xef\xbb\xbf"
# Longest first: the mark of UTF-16 is a prefix of that of UTF-32.
_WIDE_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
# The positions of NULs in the first four bytes of ASCII text without a mark (RFC 4627 section 3).
_WIDE_ZEROS = {
    "0001": "utf-32-be",
    "1000": "utf-32-le",
    "0101": "utf-16-be",
    "1010": "utf-16-le",
}


class Effort(NamedTuple):
    """The limits of the diagnosis of a faulty text."""

    problems: int
    tokens: int


class Document(NamedTuple):
    """The value of a source and the problems of its text."""

    value: Any
    problems: tuple[Problem, ...] = ()
    readable: bool = True
    """Whether there is a value to check."""


def read(source: Source, effort: Effort | None = None) -> Document:
    """Return the document in `source`: UTF-8 bytes or text.

    `effort` limits the diagnosis of a faulty document; None for a complete one.

    A document without problems costs a pass or two of a native parser, which accepts two faults
    that only an inspection of all values could find: numbers beyond a double, which become
    infinite, and more than `MAX_DEPTH` nested containers. Callers that find one call `reread`.

    Raises `TypeError` if `source` is neither bytes-like nor str; no content raises an exception.
    """
    try:
        data = _data(source)
        if len(data) <= MAX_BYTES:
            return Document(PARSER.accept(data[3:] if data.startswith(_BOM) else data))
    except (ValueError, RecursionError, MemoryError):
        # The diagnosis determines the reason.
        pass
    return reread(source, effort)


def reread(source: Source, effort: Effort | None = None) -> Document:
    """Return the same document as `read`, with all problems and their lines and columns.

    `effort` is that of `read`. Beyond it, the document is unreadable, and its only problem may be
    the first that a fast parser finds.

    The codes are `json/too-large` and `json/encoding`, with which there is nothing to check, and
    those of the scanner. It takes some hundred times as long as `read` of a valid document.

    Raises `TypeError` if `source` is neither bytes-like nor str; no content raises an exception.
    """
    # Imported here, since valid documents do not need it.
    from .json_scanner import scan

    text = text_of(source)
    if isinstance(text, Problem):
        return Document(None, (text,), readable=False)
    if effort is None:
        value, problems, complete = scan(text, max_depth=MAX_DEPTH)
    else:
        value, problems, complete = scan(
            text, max_depth=MAX_DEPTH, max_problems=effort.problems, max_tokens=effort.tokens
        )
        if not complete and not problems:
            from . import first_fault

            return Document(None, (first_fault.find(text, MAX_DEPTH),), readable=False)
    if not complete and isinstance(source, str) and _is_path(source):
        problems = tuple(_with_kind(each, "path") for each in problems)
    return Document(value, problems, complete)


def _is_path(text: str) -> bool:
    """Return True if a text looks like the path of a payload file."""
    import re

    return (
        re.fullmatch(r"[^\s\[\]{}\",][^\n\[\]{}\",]*\.(?:jsonc?|jsonl|ndjson|ya?ml)", text)
        is not None
    )


def _with_kind(problem: Problem, kind: str) -> Problem:
    return problem._replace(params={**problem.params, "kind": kind})


def _data(source: Source) -> bytes:
    """Return the source as bytes; raises `ValueError` if it is too large or can't be encoded."""
    if isinstance(source, bytes):
        return source
    if isinstance(source, str):
        if len(source) > MAX_BYTES:
            raise ValueError
        return source.encode()
    if isinstance(source, (bytearray, memoryview)):
        if memoryview(source).nbytes > MAX_BYTES:
            raise ValueError
        return bytes(source)
    message = f"a document must be bytes-like or str, not {type(source).__name__}"
    raise TypeError(message)


def _size(source: Source) -> int:
    if not isinstance(source, str):
        return memoryview(source).nbytes
    if len(source) > MAX_BYTES:
        step = 2**20
        parts = (source[i : i + step] for i in range(0, len(source), step))
        return sum(len(part.encode(errors="surrogatepass")) for part in parts)
    return len(source.encode(errors="surrogatepass"))


def text_of(source: Source) -> str | Problem:
    """Return the text without a byte order mark, or the problem of its size or encoding."""
    size = _size(source)
    if size > MAX_BYTES:
        return Problem("json/too-large", params={"limit": MAX_BYTES}, values={"size": size})
    if isinstance(source, str):
        return source.removeprefix("\ufeff")
    data = bytes(source).removeprefix(_BOM)
    detected = _wide_encoding(data)
    if detected:
        return Problem("json/encoding", params={"kind": detected}, line=1, column=1)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        line = before.count("\n") + 1
        column = len(before) - before.rfind("\n")
        return Problem("json/encoding", line=line, column=column)


def decode(source: Source) -> str:
    """Return the text of a source without a byte order mark, with U+FFFD for invalid UTF-8."""
    if isinstance(source, str):
        return source.removeprefix("\ufeff")
    return bytes(source).removeprefix(_BOM).decode(errors="replace")


def _wide_encoding(data: bytes) -> str | None:
    """Return "utf-16" or "utf-32" if `data` has this encoding, else None."""
    for mark, name in _WIDE_MARKS:
        if data.startswith(mark):
            return name
    codec = _WIDE_ZEROS.get("".join("1" if byte else "0" for byte in data[:4]))
    if codec is None:
        return None
    try:
        # Stray NUL characters in UTF-8 are a syntax error, not another encoding.
        return None if "\0" in data.decode(codec) else codec[:6]
    except UnicodeDecodeError:
        return None


def _accept_with_jiter(data: bytes) -> object:
    """Return the value of a valid document; raises `ValueError`."""
    # The fastest mode measured; "all" would also put customers' strings into a global cache.
    return jiter.from_json(data, allow_inf_nan=False, cache_mode="keys", catch_duplicate_keys=True)


def _accept_with_json(data: bytes) -> object:
    """Return the value of a valid document; raises ValueError, RecursionError or MemoryError."""
    import json
    import sys

    limit = sys.get_int_max_str_digits()
    value = json.loads(
        data.decode(),
        object_pairs_hook=_unique,
        parse_constant=_refuse,
        parse_int=None if 0 < limit <= MAX_DIGITS else _integer,
    )
    if b"\\ud" in data or b"\\uD" in data:
        # Escaped surrogates have to be paired; encoding raises `ValueError` for others.
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError
    return result


def _refuse(_token: str) -> object:
    raise ValueError


def _integer(token: str) -> int:
    if len(token.lstrip("-")) > MAX_DIGITS:
        raise ValueError
    return int(token)


FEW = 100
"""Documents after which the import of orjson, which takes 10 ms, pays off."""


class Parser:
    """A parser of valid documents, which begins with a light one and changes to the fastest."""

    __slots__ = ("_left", "_strict", "accept")

    def __init__(self, strict: Callable[[bytes], object]) -> None:
        """Begin with `strict`, which later parses only documents that the fastest can't verify."""
        self._strict = strict
        self._left = FEW
        self.accept: Callable[[bytes], object] = self._at_first
        """The function that parses a valid document, and raises as `_accept_with_json` does."""

    def _at_first(self, data: bytes) -> object:
        self._left -= 1
        if self._left <= 0:
            self.use_fastest()
        return self._strict(data)

    def use_fastest(self) -> None:
        """Change to the fastest parser, or keep `strict` if it can't be loaded."""
        try:
            from .parsers import verified_orjson
        except (ImportError, OSError):
            self.accept = self._strict
        else:
            self.accept = verified_orjson(self._strict)


PARSER = Parser(_accept_with_json if jiter is None else _accept_with_jiter)
