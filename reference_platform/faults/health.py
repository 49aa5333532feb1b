"""Faults that the health checks must see."""

from __future__ import annotations

from reference_platform.faults.model import Fault
from reference_platform.faults.verbs import (
    answer,
    both,
    change_postgres_password,
    change_redis_password,
    freeze,
    restart_with,
    send_api_elsewhere,
    stop,
    use_up_slots,
)
from reference_platform.services.sickness import Answer

LIMIT_SECONDS = 2
"""Of the health paths, in the suite's defaults."""

NOT_READY = {"HLT-02[api]", "HLT-02[orchestrator]"}
"""What says so when PostgreSQL or Redis is away."""

DATABASE_AWAY = frozenset({"HLT-05[postgres]", "SMK-08[browser]", *NOT_READY})
NO_DATABASE = frozenset(
    {f"SMK-{number}[api]" for number in ("01", "02", "03", "04", "07", "09", "10")}
    | {"SMK-06[orchestrator]", "RED-05[orchestrator]", "ONB-01[access]"}
)
"""What says that it is not available, or does not answer, when PostgreSQL is away."""
REDIS_AWAY = frozenset({"HLT-06[redis]", *NOT_READY})
NO_REDIS = frozenset({"SMK-03[api]", "SMK-06[orchestrator]", "RED-05[orchestrator]"})
"""Likewise for Redis: searches are counted in it, and tasks wait in it."""

HTML = "<!doctype html><html><body><h1>502 Bad Gateway</h1></body></html>"
CUT = Answer(path="/metrics", cut_after="http_request_duration_seconds_bucket{")

NO_API_PROCESS = frozenset({"CFG-01[api]", "CFG-02[api]", "CFG-03[variables]", "CFG-04[api]"})
"""What is read from the process of the api."""
NO_API = frozenset({"ONB-01[access]"})
"""What asks the api with an engineer's token."""
WORKER_OFF = frozenset({"HLT-08[orchestrator]", "CFG-02[orchestrator]", "SMK-06[orchestrator]"})
STATIC = Answer(path="/ready", status=200, body='{"status":"ready"}')

NO_REPLICA = frozenset({"DEP-08[git]", "DEP-09[api.1]", "HLT-10[api.1]"})
"""What needs the second api, whose process is called otherwise than its subject."""
NO_FIGURES = frozenset({"DEP-08[git]", "HLT-10[orchestrator]"})
"""What needs to know since when the orchestrator runs."""

FAULTS = (
    Fault(
        "HLT-01",
        "stopped",
        stop("api"),
        frozenset({"HLT-01[api]", "HLT-02[api]"}),
        blind=NO_API_PROCESS | NO_API,
    ),
    Fault("HLT-01", "one replica refuses", stop("api-2"), frozenset({"HLT-01[api.1]"}), blind=NO_REPLICA),
    Fault(
        "HLT-01",
        "500",
        answer("orchestrator", "answers 500 on its health path", Answer(path="/health", status=500)),
        frozenset({"HLT-01[orchestrator]"}),
    ),
    Fault(
        "HLT-01",
        "hangs",
        freeze("api"),
        frozenset({"HLT-01[api]", "HLT-02[api]", "DB-02[postgres]"}),
        blind=NO_API,
    ),
    Fault(
        "HLT-01",
        "slow",
        answer("web", "is slow", Answer(path="/api/health", after_seconds=LIMIT_SECONDS + 0.5)),
        frozenset({"HLT-01[web]"}),
        blind=frozenset({"HLT-04[web]"}),
    ),
    Fault(
        "HLT-01",
        "one byte a second",
        answer("web", "sends one byte a second", Answer(path="/api/health", one_byte_a_second=True)),
        frozenset({"HLT-01[web]"}),
        blind=frozenset({"HLT-04[web]"}),
    ),
    Fault(
        "HLT-01",
        "endless",
        answer("api", "never stops sending", Answer(path="/health", endless=True)),
        frozenset({"HLT-01[api]"}),
        blind=frozenset({"HLT-04[api]"}),
    ),
    Fault("HLT-02", "database stopped", stop("postgres"), DATABASE_AWAY, blind=NO_DATABASE),
    Fault(
        "HLT-03",
        "truncated",
        answer("api", "sends a part of its metrics", CUT),
        frozenset({"HLT-03[api]"}),
    ),
    Fault(
        "HLT-03",
        "html",
        answer(
            "orchestrator",
            "sends a page in place of its metrics",
            Answer(path="/metrics", body=HTML, content_type="text/html"),
        ),
        frozenset({"HLT-03[orchestrator]"}),
        blind=NO_FIGURES,
    ),
    Fault("HLT-05", "stopped", stop("postgres"), DATABASE_AWAY, blind=NO_DATABASE),
    Fault("HLT-05", "wrong password", change_postgres_password(), frozenset({"HLT-05[postgres]"})),
    Fault("HLT-05", "hangs", freeze("postgres"), DATABASE_AWAY, blind=NO_DATABASE),
    Fault(
        "HLT-05",
        "slots used up",
        use_up_slots(),
        frozenset({"HLT-05[postgres]", "DB-01[postgres]"}),
        blind=frozenset({"ONB-01[access]"}),
    ),
    Fault("HLT-06", "stopped", stop("redis"), REDIS_AWAY, blind=NO_REDIS),
    Fault("HLT-06", "auth refused", change_redis_password(), REDIS_AWAY, blind=NO_REDIS),
    Fault("HLT-06", "hangs", freeze("redis"), REDIS_AWAY, blind=NO_REDIS),
    Fault(
        "HLT-04",
        "path leads elsewhere",
        send_api_elsewhere(),
        frozenset({"HLT-04[api]", "SMK-08[browser]"}),
    ),
    Fault(
        "HLT-04",
        "front stopped",
        stop("front"),
        frozenset({"HLT-04[api]", "HLT-04[web]"}),
        blind=frozenset({"SMK-08[browser]"}),
    ),
    Fault(
        "HLT-07",
        "static ready answer",
        both(
            "redis is stopped, and the api says it is ready",
            answer("api", "always says it is ready", STATIC),
            stop("redis"),
        ),
        frozenset({"HLT-07[api]", "HLT-06[redis]", "HLT-02[orchestrator]"}),
        blind=NO_REDIS,
    ),
    Fault(
        "HLT-08",
        "worker off",
        restart_with("orchestrator", "runs without its worker", {"ORCH_WORKER_ENABLED": "false"}),
        WORKER_OFF,
    ),
    Fault("HLT-09", "port closed", stop("model"), frozenset({"HLT-09[llm]"})),
)
