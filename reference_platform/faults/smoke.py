"""Faults that the smoke tests must see."""

from __future__ import annotations

from reference_platform import postgres, valkey
from reference_platform.faults.health import WORKER_OFF
from reference_platform.faults.model import Fault, Verb
from reference_platform.faults.verbs import answer, restart_with, sign_anew
from reference_platform.services.sickness import Answer
from reference_platform.state import QUEUE_DATABASE, Platform

PROFILE = "/v1/profiles/*"
SEARCH = "/v1/profiles/*/hunter/search"
SUBSCRIPTION = "/v1/billing/subscription/*"
WEBHOOK = "/v1/billing/webhooks/stripe"

ERROR = '{"ok":false,"error":"internal_error","message":"internal error"}'
NONE = '{"ok":true,"data":[],"total":0}'
DONE = '{"ok":true,"data":{}}'
OPEN = '{"ok":true,"data":{"postgres":"up","redis":"up"}}'

LIFE = frozenset({"SMK-01[api]"})
TAXONOMY = frozenset({"SMK-02[api]"})
TOKENS = frozenset({"SMK-04[api]"})
BROWSER = frozenset({"browser"})
PAGE = frozenset({"SMK-08[browser]"})

NOWHERE = "http://127.0.0.1:1"

FAILED_ON_PURPOSE = "this task may not complete"


def api(words: str, how: Answer) -> Verb:
    """The api answers a path otherwise than it would."""
    return answer("api", words, how)


def fail_tasks() -> Verb:
    """The worker cannot complete any task: the database refuses to note it."""

    def do(platform: Platform) -> None:
        with postgres.admin(platform, postgres.DATABASE) as session:
            session.execute(
                "CREATE FUNCTION refuse_completion() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN RAISE EXCEPTION 'this task may not complete'; END $$"
            )
            session.execute("ALTER FUNCTION refuse_completion() OWNER TO midst")
            session.execute(
                "CREATE TRIGGER refuse_completion BEFORE UPDATE ON tasks FOR EACH ROW"
                " WHEN (NEW.status = 'completed') EXECUTE FUNCTION refuse_completion()"
            )

    def undo(platform: Platform) -> None:
        with postgres.admin(platform, postgres.DATABASE) as session:
            session.execute("DROP TRIGGER IF EXISTS refuse_completion ON tasks")
            session.execute("DROP FUNCTION IF EXISTS refuse_completion()")
            gone = session.execute(
                "DELETE FROM tasks WHERE status = 'failed' AND error LIKE %s RETURNING id",
                [f"%{FAILED_ON_PURPOSE}%"],
            ).fetchall()
        _forget_dead_letters(platform, {str(row[0]) for row in gone})

    return Verb("the worker fails every task", do, undo)


def _forget_dead_letters(platform: Platform, tasks: set[str]) -> None:
    with valkey.admin(platform, database=QUEUE_DATABASE) as client:
        for letter in client.lrange("orchestrator:dlq", 0, -1):
            text = letter.decode() if isinstance(letter, bytes) else str(letter)
            if any(task in text for task in tasks):
                client.lrem("orchestrator:dlq", 1, letter)


FAULTS = (
    Fault(
        "SMK-01",
        "update lost",
        api("says it changed a profile, and did not", Answer(path=PROFILE, methods=("PATCH",), body=DONE)),
        LIFE,
    ),
    Fault(
        "SMK-01",
        "stale cache",
        api(
            "answers every question for a profile as it did the first",
            Answer(path=PROFILE, methods=("GET",), first_again=True),
        ),
        LIFE,
    ),
    Fault(
        "SMK-01",
        "delete refuses",
        api("deletes no profile", Answer(path=PROFILE, methods=("DELETE",), status=409, body=ERROR)),
        LIFE,
    ),
    Fault(
        "SMK-01",
        "step fails midway",
        api("cannot change a profile", Answer(path=PROFILE, methods=("PATCH",), status=500, body=ERROR)),
        LIFE,
    ),
    Fault(
        "SMK-02", "empty list", api("has no epochs", Answer(path="/v1/taxonomy/epochs", body=NONE)), TAXONOMY
    ),
    Fault(
        "SMK-02",
        "field missing",
        api(
            "serves a mask without a name",
            Answer(path="/v1/taxonomy/masks", instead=('"name":', '"title":')),
        ),
        TAXONOMY,
    ),
    Fault(
        "SMK-03",
        "500",
        api("fails in the job search", Answer(path=SEARCH, status=500, body=ERROR)),
        frozenset({"SMK-03[api]"}),
    ),
    Fault(
        "SMK-04",
        "route left open",
        api(
            "tells anybody what admins may know",
            Answer(path="/v1/admin/service-status", anonymous=True, body=OPEN),
        ),
        TOKENS,
    ),
    Fault("SMK-04", "signature not checked", sign_anew("api", "takes tokens that anybody signed"), TOKENS),
    Fault(
        "SMK-04",
        "previous secret still accepted",
        sign_anew("api", "takes tokens signed with the previous secret", only_previous=True),
        TOKENS,
    ),
    Fault(
        "SMK-05",
        "404",
        api("has no webhook", Answer(path=WEBHOOK, status=404, body=ERROR)),
        frozenset({"SMK-05[api]", "SMK-10[api]"}),
    ),
    Fault(
        "SMK-05",
        "200 to a forged one",
        api("takes every event", Answer(path=WEBHOOK, only_when=401, status=200)),
        frozenset({"SMK-05[api]"}),
    ),
    Fault(
        "SMK-06",
        "worker off",
        restart_with("orchestrator", "runs without its worker", {"ORCH_WORKER_ENABLED": "false"}),
        WORKER_OFF,
    ),
    Fault("SMK-06", "worker fails the job", fail_tasks(), frozenset({"SMK-06[orchestrator]"})),
    Fault(
        "SMK-07",
        "500",
        api("fails to read subscriptions", Answer(path=SUBSCRIPTION, only_when=200, status=500, body=ERROR)),
        frozenset({"SMK-07[api]"}),
    ),
    Fault(
        "SMK-08",
        "script error",
        answer(
            "web",
            "serves a script that fails",
            Answer(path="/app.js", body='throw new Error("not built")', content_type="text/javascript"),
        ),
        PAGE,
        parts=BROWSER,
    ),
    Fault(
        "SMK-08",
        "api address wrong",
        restart_with(
            "web", "sends its page to a wrong address", dict.fromkeys(("API_URL", "PUBLIC_API_URL"), NOWHERE)
        ),
        PAGE,
        parts=BROWSER,
    ),
    Fault(
        "SMK-09",
        "500 on malformed id",
        api("fails on a malformed id", Answer(path=PROFILE, only_when=400, status=500, body=ERROR)),
        frozenset({"SMK-09[api]"}),
    ),
    Fault(
        "SMK-10",
        "handler answers 500",
        api("fails in the webhook", Answer(path=WEBHOOK, only_when=200, status=500, body=ERROR)),
        frozenset({"SMK-10[api]"}),
    ),
)
