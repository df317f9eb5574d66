"""Reads JSON documents: fast when they are good, with a diagnosis when they are not.

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
"""The most bytes a document may have, as UTF-8."""
MAX_DEPTH = 100
"""The most containers that may be nested in one another."""

Source: TypeAlias = bytes | bytearray | memoryview | str

_BOM = b"\xef\xbb\xbf"
# Longest first: the mark of UTF-16 is the start of that of UTF-32.
_WIDE_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
# Where the NULs are in the first four bytes when ASCII text comes without a mark (RFC 4627
# section 3).
_WIDE_ZEROS = {
    "0001": "utf-32-be",
    "1000": "utf-32-le",
    "0101": "utf-16-be",
    "1010": "utf-16-le",
}


class Effort(NamedTuple):
    """The most that the diagnosis of a faulty text may take."""

    problems: int
    tokens: int


class Document(NamedTuple):
    """The value of a source and the problems of its text."""

    value: Any
    problems: tuple[Problem, ...] = ()
    readable: bool = True
    """False: there is no value to check."""


def read(source: Source, effort: Effort | None = None) -> Document:
    """Return the document in `source`: UTF-8 bytes or text.

    `effort` bounds the diagnosis of a faulty one, None: it is complete.

    A document without problems costs a pass or two of a native parser. They let two faults through
    that only a look at every value could find: numbers beyond a double, which come out as infinite,
    and more than `MAX_DEPTH` nested containers. A caller that meets one of them calls `reread`.

    Raises TypeError when `source` is neither bytes-like nor str; nothing for its content.
    """
    try:
        data = _data(source)
        if len(data) <= MAX_BYTES:
            return Document(PARSER.accept(data[3:] if data.startswith(_BOM) else data))
    except (ValueError, RecursionError, MemoryError):
        # Refused, by whatever part: the diagnosis finds out why.
        pass
    return reread(source, effort)


def reread(source: Source, effort: Effort | None = None) -> Document:
    """Return the document in `source`, as `read` does, with every problem and its line and column.

    `effort` is that of `read`. Beyond it, the document is not readable, and its only problem may
    be the first that a fast parser meets.

    The codes are `json/too-large` and `json/encoding`, which leave nothing to check, and those of
    the scanner. It takes some hundred times as long as `read` of a good document.

    Raises TypeError when `source` is neither bytes-like nor str; nothing for its content.
    """
    # Not needed for good documents, so not loaded for them.
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
    """Return True for the path of a file that may hold a payload."""
    import re

    return (
        re.fullmatch(r"[^\s\[\]{}\",][^\n\[\]{}\",]*\.(?:jsonc?|jsonl|ndjson|ya?ml)", text)
        is not None
    )


def _with_kind(problem: Problem, kind: str) -> Problem:
    return problem._replace(params={**problem.params, "kind": kind})


def _data(source: Source) -> bytes:
    """Return the source as bytes; raises ValueError when it is too large or cannot be encoded."""
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
    """Return the text without a byte order mark, or why it is too large or can't be decoded."""
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
    """Return the text of a source without a byte order mark, with U+FFFD for what is no UTF-8."""
    if isinstance(source, str):
        return source.removeprefix("\ufeff")
    return bytes(source).removeprefix(_BOM).decode(errors="replace")


def _wide_encoding(data: bytes) -> str | None:
    """Return "utf-16" or "utf-32" when that is what `data` is."""
    for mark, name in _WIDE_MARKS:
        if data.startswith(mark):
            return name
    codec = _WIDE_ZEROS.get("".join("1" if byte else "0" for byte in data[:4]))
    if codec is None:
        return None
    try:
        # UTF-8 with stray NUL characters is a syntax error, not another encoding.
        return None if "\0" in data.decode(codec) else codec[:6]
    except UnicodeDecodeError:
        return None


def _accept_with_jiter(data: bytes) -> object:
    """Return the value of a good document; raises ValueError."""
    # The fastest mode measured; "all" would also keep customers' strings in a global cache.
    return jiter.from_json(data, allow_inf_nan=False, cache_mode="keys", catch_duplicate_keys=True)


def _accept_with_json(data: bytes) -> object:
    """Return the value of a good document; raises ValueError, RecursionError or MemoryError."""
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
        # Escapes of surrogates are good in pairs only; encoding the result shows it.
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
"""Documents parsed with jiter before orjson, whose import takes 10 ms, pays off."""


class Parser:
    """Takes good documents: the first ones with what loads in no time, then with the fastest."""

    __slots__ = ("_left", "_strict", "accept")

    def __init__(self, strict: Callable[[bytes], object]) -> None:
        """Begin with `strict`, which goes on to judge what the fastest can't."""
        self._strict = strict
        self._left = FEW
        self.accept: Callable[[bytes], object] = self._at_first
        """Returns the value of a good document; raises ValueError, RecursionError, MemoryError."""

    def _at_first(self, data: bytes) -> object:
        self._left -= 1
        if self._left <= 0:
            self.use_fastest()
        return self._strict(data)

    def use_fastest(self) -> None:
        """Go over to the fastest, or stay with `strict` if it can't be loaded."""
        try:
            from .parsers import verified_orjson
        except (ImportError, OSError):
            self.accept = self._strict
        else:
            self.accept = verified_orjson(self._strict)


PARSER = Parser(_accept_with_json if jiter is None else _accept_with_jiter)
