"""Starting the platform's services, each a process of its own on a port that is bound before."""

from __future__ import annotations

import json
import os
import ssl
import sys
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

from reference_platform import certificates, ports
from reference_platform.processes import MARK, Failed, Process, Program, end_of, stop
from reference_platform.state import Platform
from reference_platform.waiting import until

CLONE = Path(__file__).resolve().parent.parent

LISTENS_ON = {
    "web": ("web",),
    "front": ("public-api", "public-web"),
    "api": ("api",),
    "api-2": ("api-2",),
    "orchestrator": ("orchestrator",),
    "model": ("model",),
    "outside": ("outside",),
}
"""The service processes, and the names of their ports. The second api is a replica of the first."""
NEED_THE_DATABASE = ("api", "api-2", "orchestrator")
NEED_NOTHING = ("web", "front", "model", "outside")
READY_PATHS = {
    "web": "/api/health",
    "model": "/api/tags",
    "outside": "/api/v2/status.json",
    "public-web": "/api/health",
    "public-api": "/health",
}
"""What a port is asked for to know that its service is ready, where that is not `/ready`."""


def start(platform: Platform, service: str, *, variables: Mapping[str, str] | None = None) -> Process:
    """Start a service without waiting for it; requests wait for their answer from now on.

    Args:
        platform: whose service it is.
        service: one of `LISTENS_ON`.
        variables: in place of its own, or beside them.

    Raises:
        OSError: a port of it is taken.
        Failed: it ended at once.
    """
    with ExitStack() as sockets:
        listening = [
            sockets.enter_context(ports.listening(platform.settings.ports[name])).fileno()
            for name in LISTENS_ON[service]
        ]
        process = Program(
            command=(
                *(sys.executable, "-m", "reference_platform.services", service.partition("-")[0]),
                *("--sockets", ",".join(map(str, listening))),
                *("--log", platform.log(service), "--sick", platform.sick(service)),
                *(("--tls", platform.tls) if service == "front" else ()),
            ),
            folder=platform.state,
            variables={**_variables(platform), **(variables or {})},
            output=_output(platform, service),
            descriptors=tuple(listening),
        ).start()
    platform.entry.remember(service, process)
    return process


def wait(platform: Platform, services: Collection[str] = tuple(LISTENS_ON)) -> None:
    """Wait until services say they are ready.

    Raises:
        Failed: one ended; with what it printed.
        NotInTime: one did not get ready.
    """
    for service in services:
        until(partial(_is_ready, platform, service), within=20, what=f"the {service} is ready")


def stop_service(platform: Platform, service: str) -> None:
    """Stop a service; its port refuses connections then."""
    process = platform.process(service)
    if process is not None:
        stop([process], within=2)
    platform.entry.forget(service)


def ask(url: str, *, within: float, trust: ssl.SSLContext | None = None) -> tuple[int, dict[str, object]]:
    """The status and the JSON body of an answer.

    Raises:
        OSError, HTTPException, ValueError: there is no such answer.
    """
    parts = urlsplit(url)
    host = parts.hostname or ports.LOOPBACK
    if parts.scheme == "https":
        connection: HTTPConnection = HTTPSConnection(host, parts.port, timeout=within, context=trust)
    else:
        connection = HTTPConnection(host, parts.port, timeout=within)
    try:
        connection.request("GET", parts.path or "/")
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def _variables(platform: Platform) -> dict[str, str]:
    """What a service's process is told: the runbook's variables, and where the others are."""
    settings = platform.settings
    return {
        **settings.variables(),
        MARK: platform.entry.id,
        "RELEASE": settings.release,
        "API_URL": settings.url("api"),
        "PUBLIC_API_URL": settings.public_url("api"),
        "CORS_ORIGINS": f"{settings.url('web')},{settings.public_url('web')}",
        "FRONT_BACKENDS": json.dumps(
            {
                settings.ports["public-api"]: [settings.url("api"), settings.url("api-2")],
                settings.ports["public-web"]: [settings.url("web")],
            }
        ),
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(CLONE),
        "PYTHONDONTWRITEBYTECODE": os.environ.get("PYTHONDONTWRITEBYTECODE", ""),
    }


def _is_ready(platform: Platform, service: str) -> bool:
    if platform.process(service) is None:
        raise Failed(f"the {service} ended:\n{end_of(_output(platform, service))}")
    try:
        return all(_answers_well(platform, port) for port in LISTENS_ON[service])
    except (OSError, HTTPException, ValueError):
        return False


def _answers_well(platform: Platform, port: str) -> bool:
    public = port.startswith("public-")
    settings = platform.settings
    url = settings.public_url(port.removeprefix("public-")) if public else settings.url(port)
    trust = certificates.trusting(platform) if public else None
    status, _ = ask(url + READY_PATHS.get(port, "/ready"), within=10, trust=trust)
    return status == 200


def _output(platform: Platform, service: str) -> Path:
    """Where a service prints what is no log line: a traceback when it cannot even start."""
    return platform.log(service).with_suffix(".out")
