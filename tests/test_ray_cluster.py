"""The way to a Ray cluster: an address, one clear sentence where there is none, this package there."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import HTTPServer, SimpleHTTPRequestHandler

import pytest

from kobert_demo.errors import ConfigError, NotNow, RunError
from kobert_demo.processes import PROJECT
from kobert_demo.ray_cluster import check_room, check_size, cluster_address, connected
from tests.ray_cluster import HEAD, SECOND, two_nodes


def test_the_address_is_the_given_one_else_the_environments(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KOBERT_DEMO_RAY_ADDRESS", "10.0.0.1:6379")
    assert cluster_address("10.0.0.2:6379") == "10.0.0.2:6379"
    assert cluster_address(None) == "10.0.0.1:6379"
    monkeypatch.delenv("KOBERT_DEMO_RAY_ADDRESS")
    with pytest.raises(ConfigError) as raised:
        cluster_address(None)
    assert "KOBERT_DEMO_RAY_ADDRESS" in str(raised.value)
    assert "주소" in raised.value.in_language("ko")


def test_an_address_of_rays_client_is_refused_with_what_to_do() -> None:
    with pytest.raises(ConfigError, match="ray start --address=HOST:6379") as raised:
        cluster_address("ray://10.0.0.1:10001")
    assert "노드" in raised.value.in_language("ko")


def test_without_ray_one_sentence_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)  # importing it would fail
    with pytest.raises(RunError, match=r"requirements-cluster\.txt"), connected("127.0.0.2:6379"):
        pass


@pytest.mark.parametrize(("workers", "gpus"), [(3, 0), (1, 1), (2, 2)])
def test_what_a_cluster_has_too_little_of_is_said_with_its_numbers(
    monkeypatch: pytest.MonkeyPatch, workers: int, gpus: int
) -> None:
    ray = pytest.importorskip("ray", reason="ray is not installed")
    for look in ("cluster_resources", "available_resources"):
        monkeypatch.setattr(ray, look, lambda: {"CPU": 2.0, **({"GPU": 3.0} if gpus == 2 else {})})
    check_size(2, 0)
    check_room(2, 0)
    said = f"2 processor cores and {3 if gpus == 2 else 0} GPUs"
    with pytest.raises(RunError, match=f"the Ray cluster has {said} in all") as never:
        check_size(workers, gpus)
    assert not isinstance(never.value, NotNow)
    with pytest.raises(NotNow, match=f"The Ray cluster has {said} free"):
        check_room(workers, gpus)


def nobody() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


def web_server() -> str:
    server = HTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"127.0.0.1:{server.server_port}"


@pytest.mark.cluster
@pytest.mark.parametrize("address", [nobody, web_server, lambda: "~"])
def test_a_cluster_that_does_not_answer_is_said_soon(address: Callable[[], str]) -> None:
    pytest.importorskip("ray", reason="ray is not installed")
    wrong, began = address(), time.monotonic()
    with pytest.raises(RunError) as raised, connected(wrong):
        pass
    assert time.monotonic() - began < 60
    assert str(raised.value).startswith(f"The Ray cluster at {wrong} does not answer")
    assert raised.value.in_language("ko").startswith(f"{wrong}의 Ray 클러스터가 응답하지 않습니다.")


@pytest.mark.cluster
def test_workers_on_both_nodes_import_this_package() -> None:
    with two_nodes() as cluster:
        code = f"""
import ray
from kobert_demo.ray_cluster import connected

@ray.remote(num_cpus=1, scheduling_strategy="SPREAD")
def where(number):
    import time, kobert_demo.errors
    time.sleep(1)
    return ray.util.get_node_ip_address(), kobert_demo.errors.__file__

with connected({cluster.address!r}):
    found = sorted({{node for node, _ in ray.get([where.remote(number) for number in range(4)])}})
print(*found)
"""
        told = subprocess.run(
            [sys.executable, "-c", code], cwd=PROJECT, text=True, capture_output=True, timeout=120
        )
    assert told.stdout.split() == [HEAD, SECOND], told.stderr
