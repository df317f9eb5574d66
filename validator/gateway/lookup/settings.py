"""Settings of look-ups: the table ``[gateway.lookup]`` of ``talonschema.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from ...config.fields import FieldReader, InvalidValue, format_value, number, text
from ...findings.message import suggestion

TIMEOUT: Final = 0.25
"""Seconds for a look-up: Envoy gives up after 0.5, part of which the store may need."""
_BASE: Final = "the address of the API before /v2, such as https://yourbaseurl.talon.one"


@dataclass(frozen=True)
class LookupSettings:
    """The settings of look-ups.

    Raises `ValueError` for an invalid value.
    """

    url: str
    """The base URL of the API, to which ``/v2`` is appended."""
    key_file: str | None = None
    """The path of a file with an API key; None to use the ``Authorization`` of each request."""
    timeout: float = TIMEOUT
    """Seconds from the start of a request until it proceeds without the look-up."""

    def __post_init__(self) -> None:
        """Validate the values."""
        _KINDS["url"](self.url, "lookup.url")
        _KINDS["timeout"](self.timeout, "lookup.timeout")
        if self.key_file is not None:
            _KINDS["key_file"](self.key_file, "lookup.key_file")


def lookup_table(value: Any, where: str) -> LookupSettings:
    """Return the settings of look-ups in a table."""
    if not isinstance(value, Mapping):
        raise InvalidValue(f"{where} is {format_value(value)}; expected a table")
    for key, each in value.items():
        if key not in _KINDS:
            raise InvalidValue(f"{where} has no key {key!r}{suggestion(key, _KINDS)}", key)
        try:
            _KINDS[key](each, f"{where}.{key}")
        except InvalidValue as error:
            raise InvalidValue(str(error), key) from None
    if "url" not in value:
        raise InvalidValue(f"{where} has no url; expected {_BASE}")
    return LookupSettings(**value)


def _url(value: Any, where: str) -> str:
    """Return the base URL of an API."""
    url = text(value, where)
    fault = _fault(url)
    if fault is not None:
        raise InvalidValue(f"{where} is {fault}; expected {_BASE}")
    return url


def _fault(url: str) -> str | None:
    """Return the fault of a base URL, without parts that may be secret."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "not a URL"
    if not (url.isascii() and url.isprintable() and " " not in url and host) or port == 0:
        return "not a URL"
    if "@" in parts.netloc:
        return "a URL with a user (put the API key into key_file)"
    if "?" in url or "#" in url:
        return "a URL with a query or fragment"
    if parts.path.rstrip("/").endswith("/v2"):
        return "a URL that ends in /v2"
    if parts.scheme == "http" and not _is_loopback(host):
        return "a URL without TLS, which would expose the API key on the network"
    if parts.scheme not in ("http", "https"):
        return "a URL with a scheme other than https"
    return None


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


_KINDS: Final[dict[str, FieldReader]] = {
    "url": _url,
    "key_file": text,
    "timeout": number(0.01, 60, whole=False),
}
"""The reader of each key of the table."""
