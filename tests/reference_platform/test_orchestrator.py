"""The orchestrator takes tasks and works them off, also when a dependency goes away in between."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis

from reference_platform import migrations
from reference_platform.faults import fault
from reference_platform.lifecycle import on_demand
from reference_platform.services.logs import INFO, Log
from reference_platform.services.orchestrator.tasks import AT_WORK
from reference_platform.state import Platform
from reference_platform.waiting import until


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """One platform for all tests here."""
    with on_demand(tmp_path_factory.mktemp("state") / "none") as running:
        yield running


@pytest.fixture
def orchestrator(platform: Platform) -> Iterator[httpx.Client]:
    """A client of the orchestrator that has given no task yet."""
    with redis.Redis.from_url(platform.settings.redis_queue_url) as client:
        for key in client.scan_iter("orchestrator:rate:*"):
            client.delete(key)
    with httpx.Client(base_url=platform.settings.url("orchestrator"), timeout=10) as client_:
        yield client_


def give(orchestrator: httpx.Client, *, role: str = "narrator") -> str:
    """Give a task; its id."""
    task = uuid.uuid4().hex
    answer = orchestrator.post("/tasks", json={"id": task, "role": role, "description": "tell a story"})
    assert answer.status_code == 200, answer.text
    return task


def ended(orchestrator: httpx.Client, task: str) -> dict[str, Any]:
    """A task, once it is completed or failed."""

    def found() -> dict[str, Any] | None:
        data: dict[str, Any] = orchestrator.get(f"/tasks/{task}").json()["data"]
        return data if data["status"] in {"completed", "failed"} else None

    end = until(found, within=15, what="the task ends")
    assert end is not None
    return end


def test_a_task_is_completed(orchestrator: httpx.Client) -> None:
    """At the first attempt, with a result; its run too."""
    task = ended(orchestrator, give(orchestrator))

    assert (task["status"], task["attempts"], task["error"]) == ("completed", 1, None)
    assert task["result"]["words"] == 3
    runs = {run["id"]: run["status"] for run in orchestrator.get("/runs?limit=100").json()["data"]}
    assert runs[task["runId"]] == "completed"


def test_a_task_that_nobody_can_do_becomes_a_dead_letter(orchestrator: httpx.Client) -> None:
    """After three attempts it is given up, and is found among the failed."""
    before = orchestrator.get("/dlq/size").json()["size"]
    task = ended(orchestrator, give(orchestrator, role="nobody"))

    assert (task["status"], task["attempts"]) == ("failed", 3)
    assert "nobody" in task["error"]
    until(lambda: orchestrator.get("/dlq/size").json()["size"] > before, within=5, what="it is a dead letter")
    failed = orchestrator.get("/tasks?status=failed&limit=100").json()["data"]
    assert task["id"] in [one["id"] for one in failed]


def test_twenty_tasks_a_minute_and_no_more(orchestrator: httpx.Client) -> None:
    """The next is told how long to wait."""
    answers = [
        orchestrator.post("/tasks", json={"id": uuid.uuid4().hex, "role": "tester", "description": "x"})
        for _ in range(41)  # at most two minutes are touched
    ]

    refused = [one for one in answers if one.status_code == 429]
    assert refused
    assert 1 <= int(refused[0].headers["retry-after"]) <= 60
    assert [one.status_code for one in answers[:20]].count(200) >= 1


@pytest.mark.parametrize("body", [{}, {"id": "x"}, {"id": "", "role": "tester", "description": "x"}])
def test_what_is_no_task_is_refused(orchestrator: httpx.Client, body: dict[str, str]) -> None:
    """400, in the platform's form."""
    answer = orchestrator.post("/tasks", json=body)

    assert (answer.status_code, answer.json()["ok"]) == (400, False)
    assert orchestrator.get("/tasks/nothing").status_code == 404
    assert orchestrator.get("/tasks?status=odd").status_code == 400


@pytest.mark.parametrize("name", ["HLT-05:stopped", "HLT-06:stopped"])
def test_the_worker_goes_on_when_a_dependency_is_back(
    platform: Platform, orchestrator: httpx.Client, name: str
) -> None:
    """Nothing has to be restarted."""
    with fault(name).applied(platform):
        pass

    assert ended(orchestrator, give(orchestrator))["status"] == "completed"


def test_an_interrupted_task_is_taken_up(platform: Platform, orchestrator: httpx.Client) -> None:
    """What was at work when Redis went away is worked on again."""
    task = give(orchestrator)
    ended(orchestrator, task)
    with redis.Redis.from_url(platform.settings.redis_queue_url) as client:
        client.lpush(AT_WORK, json.dumps({"id": task, "enqueuedAt": 0}))
    with fault("HLT-06:stopped").applied(platform):
        pass

    until(
        lambda: orchestrator.get(f"/tasks/{task}").json()["data"]["attempts"] == 2,
        within=15,
        what="a second try",
    )


def test_health_counts_and_needs_nothing(platform: Platform, orchestrator: httpx.Client) -> None:
    """It answers as the platform does, also without its dependencies."""
    ended(orchestrator, give(orchestrator))
    with fault("HLT-05:hangs").applied(platform):
        found = orchestrator.get("/health").json()

    assert found["status"] == "ok"
    assert found["worker"] == "running"
    assert (found["llm"], found["registry"]) == ("disabled", 9)
    assert {"queue", "tasks"} <= set(found)


def test_every_migration_can_be_rolled_back_and_applied_again(platform: Platform) -> None:
    """In reverse order, down to nothing, and up again to the same schema."""

    def schema() -> list[tuple[object, ...]]:
        with psycopg.connect(platform.settings.dsn) as session:
            columns = session.execute(
                "SELECT table_name, column_name, data_type FROM information_schema.columns"
                " JOIN information_schema.tables USING (table_schema, table_name)"
                " WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1, 2"
            ).fetchall()
            indexes = session.execute(
                "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
            )
            return [*columns, *indexes.fetchall()]

    before = schema()
    for migration in reversed(migrations.all_of()):
        migrations.roll_back(platform, migration)
    assert {row[0] for row in schema() if len(row) == 3} == {"schema_migrations"}

    applied = migrations.migrate(platform)
    migrations.seed(platform)

    assert applied == migrations.all_of()
    assert schema() == before
    assert migrations.migrate(platform) == []


def test_logs_rotate(tmp_path: Path) -> None:
    """A full file is kept under another name, and only a few of those."""
    file = tmp_path / "api.log"
    log = Log(file, at_most_bytes=1000)
    for _ in range(200):
        log.write(INFO, "x" * 50)
    log.close()

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "api.log",
        "api.log.1",
        "api.log.2",
        "api.log.3",
    ]
    assert all(path.stat().st_size <= 1000 for path in tmp_path.iterdir())
    assert all(json.loads(line)["level"] == INFO for line in file.read_text().splitlines())
