"""Envoy with the files that docs/gateway shows: only ports and deadlines are others."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.gateway.envoy import API, CONFIGS, PAIR, SINGLE
from support.gateway.envoy_stands import ENDPOINT, Stand, block, open_stand, validate
from support.gateway.lookups import OF_LOOKUPS, lookup_settings
from support.gateway.processes import Upstream
from support.gateway.promises import LOG, REQUEST_LEG, RESPONSE_LEG, Front
from support.gateway.tricks import TRICKS, Trick, nothing_slips

AUTHORIZED = {
    SINGLE: {"[{ exact: authorization }, { exact: cookie }]": "[{ exact: cookie }]"},
    PAIR: {
        f"""\
{" " * 22}disallowed_headers:
{" " * 24}patterns: [{{ exact: authorization }}]
""": ""
    },
}
"""The edits by which the gate gets the API key, as the comments of the files describe them."""


@pytest.mark.parametrize(
    "promise", [*REQUEST_LEG, *LOG, *RESPONSE_LEG], ids=lambda promise: promise.__name__
)
def test_envoy_keeps_the_promise(stand: Stand, promise: Callable[[Front], None]) -> None:
    promise(stand.front)


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.name)
def test_no_trick_slips(stand: Stand, trick: Trick) -> None:
    # A body that is found broken on its way has an answer without a body, or none.
    nothing_slips(stand.front, trick, answered=trick.name != "chunks-broken")


@pytest.mark.parametrize("file", sorted(CONFIGS.glob("envoy*.yaml")), ids=lambda file: file.name)
def test_the_files_are_valid_as_they_are(file: Path) -> None:
    assert validate(file) == (0, "")


@pytest.mark.parametrize("config", [PAIR, SINGLE])
def test_look_ups_settle_what_is_unknown_or_in_doubt(
    config: str, tmp_path: Path, upstream: Upstream
) -> None:
    with open_stand(
        config, tmp_path, upstream, lookup_settings(upstream), AUTHORIZED[config]
    ) as stand:
        for promise in OF_LOOKUPS:
            promise(stand.front)


def test_the_api_can_be_spoken_to_over_tls(tmp_path: Path) -> None:
    api = ENDPOINT.format(API)
    text = (CONFIGS / PAIR).read_text("utf-8")
    start = text.index("    - name: api\n")
    end = text.index(api) + len(api)
    config = tmp_path / "envoy.yaml"
    config.write_text(text[:start] + block("transport_socket") + text[end:])
    assert validate(config) == (0, "")


@pytest.mark.slow
def test_the_demo_shows_what_it_announces() -> None:
    script = CONFIGS.parents[1] / "examples" / "gateway_demo.py"
    done = subprocess.run(
        [sys.executable, "-W", "error", script],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(CONFIGS.parents[1] / "tests")},
    )
    assert (done.returncode, done.stderr) == (0, "")
    statuses = re.findall(r"^(\d+) {", done.stdout, re.MULTILINE)
    assert statuses == ["200", "400", "400", "200", "200"]
    assert done.stdout.endswith("Of 5 requests, 3 reached the API.\n")
