"""What goes to others when a run is over: annotations, a notice on stop, a heartbeat."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from reports.annotations import workflow_commands
from reports.notify import Addresses, tell
from tests.test_history import verdict


class Receiver:
    """An HTTP server that keeps what is posted to it."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, dict[str, object]]] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.posted.append((self.path, json.loads(body)))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing on stderr."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path: str) -> str:
        """An address here."""
        return f"http://127.0.0.1:{self.server.server_port}{path}"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver on loopback."""
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


def test_a_notice_goes_out_on_stop_only(receiver: Receiver) -> None:
    """With the decision and where the report is; a run that says go is silent."""
    addresses = Addresses(webhook=receiver.url("/hook"))
    assert tell(verdict(failed=False), addresses, report="DIR") == []
    assert receiver.posted == []
    assert tell(verdict(failed=True), addresses, report="DIR") == []
    [(path, notice)] = receiver.posted
    assert path == "/hook"
    assert str(notice["text"]).startswith("STOP: nightly of local\n")
    assert notice["report"] == "DIR"


@pytest.mark.parametrize("failed", [True, False], ids=["stop", "go"])
def test_a_heartbeat_goes_out_after_each_nightly_run(receiver: Receiver, failed: bool) -> None:
    """Whatever it said: what is watched for is that it ran. Other stages send none."""
    addresses = Addresses(heartbeat=receiver.url("/beat"))
    assert tell(verdict(failed=failed), addresses, report="DIR") == []
    assert receiver.posted == [("/beat", {"decision": "stop" if failed else "go"})]
    other = verdict(failed=failed).model_copy(update={"stage": "weekly"})
    tell(other, addresses, report="DIR")
    assert len(receiver.posted) == 1


def test_what_was_not_delivered_is_said_without_its_address(receiver: Receiver) -> None:
    """A receiver that refuses, and one that is not there; the address is a secret."""
    receiver.status = 500
    said = tell(verdict(failed=True), Addresses(webhook=receiver.url("/s3cr3t")), report="DIR")
    assert said == ["the notice on stop was not delivered: the receiver answered 500"]
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    away = Addresses(webhook=f"http://127.0.0.1:{port}/s3cr3t")
    assert tell(verdict(failed=True), away, report="DIR") == [
        "the notice on stop was not delivered: ConnectError"
    ]
    assert "s3cr3t" not in repr(away)


def test_annotations_are_escaped() -> None:
    """Text from a target cannot end a workflow command or begin another one."""
    red = verdict(failed=True)
    red.checks[0].message = "50 % of\n::set-output name=x::y"
    [command] = workflow_commands(red)
    assert command.startswith("::error title=HLT-01[api] failed::t 50 %25 of%0A::set-output")
    assert "\n" not in command
    assert list(workflow_commands(verdict(failed=False))) == []
