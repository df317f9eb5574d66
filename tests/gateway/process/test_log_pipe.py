"""The process while nobody reads what it logs."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from support.gateway.ports import free_port
from support.gateway.processes import eventually, listens, stop
from support.gateway.server import command, put, write_config

pytestmark = pytest.mark.slow

MORE_THAN_ALL = 6000
"""Refusals, of which neither the pipe nor the queue holds all."""


def test_it_serves_and_ends_while_nobody_reads(tmp_path: Path) -> None:
    port = free_port()
    config = write_config(tmp_path, f'http = "127.0.0.1:{port}"\ngrpc = "off"')
    source, target = os.pipe()
    process = subprocess.Popen(command("--config", config), stderr=target, cwd=tmp_path)
    os.close(target)
    try:
        eventually(lambda: listens(port), "it does not listen")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        with closing(connection):
            for _ in range(MORE_THAN_ALL):
                connection.request("PUT", "/check/v2/customer_sessions/a", b"{}")
                answer = connection.getresponse()
                answer.read()
                assert answer.status == 400
            for path in ("/livez", "/readyz"):
                connection.request("GET", path)
                answer = connection.getresponse()
                answer.read()
                assert answer.status == 200
            connection.request("GET", "/metrics")
            metrics = connection.getresponse().read().decode()
        found = re.search(
            r"^talonschema_gateway_log_lines_dropped_total (\S+)", metrics, re.MULTILINE
        )
        assert found is not None
        assert float(found[1]) > 0
        assert put(port) == 200
        process.terminate()
        assert process.wait(30) == 0
    finally:
        stop(process)
        os.close(source)
