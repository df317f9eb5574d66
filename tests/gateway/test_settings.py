"""Settings: what a file may say, and the place of its faults in messages."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from talonschema.gateway import LookupSettings, Settings
from talonschema.gateway.address import Address, parse
from talonschema.gateway.body import BROKEN, ENCODING, TOO_LARGE, TRUNCATED, TYPE
from talonschema.gateway.lookup import OUTCOMES
from talonschema.gateway.lookup.settings import TIMEOUT
from talonschema.gateway.settings import Options, load_settings
from talonschema.model.policy import Policy
from talonschema.reading.toml_reader import TomlError

URL = 'url = "https://yourbaseurl.talon.one"'


def write_settings(folder: Path, text: str) -> str:
    path = folder / "talonschema.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_file_may_be_empty(tmp_path: Path) -> None:
    assert load_settings(write_settings(tmp_path, "")) == Settings(severity={})


def test_all_that_a_file_can_set(tmp_path: Path) -> None:
    path = write_settings(
        tmp_path,
        """
        edition = "2026-06"
        select = ["cart", "json"]
        ignore = ["cart/position"]
        # Of the checker, and nothing to a gateway.
        naming = "snake"
        model = "CustomerSessionV2"
        fail_on = "warning"

        [policy]
        coupon_budget = true

        [severity]
        cart = "warning"

        [[files]]
        glob = "x"
        ignore = ["cart"]
        reason = "because"

        [gateway]
        mode = "report"
        application = "shop"
        prefix = "/talon/eu-1"
        max_body = 4096
        errors = "problem"
        warnings_header = true
        strict_new = true
        store = "redis://127.0.0.1:6379/0"
        store_timeout = 0.1
        lease = 20
        expiry = 3600.5
        http = "0.0.0.0:80"
        grpc = "unix:/run/talonschema.sock"
        workers = 3
        drain = 2.5
        """,
    )
    assert load_settings(path) == Settings(
        edition="2026-06",
        policy=Policy(coupon_budget=True),
        select=("cart", "json"),
        ignore=("cart/position",),
        severity={"cart": "warning"},
        mode="report",
        application="shop",
        prefix="/talon/eu-1",
        max_body=4096,
        errors="problem",
        warnings_header=True,
        strict_new=True,
        store="redis://127.0.0.1:6379/0",
        store_timeout=0.1,
        lease=20,
        expiry=3600.5,
        http="0.0.0.0:80",
        grpc="unix:/run/talonschema.sock",
        workers=3,
        drain=2.5,
    )


def test_the_table_of_look_ups(tmp_path: Path) -> None:
    table = """
        [gateway.lookup]
        url = "https://yourbaseurl.talon.one"
    """
    lookup = load_settings(write_settings(tmp_path, table)).lookup
    assert lookup == LookupSettings("https://yourbaseurl.talon.one", None, 0.25)
    more = 'key_file = "key"\ntimeout = 0.4'
    lookup = load_settings(write_settings(tmp_path, f"{table}{more}")).lookup
    assert lookup == LookupSettings("https://yourbaseurl.talon.one", f"{tmp_path}/key", 0.4)


@pytest.mark.parametrize(
    "url",
    [
        *("https://a.example:8443/base", "https://a.example/", "http://localhost:9000"),
        *("http://127.0.0.2", "http://[::1]:80"),
    ],
)
def test_base_urls(url: str) -> None:
    assert LookupSettings(url).url == url


@pytest.mark.parametrize(
    ("url", "reported"),
    [
        ("", "expected a non-empty string"),
        ("api.example", "not a URL"),
        ("https://", "not a URL"),
        ("https://a.example:x", "not a URL"),
        ("https://ü.example", "not a URL"),
        ("https://a.example/ b", "not a URL"),
        ("https://a.example/\n", "not a URL"),
        ("ftp://a.example", "a scheme other than https"),
        ("http://a.example", "without TLS"),
        ("http://10.0.0.1", "without TLS"),
        ("http://localhost.example", "without TLS"),
        ("https://me:s3cret@a.example", "with a user"),
        ("https://a.example?x=s3cret", "with a query"),
        ("https://a.example#s3cret", "with a query or fragment"),
        ("https://a.example/v2/", "that ends in /v2"),
    ],
)
def test_other_urls_are_reported_without_what_is_secret(url: str, reported: str) -> None:
    with pytest.raises(ValueError, match=f"^lookup.url is .*{reported}") as caught:
        LookupSettings(url)
    assert "s3cret" not in str(caught.value)


def test_paths_count_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text("referral_budget = true", encoding="utf-8")
    path = write_settings(tmp_path, 'policy = "policy.toml"\n[gateway]\nstore = "sqlite:a/b.db"')
    settings = load_settings(path)
    assert settings.policy == Policy(referral_budget=True)
    assert settings.store == f"sqlite:{tmp_path}/a/b.db"
    assert load_settings(write_settings(tmp_path, "")).store == Settings().store
    absolute = write_settings(tmp_path, '[gateway]\nstore = "sqlite:/a/b.db"')
    assert load_settings(absolute).store == "sqlite:/a/b.db"


def test_what_the_caller_gives_wins(tmp_path: Path) -> None:
    path = write_settings(tmp_path, "[gateway]\nworkers = 2")
    assert load_settings(path, workers=4).workers == 4


@pytest.mark.parametrize(
    ("text", "line", "reported"),
    [
        ("\n[gateway\n", 2, "is not TOML"),
        ('\n[gateway]\nmod = "x"', 3, "gateway has no key 'mod' (did you mean 'mode'?)"),
        ('[gateway]\nmode = "raport"', 2, "(did you mean 'report'?); expected one of enforce,"),
        ("[gateway]\nmode = 1", 2, "gateway.mode is 1; expected one of enforce, report"),
        (
            '[gateway]\napplication = ""',
            2,
            "gateway.application is ''; expected a non-empty string",
        ),
        ('[gateway]\nprefix = "talon"', 2, "gateway.prefix is 'talon'; expected a path such as"),
        ('[gateway]\nprefix = "/"', 2, "gateway.prefix is '/'"),
        ('[gateway]\nprefix = "/a/"', 2, "gateway.prefix is '/a/'"),
        ('[gateway]\nprefix = "/a/.."', 2, "gateway.prefix is '/a/..'"),
        ("[gateway]\nmax_body = 1", 2, "expected an integer from 1024 to 16777216"),
        ("[gateway]\nmax_body = 2e6", 2, "expected an integer from 1024 to 16777216"),
        ("[gateway]\nmax_body = true", 2, "gateway.max_body is true; expected an integer"),
        ('[gateway]\nwarnings_header = "on"', 2, "expected true or false"),
        ("[gateway]\nstore_timeout = 0", 2, "expected a number from 0.001 to 60"),
        ("[gateway]\nexpiry = inf", 2, "gateway.expiry is inf; expected a number from 1 to"),
        ("[gateway]\nlease = nan", 2, "gateway.lease is nan; expected a number"),
        ('[gateway]\nhttp = "8787"', 2, "gateway.http is '8787'; expected HOST:PORT or unix:PATH"),
        ('[gateway]\nhttp = "off"', 2, "gateway.http is 'off'; expected HOST:PORT or unix:PATH"),
        ('[gateway]\nhttp = "a:0"', 2, "the port must be from 1 to 65535"),
        ('[gateway]\nhttp = "a:65536"', 2, "the port must be from 1 to 65535"),
        ('[gateway]\nhttp = "::1:80"', 2, "needs brackets"),
        ('[gateway]\ngrpc = "unix:"', 2, "the path after unix: is missing"),
        ('[gateway]\n\ngrpc = "127.0.0.1:8787"', 3, "use '127.0.0.1:8788'"),
        (
            '[gateway]\nworkers = 2\ngrpc = "127.0.0.1:8788"',
            3,
            "each worker uses the next port; use '127.0.0.1:8789'",
        ),
        ('[gateway]\nworkers = 2\nstore = "memory:"', 3, "workers can't share"),
        ("gateway = 1", 1, "gateway is 1; expected a table"),
        ("[gateway]\nlookup = 1", 2, "gateway.lookup is 1; expected a table"),
        ("[gateway.lookup]\n", 1, "gateway.lookup has no url; expected the address of the API"),
        ('[gateway.lookup]\n\nurl = "x"', 3, "gateway.lookup.url is not a URL; expected"),
        ('[gateway.lookup]\nuri = "x"', 2, "gateway.lookup has no key 'uri' (did you mean 'url'"),
        (f"[gateway.lookup]\n{URL}\ntimeout = 0", 3, "expected a number from 0.01 to 60"),
        (f"[gateway.lookup]\n{URL}\nkey_file = 1", 3, "gateway.lookup.key_file is 1; expected a"),
        (
            f"[gateway]\nlease = 1\n[gateway.lookup]\n{URL}\ntimeout = 1",
            5,
            "lookup.timeout is 1, not shorter than the lease",
        ),
        ('edition = "2020-01"', 1, "edition is '2020-01'"),
        ('ignore = ["carts"]', 1, "(did you mean 'cart'?)"),
        ("\n[policy]\ncoupon_budge = true", 3, "(did you mean 'coupon_budget'?)"),
        ('\npolicy = "none.toml"', 2, "none.toml"),
    ],
)
def test_what_is_wrong_is_reported_with_its_line(
    tmp_path: Path, text: str, line: int, reported: str
) -> None:
    path = write_settings(tmp_path, text)
    with pytest.raises(TomlError) as caught:
        load_settings(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert reported in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_reported(tmp_path: Path) -> None:
    with pytest.raises(TomlError, match=r"none\.toml: can't be read: No such file"):
        load_settings(str(tmp_path / "none.toml"))


@pytest.mark.parametrize(
    "wrong",
    [{"mode": "x"}, {"max_body": "1"}, {"prefix": None}, {"store": ""}, {"errors": None}],
)
def test_arguments_are_looked_through_like_files(wrong: dict[str, Any]) -> None:
    (name,) = wrong
    with pytest.raises(ValueError, match=f"^{name} is "):
        Settings(**wrong)


def test_options_are_the_settings_but_those_of_a_process() -> None:
    own = {"http", "grpc", "admin", "workers", "drain", "log_level", "tracing"}
    names = {each.name for each in fields(Settings)}
    assert Options.__annotations__.keys() == names - own
    assert get_type_hints(Options)["max_body"] is int


# Addresses.


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8787", Address("127.0.0.1", 8787)),
        ("localhost:1", Address("localhost", 1)),
        ("[::1]:65535", Address("::1", 65535)),
        ("unix:/run/x.sock", Address(path="/run/x.sock")),
    ],
)
def test_addresses_are_read_as_written(text: str, address: Address) -> None:
    assert parse(text) == address
    assert str(address) == text


def test_workers_have_addresses_of_their_own() -> None:
    assert [str(parse("h:80").of_worker(index, 3)) for index in range(3)] == [
        "h:80",
        "h:81",
        "h:82",
    ]
    unix = parse("unix:/x")
    assert str(unix.of_worker(0, 1)) == "unix:/x"
    assert [str(unix.of_worker(index, 2)) for index in range(2)] == ["unix:/x.0", "unix:/x.1"]


# The page.

PAGES = Path(__file__).resolve().parents[2] / "docs" / "gateway"
PAGE = (PAGES / "README.md").read_text("utf-8")


def rows(heading: str, page: str = PAGE) -> list[list[str]]:
    """Return the cells of the first table below a heading, or after a line that starts with it."""
    _, _, below = page.partition(f"\n{heading}")
    lines = below[below.index("\n|") + 1 :].partition("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def test_the_page_lists_each_setting_with_its_default() -> None:
    listed = {
        row[0].strip("`"): tomllib.loads(f"x = {row[1].strip('`')}")["x"]
        for row in rows("Of the checker's keys")
    }
    checkers = {"edition", "policy", "select", "ignore", "severity"}
    elsewhere = {*checkers, "lookup"}
    assert listed == {
        each.name: each.default for each in fields(Settings) if each.name not in elsewhere
    }


def test_the_page_on_look_ups_lists_each_setting_and_outcome() -> None:
    page = (PAGES / "lookup.md").read_text("utf-8")
    settings, outcomes = rows("## Settings", page), rows("## What comes of it", page)
    assert [row[0].strip("`") for row in settings] == [each.name for each in fields(LookupSettings)]
    assert f"`{TIMEOUT}`" in {row[1] for row in settings}
    assert [row[0].strip("`") for row in outcomes] == list(OUTCOMES)


def test_the_page_lists_each_code_of_the_gateway() -> None:
    listed = {row[2].strip("`") for row in rows("## Answers")}
    assert {TOO_LARGE, TRUNCATED, BROKEN, ENCODING, TYPE, "route/..."} < listed


def test_a_pyproject_has_no_gateway(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text("[gateway]\n", "utf-8")
    with pytest.raises(TomlError, match="belong in a talonschema"):
        load_settings(str(path))
