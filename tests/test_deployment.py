"""The image and what runs it say the same as the code; no container engine is needed to see that."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import make_url

from tests.conftest import PROJECT, App

DOCKERFILE, IGNORED, COMPOSE, GUIDE, APP, RAY = (
    (PROJECT / name).read_text(encoding="utf-8")
    for name in (
        *("Dockerfile", ".dockerignore", "compose.yaml", "docs/deployment.md"),
        *("docs/kubernetes/app.yaml", "docs/kubernetes/ray.yaml"),
    )
)
OBJECTS = {each["kind"]: each for text in (APP, RAY) for each in yaml.safe_load_all(text)}
CLUSTER = OBJECTS["RayCluster"]["spec"]
POD = OBJECTS["Deployment"]["spec"]["template"]["spec"]
RAY_PODS = [
    group["template"]["spec"] for group in (CLUSTER["headGroupSpec"], *CLUSTER["workerGroupSpecs"])
]
CONTAINERS = [container for pod in (POD, *RAY_PODS) for container in pod["containers"]]

# It runs in the image's folder, with nothing else of the project on the path.
USE = """
from pathlib import Path
from streamlit.testing.v1 import AppTest
import kobert_demo
from kobert_demo.cli import main

assert Path(kobert_demo.__file__).parent == Path("kobert_demo").resolve()
app = AppTest.from_file("streamlit_app.py", default_timeout=60).run()
for page in sorted(Path("pages").glob("*.py")):
    app.switch_page(str(page)).run()
    assert not app.exception, (page, app.exception)
main(["classify", "오늘 너무 좋아"])
"""


def in_image(path: Path) -> bool:
    """Say whether .dockerignore lets a file through: the last line that matches it or a folder of it."""
    through = True
    for line in IGNORED.splitlines():
        pattern = re.escape(line.removeprefix("!"))
        pattern = pattern.replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
        if any(re.fullmatch(pattern, str(each)) for each in (path, *path.parents)):
            through = line.startswith("!")
    return through


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The app's folder as `COPY . .` makes it."""
    folder = tmp_path_factory.mktemp("image")
    for top in PROJECT.iterdir():
        for path in () if top.name in (".git", ".venv") else (top, *top.rglob("*")):
            inside = path.relative_to(PROJECT)
            if path.is_file() and in_image(inside):
                (folder / inside).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, folder / inside)
    return folder


def test_the_image_holds_the_app_and_nothing_else(image: Path) -> None:
    assert {path.name for path in image.iterdir()} == {
        *(".streamlit", "kobert_demo", "pages", "static", "streamlit_app.py"),
        *("requirements.txt", "requirements-cluster.txt"),
    }
    names = {path.name for path in image.rglob("*")}
    assert "config.toml" in names
    assert not names & {"__pycache__", "plotly.min.js", "secrets.toml"}


def test_every_page_opens_and_a_sentence_is_classified_in_the_image(
    image: Path, workspace: Path
) -> None:
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    used = subprocess.run(
        [sys.executable, "-c", USE],
        cwd=image,
        env={**outside, "KOBERT_DEMO_WORKSPACE": str(workspace)},
        capture_output=True,
        text=True,
    )
    assert used.returncode == 0, used.stderr
    assert used.stdout.startswith("행복\t")


def test_the_health_check_passes_on_a_server_that_answers_and_on_no_other(app: App) -> None:
    found = re.search(r"HEALTHCHECK.*?CMD (\[.*?\])\n", DOCKERFILE, re.DOTALL)
    assert found
    _, *check = json.loads(found[1])

    def passes(port: int) -> bool:
        words = [word.replace(":8501/", f":{port}/") for word in check]
        return subprocess.run([sys.executable, *words], capture_output=True).returncode == 0

    assert passes(app.port)
    assert not passes(1)


def test_kubernetes_asks_a_path_that_the_app_answers(app: App) -> None:
    server, _ = POD["containers"]
    assert {"containerPort": 8501, "name": "http"} in server["ports"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        asked = server[probe]["httpGet"]
        assert asked["port"] == "http"
        with urllib.request.urlopen(app.url + asked["path"]) as answer:
            assert answer.read() == b"ok"


def test_python_and_ray_are_those_of_the_requirements() -> None:
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    python = settings["tool"]["mypy"]["python_version"]
    assert re.search(rf"^FROM python:{re.escape(python)}\.\d+-slim", DOCKERFILE, re.MULTILINE)
    pinned = re.search(
        r"^ray\[.*\]==(\S+)", (PROJECT / "requirements-cluster.txt").read_text(), re.MULTILINE
    )
    assert pinned and CLUSTER["rayVersion"] == pinned[1]
    assert (
        len({container["image"] for container in CONTAINERS}) == 1
    )  # what is installed there is ours


def test_torch_of_the_cpu_variant_is_the_version_that_is_required() -> None:
    command = re.search(r"\$\((grep .*?)\)", DOCKERFILE)
    assert command
    found = subprocess.run(["sh", "-c", command[1]], cwd=PROJECT, capture_output=True, text=True)
    required = (PROJECT / "requirements.txt").read_text().splitlines()
    assert [line for line in required if line.startswith("torch==")] == [found.stdout.strip()]


def test_every_variable_is_one_that_the_code_reads() -> None:
    code = "".join(path.read_text() for path in (PROJECT / "kobert_demo").rglob("*.py"))
    for text in (DOCKERFILE, COMPOSE, APP, RAY, GUIDE):
        for name in re.findall(r"KOBERT_DEMO_\w+", text):
            assert f'"{name}"' in code, name


def test_compose_demands_a_password_and_joins_app_and_database() -> None:
    assert set(re.findall(r"\$\{?(POSTGRES_PASSWORD\W*)", COMPOSE)) == {"POSTGRES_PASSWORD:?"}
    given = re.sub(r"\$\{POSTGRES_PASSWORD:\?[^}]+}", "secret", COMPOSE)
    services = yaml.safe_load(given)["services"]
    url = make_url(services["app"]["environment"]["KOBERT_DEMO_DATABASE_URL"])
    database = services["database"]["environment"]
    assert (url.get_backend_name(), url.password) == ("postgresql", database["POSTGRES_PASSWORD"])
    assert (url.username, url.database) == (database["POSTGRES_USER"], database["POSTGRES_DB"])
    assert services["app"]["depends_on"] == {url.host: {"condition": "service_healthy"}}
    assert all(port.startswith("127.0.0.1:") for port in services["app"]["ports"])
    assert "ports" not in services["database"]


def mounts(container: dict[str, Any]) -> dict[str, str]:
    return {mount["mountPath"]: mount["name"] for mount in container.get("volumeMounts", ())}


def test_everything_writes_to_one_workspace_as_one_user_who_is_not_root() -> None:
    variables = dict(re.findall(r"([A-Z_]+)=(/\S+)", DOCKERFILE))
    workspace = variables["KOBERT_DEMO_WORKSPACE"]
    assert f"\nVOLUME {workspace}\n" in DOCKERFILE
    assert variables["HF_HOME"].startswith(workspace)
    assert f"workspace:{workspace}" in COMPOSE
    claim = OBJECTS["PersistentVolumeClaim"]
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    user = re.findall(r"^USER (.*)", DOCKERFILE, re.MULTILINE)[-1]
    assert int(user) > 0 and f"useradd --uid {user} " in DOCKERFILE
    for pod in (POD, *RAY_PODS):
        assert pod["securityContext"]["runAsUser"] == int(user)
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        for container in pod["containers"]:
            volume = volumes[mounts(container)[workspace]]
            assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]


def test_a_visitor_stays_with_one_of_several_servers() -> None:
    deployment, service = OBJECTS["Deployment"]["spec"], OBJECTS["Service"]["spec"]
    assert deployment["replicas"] >= 2
    assert service["sessionAffinity"] == "ClientIP"
    labels = deployment["template"]["metadata"]["labels"]
    assert service["selector"] == deployment["selector"]["matchLabels"] == labels
    assert service["ports"][0]["targetPort"] == POD["containers"][0]["ports"][0]["name"]


def test_the_servers_are_nodes_of_the_ray_cluster_and_read_the_secret_that_is_told() -> None:
    server, node = POD["containers"]
    variables = {variable["name"]: variable for variable in server["env"]}
    address = f"{OBJECTS['RayCluster']['metadata']['name']}-head-svc:6379"
    assert variables["KOBERT_DEMO_RAY_ADDRESS"]["value"] == address
    assert f"ray start --block --address={address} --num-cpus=0" in node["args"][0]
    assert POD["shareProcessNamespace"]  # how Ray finds the node that a driver is on
    assert mounts(server) == mounts(node)  # its sockets lie in /tmp, its objects in /dev/shm
    secret = variables["KOBERT_DEMO_DATABASE_URL"]["valueFrom"]["secretKeyRef"]
    told = rf"create secret generic {secret['name']} --from-literal={secret['key']}="
    assert re.search(told, " ".join(GUIDE.replace("\\\n", " ").split()))
