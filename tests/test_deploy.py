"""The files of examples/deploy: each tool that reads them takes them, and they fit together."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import kubernetes_validate
import pytest
import yaml

from support.gateway.envoy import CONFIGS, PAIR, Behind, binary, envoy_running
from support.gateway.installed import need
from support.gateway.processes import gateway_running, upstream_running
from support.gateway.promises import JSON, OPEN, new_id, path
from support.pages import blocks
from talonschema.gateway.address import parse
from talonschema.gateway.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "examples" / "deploy"
SCRIPTS = Path(sys.executable).parent
MANIFESTS = [DEPLOY / "kubernetes" / f"{name}.yaml" for name in ("deployment", "sidecar", "valkey")]
VERSIONS = ("1.33", "1.36")
"""The first Kubernetes that has sidecars and all other fields by default, and a new one."""


def documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text("utf-8")))


def run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.skipif(not (SCRIPTS / "hadolint").exists(), reason="hadolint has no wheel for this")
def test_the_containerfile() -> None:
    run(SCRIPTS / "hadolint", "--failure-threshold", "style", DEPLOY / "Containerfile")


def test_the_image_installs_what_the_tests_run_with() -> None:
    """Each package of the image's lock is locked for the tests, too, in the same version."""
    pinned = [
        set(
            re.findall(
                r"^\S+==\S+", (ROOT / "requirements" / name).read_text("utf-8"), re.MULTILINE
            )
        )
        for name in ("gateway.txt", "dev.txt")
    ]
    assert {each.partition("==")[0] for each in pinned[0]} > {"grpcio", "httptools", "jsonschema"}
    assert pinned[0] <= pinned[1]


def test_the_context_of_the_image_has_what_it_copies() -> None:
    kept = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text("utf-8"), re.MULTILINE)
    copied = re.findall(
        r"^COPY ([^-\s]\S*) ", (DEPLOY / "Containerfile").read_text("utf-8"), re.MULTILINE
    )
    assert sorted(kept) == sorted(each.replace("talonschema-*", "*") for each in copied)


def test_the_compose_file() -> None:
    path = DEPLOY / "compose.yaml"
    run(SCRIPTS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", path)
    for name, service in documents(path)[0]["services"].items():
        for volume in service["volumes"]:
            source = volume.partition(":")[0]
            assert not source.startswith(".") or (DEPLOY / source).resolve().is_file(), name


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_the_manifests(path: Path, version: str) -> None:
    for document in documents(path):
        kubernetes_validate.validate(document, version, strict=True)


class Pod(NamedTuple):
    """A pod with the plugin in it."""

    spec: dict[str, Any]
    plugin: dict[str, Any]
    """The container of the plugin."""
    settings: Settings


def pod(name: str, folder: Path) -> Pod:
    """Return the pod of a Deployment, with the settings of its ConfigMap."""
    found = {each["kind"]: each for each in documents(DEPLOY / "kubernetes" / f"{name}.yaml")}
    spec = found["Deployment"]["spec"]["template"]["spec"]
    containers = (*spec.get("initContainers", ()), *spec["containers"])
    (plugin,) = (each for each in containers if each["name"] == "talonschema")
    path = folder / "talonschema.toml"
    path.write_text(found["ConfigMap"]["data"]["talonschema.toml"], "utf-8")
    return Pod(spec, plugin, load_settings(str(path)))


def wait_of(container: dict[str, Any]) -> int:
    """Return the seconds that a container takes before it gets SIGTERM."""
    before = container.get("lifecycle", {}).get("preStop", {})
    if "sleep" in before:
        return int(before["sleep"]["seconds"])
    return sum(
        map(int, re.findall(r"sleep (\d+)", " ".join(before.get("exec", {}).get("command", ()))))
    )


@pytest.mark.parametrize("name", ["deployment", "sidecar"])
def test_a_pod_has_time_to_end(name: str, tmp_path: Path) -> None:
    made = pod(name, tmp_path)
    before = max(map(wait_of, (made.plugin, *made.spec["containers"])))
    # Half a second of notice, and what a supervisor has to spare.
    assert made.spec["terminationGracePeriodSeconds"] >= before + 0.5 + made.settings.drain + 5
    assert before > 0


@pytest.mark.parametrize("name", ["deployment", "sidecar"])
def test_probes_ask_where_the_plugin_answers(name: str, tmp_path: Path) -> None:
    made = pod(name, tmp_path)
    ports = {each["name"]: each["containerPort"] for each in made.plugin["ports"]}
    admin = parse(made.settings.admin)
    # A kubelet asks at the address of the pod.
    assert (admin.host, admin.port) == ("0.0.0.0", ports["admin"])  # noqa: S104
    http = parse(made.settings.http)
    assert http.port == ports.get("http", http.port)
    assert (http.host == "127.0.0.1") == (name == "sidecar")
    for kind, asked in (("startup", "/readyz"), ("readiness", "/livez"), ("liveness", "/livez")):
        assert made.plugin[f"{kind}Probe"]["httpGet"] == {"path": asked, "port": "admin"}


def test_all_that_the_plugin_asks_for_is_the_store(tmp_path: Path) -> None:
    stores = {pod(name, tmp_path).settings.store for name in ("deployment", "sidecar")}
    service, _, _ = documents(DEPLOY / "kubernetes" / "valkey.yaml")
    (port,) = service["spec"]["ports"]
    assert stores == {f"redis://{service['metadata']['name']}:{port['port']}/0"}


@pytest.mark.parametrize("folder", ["", "systemd"])
def test_the_settings(folder: str) -> None:
    settings = load_settings(str(DEPLOY / folder / "talonschema.toml"))
    assert settings.store == "sqlite:/var/lib/talonschema/sessions.db"
    assert parse(settings.admin).port == 9902


@pytest.mark.parametrize("name", ["Containerfile", "compose.yaml"])
def test_health_is_asked_for_at_the_address_of_admin(name: str) -> None:
    settings = load_settings(str(DEPLOY / "talonschema.toml"))
    (asked,) = re.findall(r"http://127\.0\.0\.1:(\d+)/livez", (DEPLOY / name).read_text("utf-8"))
    assert int(asked) == parse(settings.admin).port


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    analyze = need("systemd-analyze", "systemd")
    text = (DEPLOY / "systemd" / "talonschema.service").read_text("utf-8")
    unit = tmp_path / "talonschema.service"
    # It has to name a program that is there.
    unit.write_text(text.replace("/opt/talonschema/bin/", f"{SCRIPTS}/"), "utf-8")
    assert run(analyze, "verify", "--man=no", unit) == ""
    # Tenths, on a scale from 0 (nothing is open) to 100; a service without any hardening has 96.
    run(analyze, "security", "--offline=true", "--no-pager", "--threshold=10", unit)


def test_systemd_gives_the_process_time_to_end() -> None:
    text = (DEPLOY / "systemd" / "talonschema.service").read_text("utf-8")
    (seconds,) = re.findall(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)
    assert int(seconds) >= Settings().drain + 0.5 + 5


def envoy_of(name: str, kind: str) -> dict[str, Any]:
    (found,) = (each for each in documents(DEPLOY / "kubernetes" / name) if each["kind"] == kind)
    containers = found["spec"]["template"]["spec"]["containers"]
    (envoy,) = (each for each in containers if each["name"] == "envoy")
    return dict(envoy)


def test_envoy_takes_what_compose_adds_to_its_file() -> None:
    (compose,) = documents(DEPLOY / "compose.yaml")
    service = compose["services"]["envoy"]
    *_, option, added = service["command"]
    assert option == "--config-yaml"
    file = CONFIGS / PAIR
    assert f"{PAIR}:/etc/envoy/envoy.yaml:ro" in service["volumes"][0]
    run(binary(), "--mode", "validate", "--config-path", file, option, added)
    # The new listener leads to that of the file, and is the one that is published.
    (cluster,) = yaml.safe_load(added)["static_resources"]["clusters"]
    ((endpoint,),) = (each["lb_endpoints"] for each in cluster["load_assignment"]["endpoints"])
    address = endpoint["endpoint"]["address"]["socket_address"]
    assert (
        f"socket_address: {{ address: {address['address']}, port_value: 8080 }}" in file.read_text()
    )
    assert address["port_value"] == 8080
    (listener,) = yaml.safe_load(added)["static_resources"]["listeners"]
    port = listener["address"]["socket_address"]["port_value"]
    assert f"127.0.0.1:8080:{port}" in compose["services"]["talonschema"]["ports"]


def test_envoy_asks_clients_to_go_before_it_ends(tmp_path: Path) -> None:
    envoy = envoy_of("sidecar.yaml", "Deployment")
    *shell, script = envoy["lifecycle"]["preStop"]["exec"]["command"]
    assert "--drain-strategy immediate" in " ".join(envoy["args"])
    options = dict(zip(envoy["args"][::2], envoy["args"][1::2], strict=True))
    (wait,) = re.findall(r"^sleep (\d+)$", script, re.MULTILINE)
    assert int(wait) > int(options["--drain-time-s"])
    drain = [
        part for name in ("--drain-time-s", "--drain-strategy") for part in (name, options[name])
    ]
    with (
        upstream_running() as api,
        gateway_running(tmp_path) as plugin,
        envoy_running(PAIR, Behind(api.port, plugin.http, plugin.grpc), more=drain) as front,
        httpx.Client(headers=JSON, trust_env=False, timeout=20) as client,
    ):
        url = front.url + path(new_id())
        assert "connection" not in client.put(url, content=OPEN).headers
        run(*shell, script.replace("9901", str(front.admin)).replace(f"sleep {wait}", ""))
        # The second comes on a new connection.
        for _ in range(2):
            answer = client.put(url, content=OPEN)
            assert (answer.status_code, answer.headers["connection"]) == (200, "close")


@pytest.mark.slow
def test_the_policy_of_istio(node: Path) -> None:
    (policy,) = documents(DEPLOY / "kubernetes" / "istio.yaml")

    def validate(resource: dict[str, Any]) -> str:
        done = subprocess.run(
            ["node", "resource.js"],
            input=json.dumps(resource),
            cwd=node,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stderr

    assert validate(policy) == ""
    # The schema is really asked.
    assert "must be equal to one of" in validate({**policy, "spec": {"action": "CUSTM"}})


def test_other_gateways_send_what_the_gate_of_envoy_sends() -> None:
    file = (CONFIGS / PAIR).read_text("utf-8")
    (allowed,) = re.findall(
        r"^ +allowed_headers:\n +patterns:\n((?: +- .*\n)+)", file, re.MULTILINE
    )
    headers = re.findall(r"exact: (\S+)", allowed)
    (policy,) = documents(DEPLOY / "kubernetes" / "envoy-gateway-ext-auth.yaml")
    assert policy["spec"]["extAuth"]["headersToExtAuth"] == headers
    istio = (DEPLOY / "kubernetes" / "istio.yaml").read_text("utf-8")
    comment = "".join(re.findall(r"^#   (.*\n)", istio, re.MULTILINE)).partition(
        "extensionProviders"
    )
    (provider,) = yaml.safe_load("extensionProviders" + comment[2])["extensionProviders"]
    assert (
        provider["name"]
        == documents(DEPLOY / "kubernetes" / "istio.yaml")[0]["spec"]["provider"]["name"]
    )
    assert provider["envoyExtAuthzHttp"]["includeRequestHeadersInCheck"] == headers


def test_haproxy_takes_the_check_of_the_primary(tmp_path: Path) -> None:
    (block,) = (each for each in blocks(CONFIGS / "deployment.md") if each.language == "text")
    deadlines = "defaults\n  timeout connect 1s\n  timeout client 1s\n  timeout server 1s\n"
    # The names of the servers are the reader's own.
    text = re.sub(r"valkey-\d", "127.0.0.1", block.text)
    config = tmp_path / "haproxy.cfg"
    config.write_text(f"{deadlines}{text}", "utf-8")
    command = [need("haproxy", "haproxy"), "-c", "-f", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
