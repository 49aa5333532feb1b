"""Variables of services are read from where they can be seen, and only names and findings come back."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from opsverify.environment import Environment
from opsverify.loading import load
from opsverify.looking import CouldNotLook
from opsverify.probes import configuration
from opsverify.sources import read_settings

SECRET = "q8Zt3nV5xR7mK2pL9wS4dF6gH1jB0cYa"
GOOD = {
    "DATABASE_URL": "postgresql://u:p4ssw0rd@db:5432/midst",
    "REDIS_URL": "redis://redis:6379",
    "JWT_SECRET": SECRET,
    "STRIPE_SECRET_KEY": "sk_test_abcdefgh",
    "STRIPE_WEBHOOK_SECRET": "whsec_abcdefgh",
}

ENVIRONMENT = """\
schema = 1
name = "mine"
protected = false
[[services]]
name = "api"
url = "http://127.0.0.1:{port}"
[[services]]
name = "web"
url = "http://127.0.0.1:1"
[[services]]
name = "orchestrator"
url = "http://127.0.0.1:1"
[variables]
"""


def environment(folder: Path, tables: str, port: int = 1) -> Environment:
    """An environment with api and web, and these lines under [variables]."""
    file = folder / "mine.toml"
    file.write_text(ENVIRONMENT.format(port=port) + tables)
    return load(file)


def dotenv(file: Path, values: dict[str, str]) -> None:
    """Write a dotenv file."""
    file.write_text("".join(f"{name}={value}\n" for name, value in values.items()))


def seen(of: Environment, place: str = "store") -> dict[str, str | None]:
    """The api's variables as their source shows them."""
    assert of.variables is not None
    source = of.variables.sources_of("api")[place]
    found = read_settings(of, of.services[0], source)
    return {name: value.get_secret_value() if value else None for name, value in found.items()}


def test_a_dotenv_file(tmp_path: Path) -> None:
    """Names and values; an empty one is left out; `$` in a value is no reference."""
    (tmp_path / "api.env").write_text("A=1\nEMPTY=\nexport B='x $A'\n# C=3\n")
    assert seen(environment(tmp_path, 'store = { dotenv = "api.env" }')) == {"A": "1", "B": "x $A"}


@pytest.mark.parametrize(
    "entries",
    [
        "{A: '1', B: '${SET}', C: '${UNSET:-fallback}', D: '${EMPTY:-fallback}', E: 'a$$b', F: }",
        '["A=1", "B=$SET", "C=${UNSET-fallback}", "D=${EMPTY:-fallback}", "E=a$$b", "F"]',
    ],
    ids=["mapping", "list"],
)
def test_a_compose_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entries: str) -> None:
    """Both forms of `environment`, `env_file` beneath it, references filled in as compose does."""
    monkeypatch.setenv("F", "passed on")
    (tmp_path / ".env").write_text("SET=from dotenv\nEMPTY=\n")
    (tmp_path / "more.env").write_text("A=overridden\nG=from env_file\n")
    compose = f"services:\n  api:\n    env_file: more.env\n    environment: {entries}\n"
    (tmp_path / "compose.yml").write_text(compose)
    assert seen(environment(tmp_path, 'store = { compose = "compose.yml" }')) == {
        "A": "1",
        "B": "from dotenv",
        "C": "fallback",
        "D": "fallback",
        "E": "a$b",
        "F": "passed on",
        "G": "from env_file",
    }


@pytest.mark.parametrize(
    ("exported", "at"),
    [
        ({"A": "1", "nested": {}}, ""),
        ({"api": {"A": "1"}, "web": {"A": "2"}}, ""),
        ({"data": {"data": {"A": "1"}}}, "data.data"),
    ],
    ids=["flat", "by service", "nested"],
)
def test_an_export_of_a_secrets_manager(tmp_path: Path, exported: dict[str, object], at: str) -> None:
    """One object for all, one for each service, or one deeper inside."""
    (tmp_path / "secrets.json").write_text(json.dumps(exported))
    assert seen(environment(tmp_path, f'store = {{ export = "secrets.json", at = "{at}" }}')) == {"A": "1"}


def test_the_process_that_listens(tmp_path: Path) -> None:
    """The environment of whoever holds the service's port, found by the port alone."""
    program = (
        "import socket; s = socket.create_server(('127.0.0.1', 0));"
        "print(s.getsockname()[1], flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env={"JWT_SECRET": SECRET},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        found = seen(environment(tmp_path, 'running = { process = "listener" }', port), "running")
        process.terminate()
    assert found["JWT_SECRET"] == SECRET


def test_nobody_listens(tmp_path: Path) -> None:
    """The outcome says what was looked for."""
    with pytest.raises(CouldNotLook, match="listens on port 1"):
        seen(environment(tmp_path, 'running = { process = "listener" }', 1), "running")


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An HTTP server that answers as the Kubernetes API describes a Deployment (a double)."""
    env = [{"name": "JWT_SECRET", "valueFrom": {"secretKeyRef": {"name": "s", "key": "jwt-secret"}}}]
    containers = [{"name": "api", "image": "x", "env": [*env, {"name": "NODE_ENV", "value": "production"}]}]
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "inmidst-api"},
        "spec": {
            "selector": {"matchLabels": {"app": "api"}},
            "template": {"metadata": {"labels": {"app": "api"}}, "spec": {"containers": containers}},
        },
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/apis/apps/v1/namespaces/production/deployments/inmidst-api"
            body = json.dumps(deployment if found else {"kind": "Status"}).encode()
            self.send_response(200 if found else 404)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }
    (tmp_path / "kubeconfig").write_text(json.dumps(config))
    monkeypatch.setattr(
        "kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "kubeconfig")
    )
    yield
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("cluster")
def test_the_names_in_a_deployment(tmp_path: Path) -> None:
    """Names of what comes from a Secret, without its value."""
    tables = 'store = { kubernetes = "inmidst-api" }\n[kubernetes]\nnamespace = "production"\n'
    assert seen(environment(tmp_path, tables)) == {"JWT_SECRET": None, "NODE_ENV": "production"}
    with pytest.raises(CouldNotLook, match="deployment inmidst-web: "):
        seen(environment(tmp_path, tables.replace("inmidst-api", "inmidst-web")))


@pytest.mark.parametrize(
    ("name", "content", "tables", "why"),
    [
        ("x", None, 'store = { dotenv = "api.env" }', "dotenv api.env cannot be read: No such file"),
        ("api.env", "\xff", 'store = { export = "api.env" }', "has no variables in the form expected"),
        (
            "c.yml",
            "services: {web: {}}",
            'store = { compose = "c.yml" }',
            "has no variables in the form expected",
        ),
        ("s.json", '["s3cr3t"]', 'store = { export = "s.json" }', "has no variables in the form expected"),
    ],
)
def test_a_source_that_cannot_be_read(
    tmp_path: Path, name: str, content: str | None, tables: str, why: str
) -> None:
    """It is named, and nothing of its content is."""
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(CouldNotLook) as error:
        seen(environment(tmp_path, tables))
    assert why in str(error.value)
    assert "s3cr3t" not in str(error.value)


def test_what_is_required_and_missing(tmp_path: Path) -> None:
    """An empty variable is missing; the template of the release to come asks the store for more."""
    dotenv(tmp_path / "api.env", GOOD | {"STRIPE_SECRET_KEY": ""})
    (tmp_path / "template").write_text("NEW_FLAG=\nDATABASE_URL=\n")
    of = environment(tmp_path, 'store = { dotenv = "api.env" }\ntemplate = "template"')
    assert configuration.configured(of, of.services[0]).missing == (
        "STRIPE_SECRET_KEY (store)",
        "NEW_FLAG (store)",
    )
    assert configuration.configured(of, of.services[1]).missing == ("NEW_FLAG (store)",)


@pytest.mark.parametrize(
    ("changed", "finding"),
    [
        ({}, None),
        ({"DATABASE_URL": "mysql://db/midst"}, "DATABASE_URL (store) is no PostgreSQL address"),
        ({"DATABASE_URL": "postgresql://u:p@db:port/midst"}, "DATABASE_URL (store) is no PostgreSQL address"),
        ({"REDIS_URL": "redis:6379"}, "REDIS_URL (store) is no Redis address"),
        ({"JWT_SECRET": SECRET[:31]}, "JWT_SECRET (store) has fewer than 32 characters"),
        ({"JWT_SECRET": "please-changeme-" + SECRET}, "JWT_SECRET (store) is a known default"),
        ({"JWT_SECRET": "a" * 40}, "JWT_SECRET (store) is a known default"),
        ({"STRIPE_SECRET_KEY": "sk_live_abcdefgh"}, "STRIPE_SECRET_KEY (store) does not begin with sk_test_"),
        ({"STRIPE_WEBHOOK_SECRET": "whsec_"}, "STRIPE_WEBHOOK_SECRET (store) does not begin with whsec_"),
        ({"ORCH_WORKER_ENABLED": "True"}, "ORCH_WORKER_ENABLED (store) is not true"),
        ({"LOCAL_LLM_URL": "host:11434"}, "LOCAL_LLM_URL (store) is no HTTP address"),
    ],
)
def test_the_form_of_each_variable(tmp_path: Path, changed: dict[str, str], finding: str | None) -> None:
    """Each is judged by the runbook's form, in words that do not repeat its value."""
    dotenv(tmp_path / "api.env", GOOD | changed)
    of = environment(tmp_path, 'store = { dotenv = "api.env" }')
    orchestrator = {"ORCH_WORKER_ENABLED", "LOCAL_LLM_URL"} & set(changed)
    forms = configuration.forms(of, of.services[2 if orchestrator else 0])
    assert forms.malformed == ((finding,) if finding else ())
    shown = repr(forms) + forms.evidence[0].text
    assert [value for value in GOOD.values() if value in shown] == []


def test_live_keys_belong_to_production(tmp_path: Path) -> None:
    """There `sk_test_` is wrong; without a kind a protected environment is taken for production."""
    dotenv(tmp_path / "api.env", GOOD)
    of = environment(tmp_path, 'store = { dotenv = "api.env" }')
    production = of.model_copy(update={"kind": "production"})
    assert configuration.forms(production, of.services[0]).malformed == (
        "STRIPE_SECRET_KEY (store) does not begin with sk_live_",
    )
    assert of.model_copy(update={"protected": True}).is_production
    assert not of.is_production


def test_a_secret_that_differs_and_one_that_was_rotated(tmp_path: Path) -> None:
    """The one service that has another is named; a store that is ahead of what runs is seen."""
    dotenv(tmp_path / "store.env", GOOD)
    (tmp_path / "running.json").write_text(
        json.dumps({"api": GOOD, "orchestrator": GOOD, "web": GOOD | {"JWT_SECRET": SECRET[::-1]}})
    )
    of = environment(tmp_path, 'store = { dotenv = "store.env" }\nrunning = { export = "running.json" }')
    assert of.variables is not None
    shared = configuration.shared_secret(of, of.variables)
    assert shared.different == ("web (running)",)
    assert configuration.rotation(of, of.services[0]).changed == ()
    assert configuration.rotation(of, of.services[1]).changed == ("JWT_SECRET",)
    assert SECRET not in repr(shared) + shared.evidence[0].text


def test_what_is_seen_in_one_place_only_cannot_be_compared(tmp_path: Path) -> None:
    """Without the running side nothing is known of rotation."""
    dotenv(tmp_path / "api.env", GOOD)
    of = environment(tmp_path, 'store = { dotenv = "api.env" }')
    with pytest.raises(CouldNotLook, match="can be seen in one place only"):
        configuration.rotation(of, of.services[0])
