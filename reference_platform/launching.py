"""Starting the platform's services, each a process of its own on a port that is bound before."""

from __future__ import annotations

import json
import os
import sys
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from reference_platform import ports
from reference_platform.processes import MARK, Failed, Process, Program, end_of, stop
from reference_platform.state import SERVICES, Platform
from reference_platform.waiting import until

CLONE = Path(__file__).resolve().parent.parent
READY_PATHS = {"api": "/ready", "orchestrator": "/ready", "web": "/api/health"}


def start(platform: Platform, service: str) -> Process:
    """Start a service without waiting for it; requests wait for their answer from now on.

    Raises:
        OSError: its port is taken.
        Failed: it ended at once.
    """
    with ports.listening(platform.settings.ports[service]) as listening:
        process = Program(
            command=(
                *(sys.executable, "-m", "reference_platform.services", service),
                *("--socket", str(listening.fileno())),
                *("--log", platform.log(service), "--sick", platform.sick(service)),
            ),
            folder=platform.state,
            variables={
                **platform.settings.variables(),
                MARK: platform.entry.id,
                "API_URL": platform.settings.url("api"),
                "PATH": os.environ.get("PATH", os.defpath),
                "PYTHONPATH": str(CLONE),
                "PYTHONDONTWRITEBYTECODE": os.environ.get("PYTHONDONTWRITEBYTECODE", ""),
            },
            output=_output(platform, service),
            descriptors=(listening.fileno(),),
        ).start()
    platform.entry.remember(service, process)
    return process


def wait(platform: Platform) -> None:
    """Wait until every service that runs says it is ready.

    Raises:
        Failed: one ended; with what it printed.
        NotInTime: one did not get ready.
    """
    for service in SERVICES:
        until(partial(_is_ready, platform, service), within=20, what=f"the {service} is ready")


def stop_service(platform: Platform, service: str) -> None:
    """Stop a service; its port refuses connections then."""
    process = platform.process(service)
    if process is not None:
        stop([process], within=2)
    platform.entry.forget(service)


def ask(url: str, *, within: float) -> tuple[int, dict[str, object]]:
    """The status and the JSON body of an answer.

    Raises:
        OSError, HTTPException, ValueError: there is no such answer.
    """
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or ports.LOOPBACK, parts.port, timeout=within)
    try:
        connection.request("GET", parts.path or "/")
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def _is_ready(platform: Platform, service: str) -> bool:
    if platform.process(service) is None:
        raise Failed(f"the {service} ended:\n{end_of(_output(platform, service))}")
    try:
        status, _ = ask(platform.settings.url(service) + READY_PATHS[service], within=10)
    except (OSError, HTTPException, ValueError):
        return False
    return status == 200


def _output(platform: Platform, service: str) -> Path:
    """Where a service prints what is no log line: a traceback when it cannot even start."""
    return platform.log(service).with_suffix(".out")
