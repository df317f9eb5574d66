"""What look-ups need, and that they cost nothing while they are off."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from support.gateway.lookup_bench import PATIENT, update
from support.gateway.processes import Upstream
from support.gateway.promises import new_id
from talonschema.gateway import Guard, LookupSettings, Settings
from talonschema.gateway.process.server import main


def test_without_the_settings_nothing_is_loaded_or_made() -> None:
    script = """
import asyncio, gc, sys
from talonschema.gateway import Guard, Request, Settings
from talonschema.gateway.telemetry.metrics import Metrics
from talonschema.gateway.process.server import main
guard = Guard(Settings(store="memory:"), meter=Metrics())
guard.warm()
body = b'{"customerSession": {"state": "closed"}}'
verdict = asyncio.run(guard.begin(Request("PUT", "/v2/customer_sessions/a", (), body)))
assert verdict.token
own = {name for name in sys.modules if name.startswith("talonschema.gateway.lookup")}
assert own == {"talonschema.gateway.lookup", "talonschema.gateway.lookup.settings"}, own
assert not {"aiohttp", "yarl", "multidict"} & set(sys.modules)
made = [each for each in gc.get_objects() if "gateway.lookup" in type(each).__module__]
assert not made, made
"""
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True)


def test_without_the_extra_it_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    for name in ("client", "lookup"):
        monkeypatch.delitem(sys.modules, f"talonschema.gateway.lookup.{name}", raising=False)
    path = tmp_path / "talonschema.toml"
    path.write_text('[gateway]\n[gateway.lookup]\nurl = "https://api.example"\n', "utf-8")
    assert main(str(path), workers=2) == 2
    install = "pip install 'talonschema[gateway-lookup]'"
    reported = f"talonschema: {path}:2: lookup needs the package aiohttp: {install}\n"
    assert capsys.readouterr().err == reported


def test_it_can_be_used_from_one_event_loop_after_another(upstream: Upstream) -> None:
    guard = Guard(Settings(store="memory:", lookup=LookupSettings(upstream.url, timeout=PATIENT)))
    with warnings.catch_warnings():
        # Of sockets whose event loop has ended; they are collected at any time from then on.
        warnings.simplefilter("ignore", ResourceWarning)
        for _ in range(3):
            name = new_id()
            upstream.put(name, "closed")
            assert asyncio.run(guard.begin(update(name, "open"))).decision == "transition"
        asyncio.run(guard.close())
        gc.collect()
