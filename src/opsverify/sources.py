"""Reading a service's variables from where they can be seen. Values stay in memory, as `SecretStr`.

A source that shows names only (a Deployment) gives None for each value.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from opsverify.environment import Environment, Service, Source
from opsverify.looking import CouldNotLook

Settings = dict[str, SecretStr | None]
"""A service's variables by name; None where a value cannot be seen. Empty values are left out."""

TCP_LISTEN = "0A"
"""State of a listening socket in /proc/net/tcp (Linux, include/net/tcp_states.h)."""


def read_settings(environment: Environment, service: Service, source: Source) -> Settings:
    """The variables of a service, as a source shows them.

    Raises:
        CouldNotLook: the source cannot be read; it names the source.
    """
    try:
        found = _read(environment, service, source)
    except OSError as error:
        raise CouldNotLook(service.name, f"{source.name} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):  # not shown: its text may hold a value
        raise CouldNotLook(service.name, f"{source.name} has no variables in the form expected") from None
    return {name: value for name, value in found.items() if value is None or value.get_secret_value()}


def _read(environment: Environment, service: Service, source: Source) -> Settings:
    if source.dotenv is not None:
        return _secret(read_dotenv(environment.beside(source.dotenv)))
    if source.compose is not None:
        return _secret(_read_compose(environment.beside(source.compose), service.name))
    if source.export is not None:
        return _secret(_read_export(environment.beside(source.export), source.at, service.name))
    if source.kubernetes is not None:
        return _read_deployment(environment, service, source.kubernetes)
    return _secret(_read_listener(service))


def _secret(values: Mapping[str, object]) -> Settings:
    return {name: SecretStr("" if value is None else str(value)) for name, value in values.items()}


def read_dotenv(file: Path) -> dict[str, str | None]:
    """Names and values of a dotenv file.

    Raises:
        OSError, ValueError: it cannot be read.
    """
    from dotenv import dotenv_values

    with file.open(encoding="utf-8") as stream:
        return dict(dotenv_values(stream=stream, interpolate=False))


def read_image(file: Path, service: str) -> str | None:
    """The image of a service in a compose file, with `${NAME}` filled in; None: it names none.

    Raises:
        OSError, ValueError, KeyError: it cannot be read, or has no such service.
    """
    import yaml

    try:
        table = yaml.safe_load(file.read_text(encoding="utf-8"))["services"][service]
    except (yaml.YAMLError, TypeError) as error:
        raise ValueError(str(error)) from None
    image = table.get("image") if isinstance(table, dict) else None
    return _interpolated(str(image), _known_beside(file)) if image is not None else None


def _known_beside(file: Path) -> dict[str, str | None]:
    """The variables that compose fills in: of the dotenv file beside its own, and over it the process's."""
    beside = file.parent / ".env"
    return {**(read_dotenv(beside) if beside.exists() else {}), **os.environ}


def _read_compose(file: Path, service: str) -> dict[str, object]:
    """`env_file` and, over it, `environment` of a service, with `${NAME}` filled in as compose does."""
    import yaml

    table = yaml.safe_load(file.read_text(encoding="utf-8"))["services"][service]
    known = _known_beside(file)
    values: dict[str, object] = {}
    named = table.get("env_file") or []
    for entry in [named] if isinstance(named, str | dict) else named:
        values |= read_dotenv(file.parent / (entry["path"] if isinstance(entry, dict) else entry))
    own = table.get("environment") or {}
    pairs = own.items() if isinstance(own, dict) else (entry.partition("=")[::2] for entry in own)
    for name, value in pairs:
        passed_on = value is None or (isinstance(own, list) and f"{name}=" not in own and value == "")
        values[name] = known.get(name) if passed_on else _interpolated(str(value), known)
    return values


_REFERENCE = re.compile(
    r"\$(?:(?P<escaped>\$)|\{(?P<name>\w+)(?:(?P<colon>:?)-(?P<default>[^}]*))?\}|(?P<bare>\w+))"
)


def _interpolated(text: str, known: Mapping[str, str | None]) -> str:
    def value(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        found = known.get(match["name"] or match["bare"])
        missing = found is None or (bool(match["colon"]) and found == "")
        return (match["default"] or "") if missing else str(found)

    return _REFERENCE.sub(value, text)


def _read_export(file: Path, at: str, service: str) -> dict[str, object]:
    table: Any = json.loads(file.read_text(encoding="utf-8"))
    for key in filter(None, at.split(".")):
        table = table[key]
    if isinstance(table.get(service), dict):
        table = table[service]
    return {name: value for name, value in table.items() if not isinstance(value, dict | list)}


def _read_deployment(environment: Environment, service: Service, deployment: str) -> Settings:
    """Names in the pod template of a Deployment; a value that stands there in the open is seen."""
    try:
        from kubernetes import client, config
    except ImportError:
        raise CouldNotLook(
            service.name,
            "the package kubernetes is not installed",
            remedy="Install the extra: pip install 'opsverify[kubernetes]'.",
        ) from None
    cluster = environment.kubernetes or {}
    try:
        connected = config.new_client_from_config(context=cluster.get("context"))  # type: ignore[no-untyped-call]
        found = client.AppsV1Api(connected).read_namespaced_deployment(
            deployment, cluster.get("namespace", "inmidst"), _request_timeout=5
        )
        containers = found.to_dict()["spec"]["template"]["spec"]["containers"]
    except Exception as error:  # noqa: BLE001 - the client raises its own, urllib3's and yaml's errors
        raise CouldNotLook("kubernetes", f"deployment {deployment}: {type(error).__name__}") from None
    entries = [entry for container in containers for entry in container["env"] or []]
    return {entry["name"]: SecretStr(entry["value"]) if entry["value"] else None for entry in entries}


def _read_listener(service: Service) -> dict[str, str]:
    """The environment of the process that listens on the service's port, from /proc."""
    port = urlsplit(service.url or "").port
    if not Path("/proc/net/tcp").exists():
        raise CouldNotLook(service.name, "processes can be looked into on Linux only")
    sockets = {
        f"socket:[{line.split()[9]}]"
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]
        if line.split()[3] == TCP_LISTEN and int(line.split()[1].rpartition(":")[2], 16) == port
    }
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and _holds(process, sockets):
            pairs = (process / "environ").read_bytes().decode(errors="replace").split("\0")
            return dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    raise CouldNotLook(
        service.name,
        f"no process of this machine that can be looked into listens on port {port}",
        remedy="Run the gate where the service runs, as the same user.",
    )


def _holds(process: Path, sockets: set[str]) -> bool:
    try:
        descriptors = list((process / "fd").iterdir())
    except OSError:  # another user's, or gone by now
        return False
    return any(_target(descriptor) in sockets for descriptor in descriptors)


def _target(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except OSError:  # closed since it was listed
        return ""
