"""The Kubernetes files fit the code: commands parse, settings exist, probes ask what is served where it is served."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from aiohttp.test_utils import TestClient, TestServer

from schemas import channels
from streams import topics
from streams.catalogue.files import load_catalogue
from streams.cli import main
from streams.delivery.faust_app import make_app
from streams.delivery.watchdog import STUCK_SECONDS
from streams.health import health_app
from streams.sense.agent import sense_stage
from streams.settings import Settings, load_settings

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "kubernetes"
FILES = sorted(path for path in FOLDER.glob("*.yaml") if path.name != "kustomization.yaml")
Object = dict[str, Any]
NOT_SETTINGS = {"VITALS_CONSOLE_TOKENS"}  # a secret: streams/commands/running.py


def objects() -> Iterator[Object]:
    for path in FILES:
        yield from yaml.safe_load_all(path.read_text(encoding="utf-8"))


OBJECTS = list(objects())
DEPLOYMENTS = [one for one in OBJECTS if one["kind"] == "Deployment"]
SETTINGS: dict[str, str] = next(one["data"] for one in OBJECTS if one["kind"] == "ConfigMap")
by_object = pytest.mark.parametrize("one", OBJECTS, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
by_deployment = pytest.mark.parametrize("one", DEPLOYMENTS, ids=lambda one: one["metadata"]["name"])


def pods() -> Iterator[tuple[str, Object]]:
    for one in OBJECTS:
        if one["kind"] in {"Deployment", "Job"}:
            yield one["metadata"]["name"], one["spec"]["template"]["spec"]


def containers(pod: Object) -> list[Object]:
    return [*pod.get("initContainers", ()), *pod["containers"]]


CONTAINERS = [(f"{name}/{container['name']}", container) for name, pod in pods() for container in containers(pod)]
by_container = pytest.mark.parametrize("container", [c for _, c in CONTAINERS], ids=[name for name, _ in CONTAINERS])
by_pod = pytest.mark.parametrize("pod", [pod for _, pod in pods()], ids=[name for name, _ in pods()])


def parsed(command: list[str]) -> tuple[str, dict[str, Any]]:
    """Let the program's own parser read a command; return its path and parameters."""
    assert command[0] == "vitals"
    group: click.Command = main
    rest = command[1:]
    path = []
    while isinstance(group, click.Group):
        path.append(rest[0])
        group, rest = group.commands[rest[0]], rest[1:]
    return " ".join(path), group.make_context(path[-1], rest).params


def own_command(one: Object) -> tuple[str, dict[str, Any]]:
    (container,) = one["spec"]["template"]["spec"]["containers"]
    return parsed(container["command"])


@by_object
def test_an_object_is_valid_by_kubernetes_own_schema(one: Object) -> None:
    kubernetes_validate = pytest.importorskip("kubernetes_validate", reason="pip install kubernetes-validate")
    kubernetes_validate.validate(one, "1.34", strict=True)


@by_object
def test_an_object_lies_in_the_namespace(one: Object) -> None:
    expected = None if one["kind"] == "Namespace" else "urban-vitals"
    assert one["metadata"].get("namespace") == expected


def test_the_kustomization_names_every_file_and_the_one_image() -> None:
    found = yaml.safe_load((FOLDER / "kustomization.yaml").read_text(encoding="utf-8"))
    assert sorted(found["resources"]) == [path.name for path in FILES]
    ((placeholder,), used) = ([image["name"] for image in found["images"]], {c["image"] for _, c in CONTAINERS})
    assert used == {f"{placeholder}:latest"}


@by_container
def test_a_command_is_one_that_the_program_has(container: Object) -> None:
    parsed(container["command"])


def test_each_part_of_a_deployment_runs() -> None:
    found = [own_command(one) for one in DEPLOYMENTS]
    stages = sorted(given["stages"] for path, given in found if path == "worker")
    assert stages == sorted(topics.STAGE_SOURCES)
    assert sorted(path for path, _ in found if path != "worker") == [
        "bridge http",
        "collect",
        "console",
        "store",
        "ticker",
    ]


def test_topics_are_made_with_three_copies_and_all_else_waits_for_them() -> None:
    (job,) = (one for one in OBJECTS if one["kind"] == "Job")
    path, given = own_command(job)
    assert (path, given["replication"]) == ("topics create", 3)
    for one in DEPLOYMENTS:
        (first,) = one["spec"]["template"]["spec"]["initContainers"]
        assert parsed(first["command"])[0] == "topics describe"


@by_deployment
def test_no_more_replicas_run_than_there_is_work_for(one: Object) -> None:
    path, given = own_command(one)
    if path == "bridge http":
        return  # it reads nothing that is shared out
    reads = {"store": (channels.JUDGED,), "collect": (channels.SINGLE_READINGS,)}
    read = topics.STAGE_SOURCES[given["stages"]] if path == "worker" else reads.get(path, ())
    assert 1 <= one["spec"]["replicas"] <= max(map(topics.partitions_of, read), default=1)


def test_the_settings_are_ones_that_the_program_knows_and_takes() -> None:
    assert {f"VITALS_{name.upper()}" for name in Settings.__struct_fields__} >= SETTINGS.keys()
    load_settings(SETTINGS)


@by_container
def test_the_environment_of_a_container_is_settings_or_a_known_secret(container: Object) -> None:
    assert container["envFrom"] == [{"configMapRef": {"name": "vitals-settings"}}]
    given = {entry["name"] for entry in container.get("env", ())}
    assert given <= {f"VITALS_{name.upper()}" for name in Settings.__struct_fields__} | NOT_SETTINGS
    assert not given & SETTINGS.keys()


@by_deployment
def test_probes_ask_the_port_that_the_process_listens_on(one: Object) -> None:
    path, given = own_command(one)
    settings = load_settings(SETTINGS)
    ports = {
        "worker": given.get("port"),
        "store": settings.store_port,
        "console": int(settings.console.rpartition(":")[2]),
        "bridge http": settings.bridge_port,
        "collect": settings.bridge_port,
        "ticker": None,
    }
    (container,) = one["spec"]["template"]["spec"]["containers"]
    listening = {port["name"]: port["containerPort"] for port in container.get("ports", ())}
    assert listening == ({} if ports[path] is None else {"http": ports[path]})
    probes = {kind: container.get(kind) for kind in ("livenessProbe", "readinessProbe")}
    asked = {kind: probe["httpGet"] for kind, probe in probes.items() if probe is not None}
    expected = {"livenessProbe": "/healthz", "readinessProbe": "/readyz"} if listening else {}
    assert asked == {kind: {"path": path, "port": "http"} for kind, path in expected.items()}


def test_processes_listen_where_the_kubelet_can_ask() -> None:
    settings = load_settings(SETTINGS)
    assert settings.host == settings.console.rpartition(":")[0] == "0.0.0.0"  # noqa: S104 - in a pod


async def test_what_the_probes_ask_is_served_and_readiness_alone_follows_the_stage() -> None:
    async with TestClient(TestServer(health_app(lambda: "sense: waiting for its partitions"))) as client:
        assert (await client.get("/healthz")).status == 200
        assert (await client.get("/readyz")).status == 503


@by_deployment
def test_what_the_watchdog_ends_is_started_anew_and_what_stops_it_is_ended_by_the_kubelet(one: Object) -> None:
    pod = one["spec"]["template"]["spec"]
    assert pod["restartPolicy"] == "Always"
    probe = pod["containers"][0].get("livenessProbe")
    if probe is not None:  # the watchdog first: it says why
        assert probe["failureThreshold"] * probe["periodSeconds"] > STUCK_SECONDS


@by_deployment
def test_a_pod_has_time_for_its_last_checkpoint(one: Object, tmp_path: Path) -> None:
    settings = Settings(data=str(tmp_path))
    app, _ = make_app(settings, sense_stage(settings, load_catalogue()))
    seconds = one["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert seconds > app.conf.broker_rebalance_timeout


@by_pod
def test_a_pod_runs_without_root_and_without_a_service_account(pod: Object) -> None:
    context = pod["securityContext"]
    assert context["runAsNonRoot"]
    assert context["runAsUser"] > 0
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False


@by_container
def test_a_container_has_bounds_and_can_write_to_its_data_only(container: Object) -> None:
    context = container["securityContext"]
    assert context["readOnlyRootFilesystem"]
    assert not context["allowPrivilegeEscalation"]
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert container["resources"]["limits"]["memory"]
    assert container["resources"]["requests"].keys() == {"cpu", "memory"}
    assert container["workingDir"] == SETTINGS["VITALS_DATA"]
    writable = [mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")]
    assert writable == [SETTINGS["VITALS_DATA"]]


def test_selectors_find_their_pods() -> None:
    labels = {}
    for one in DEPLOYMENTS:
        labels[one["metadata"]["name"]] = one["spec"]["template"]["metadata"]["labels"]
        assert one["spec"]["selector"]["matchLabels"].items() <= labels[one["metadata"]["name"]].items()
    for service in (one for one in OBJECTS if one["kind"] == "Service"):
        wanted = service["spec"]["selector"].items()
        assert [name for name, found in labels.items() if wanted <= found.items()] == [service["metadata"]["name"]]


def test_the_image_holds_what_the_program_reads() -> None:
    lines = (FOLDER / "Containerfile").read_text(encoding="utf-8").splitlines()
    copied = [source for line in lines if line.startswith("COPY ") for source in line.split()[1:-1]]
    root = FOLDER.parents[1]
    assert [source for source in copied if not (root / source).exists()] == []
    assert {"schemas", "detectors", "simulators", "streams", "deploy/catalogue", "deploy/mappings"} <= set(copied)
