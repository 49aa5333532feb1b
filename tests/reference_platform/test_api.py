"""The api does what the platform's interface promises."""

from __future__ import annotations

import hashlib
import hmac
import json
import ssl
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import redis

from reference_platform.faults import fault
from reference_platform.lifecycle import on_demand
from reference_platform.state import Platform

ADMIN: dict[str, Any] = {"permissions": ["admin:access"]}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """One platform for all tests here; each writes only what is its own."""
    with on_demand(tmp_path_factory.mktemp("state") / "none") as running:
        yield running


@pytest.fixture(scope="module")
def api(platform: Platform) -> Iterator[httpx.Client]:
    """A client of the api."""
    with httpx.Client(base_url=platform.settings.url("api"), timeout=10) as client:
        yield client


def token(secret: str, *, head: dict[str, str] | None = None, **claims: Any) -> dict[str, str]:
    """Headers with a token that is good but for what is said otherwise."""
    now = int(time.time())
    body = {
        "sub": "somebody",
        "iss": "in-midst-my-life-api",
        "aud": "in-midst-my-life-api",
        "iat": now,
        "exp": now + 600,
    } | claims
    parts = [
        urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"alg": "HS256", "typ": "JWT"} if head is None else head, body)
    ]
    signature = hmac.digest(secret.encode(), ".".join(parts).encode(), hashlib.sha256)
    return {
        "authorization": "Bearer " + ".".join([*parts, urlsafe_b64encode(signature).rstrip(b"=").decode()])
    }


def new_profile() -> dict[str, str]:
    """A profile that nobody has."""
    identity = str(uuid.uuid4())
    return {
        "id": identity,
        "identityId": str(uuid.uuid4()),
        "slug": f"test-{identity[:8]}",
        "displayName": "Test",
    }


def test_a_profile_is_made_read_changed_listed_and_deleted(platform: Platform, api: httpx.Client) -> None:
    """Each read shows what was written before, through the cache."""
    new = new_profile()
    mine = token(platform.settings.jwt_secret, profileId=new["id"])
    path = f"/v1/profiles/{new['id']}"

    made = api.post("/v1/profiles", json=new, headers=mine)
    read = [api.get(path, headers=mine).json()["data"] for _ in range(2)]
    changed = api.patch(path, json={"displayName": "Other"}, headers=mine)
    again = api.get(path, headers=mine).json()["data"]
    listed = api.get("/v1/profiles?limit=100", headers=mine).json()
    twice = api.post("/v1/profiles", json=new, headers=mine)
    deleted = api.delete(path, headers=mine)

    assert (made.status_code, changed.status_code, deleted.status_code) == (201, 200, 200)
    assert [one["displayName"] for one in (*read, again)] == ["Test", "Test", "Other"]
    assert new["id"] in [one["id"] for one in listed["data"]]
    assert set(listed) == {"ok", "offset", "limit", "data", "total"}
    assert twice.status_code == 409
    assert api.get(path, headers=mine).status_code == 404
    assert api.delete(path, headers=mine).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"exp": -60},
        {"exp": "soon"},
        {"exp": 10**6},
        {"iat": 3600, "exp": 3660},
        {"nbf": 3600},
        {"aud": "somebody-else"},
        {"aud": ["somebody-else"]},
        {"iss": "somebody-else"},
        {"sub": ""},
        {"sub": None},
        {"permissions": "admin:access"},
        {"head": {"alg": "none"}},
        {"head": {"alg": "HS512"}},
        {"head": {}},
        {"secret": "another"},
    ],
    ids=str,
)
def test_a_wrong_token_is_refused(platform: Platform, api: httpx.Client, wrong: dict[str, Any]) -> None:
    """Whatever is wrong with it, the answer is the same. Times count from now."""
    now = int(time.time())
    claims = {name: value + now if isinstance(value, int) else value for name, value in wrong.items()}
    settings: dict[str, Any] = {"secret": platform.settings.jwt_secret, **ADMIN, **claims}

    answer = api.get("/v1/profiles", headers=token(**settings))

    assert answer.status_code == 401
    assert answer.json()["error"] == "unauthorized"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Bearer a.b", "Bearer ...", "Basic eDp4"])
def test_what_is_no_token_is_refused(api: httpx.Client, header: str) -> None:
    """Nothing, or something else in its place."""
    assert api.get("/v1/profiles", headers={"authorization": header}).status_code == 401


def test_a_cut_signature_is_refused(platform: Platform, api: httpx.Client) -> None:
    """A token without its signature, or with other characters among it, is none."""
    good = token(platform.settings.jwt_secret, **ADMIN)["authorization"]
    head, body, signature = good.split(".")

    for bad in (f"{head}.{body}.", f"{head}.{body}.{signature[:-4]}", f"{head}.{body}.{signature}!!"):
        assert api.get("/v1/profiles", headers={"authorization": bad}).status_code == 401
    assert api.get("/v1/profiles", headers={"authorization": good}).status_code == 200


def test_profiles_of_others_are_closed(platform: Platform, api: httpx.Client) -> None:
    """Only the owner and an admin may read, change, delete, search, and see the subscription."""
    theirs = "00000000-0000-4000-8000-000000000001"
    stranger = token(platform.settings.jwt_secret, profileId=str(uuid.uuid4()))
    asked = [
        api.get(f"/v1/profiles/{theirs}", headers=stranger),
        api.patch(f"/v1/profiles/{theirs}", json={"displayName": "Mine"}, headers=stranger),
        api.delete(f"/v1/profiles/{theirs}", headers=stranger),
        api.post(f"/v1/profiles/{theirs}/hunter/search", json={"keywords": ["x"]}, headers=stranger),
        api.get(f"/v1/billing/subscription/{theirs}", headers=stranger),
        api.post("/v1/profiles", json=new_profile(), headers=stranger),
        api.get("/v1/admin/service-status", headers=stranger),
    ]

    assert [one.status_code for one in asked] == [403] * len(asked)
    assert api.get(f"/v1/profiles/{theirs}", headers=token(platform.settings.jwt_secret, **ADMIN)).is_success


@pytest.mark.parametrize(("kind", "number"), [("masks", 16), ("epochs", 8), ("stages", 8)])
def test_the_taxonomy_is_complete(api: httpx.Client, kind: str, number: int) -> None:
    """Open to all, with and without the version in the path; without, it says it is deprecated."""
    found = api.get(f"/v1/taxonomy/{kind}").json()["data"]
    bare = api.get(f"/taxonomy/{kind}")

    assert len(found) == number
    assert all(one["id"] and one["name"] for one in found)
    assert bare.json()["data"] == found
    assert {"deprecation", "sunset"} <= set(bare.headers)


def test_searching_is_counted_on_the_free_tier(platform: Platform, api: httpx.Client) -> None:
    """Five searches a month; a paid tier, which the payment provider tells, has no end."""
    new = new_profile()
    mine = token(platform.settings.jwt_secret, profileId=new["id"])
    api.post("/v1/profiles", json=new, headers=mine)

    def search() -> httpx.Response:
        words = {"keywords": ["Python"]}
        return api.post(f"/v1/profiles/{new['id']}/hunter/search", json=words, headers=mine)

    statuses = [search().status_code for _ in range(6)]
    event(api, platform, {"type": "customer.subscription.created"} | paid(new["id"]))
    after = search()

    assert statuses == [200] * 5 + [429]
    assert after.status_code == 200
    assert after.json()["totalFound"] == len(after.json()["jobs"]) == 2
    assert after.json()["searchDurationMs"] >= 0


def paid(profile: str) -> dict[str, Any]:
    """What an event says about a paid subscription."""
    return {"data": {"object": {"metadata": {"profileId": profile, "tier": "PRO"}}}}


def event(
    api: httpx.Client,
    platform: Platform,
    body: dict[str, Any],
    *,
    signed_at: float | None = None,
    secret: str | None = None,
) -> httpx.Response:
    """Send an event as the payment provider does."""
    raw = json.dumps({"id": f"evt_{uuid.uuid4().hex}"} | body).encode()
    moment = int(time.time() if signed_at is None else signed_at)
    key = (secret or platform.settings.stripe_webhook_secret).encode()
    signature = hmac.new(key, f"{moment}.".encode() + raw, hashlib.sha256).hexdigest()
    headers = {"stripe-signature": f"t={moment},v1={signature}", "content-type": "application/json"}
    return api.post("/v1/billing/webhooks/stripe", content=raw, headers=headers)


def test_only_signed_events_are_taken(platform: Platform, api: httpx.Client) -> None:
    """Missing, malformed, stale and forged signatures are all 401."""
    body = {"type": "ping"}
    refused = [
        api.post("/v1/billing/webhooks/stripe", json=body),
        api.post("/v1/billing/webhooks/stripe", json=body, headers={"stripe-signature": "nonsense"}),
        api.post("/v1/billing/webhooks/stripe", json=body, headers={"stripe-signature": "t=1,t=2,v1=x"}),
        event(api, platform, body, signed_at=time.time() - 301),
        event(api, platform, body, signed_at=time.time() + 301),
        event(api, platform, body, secret="another"),
    ]

    assert [one.status_code for one in refused] == [401] * len(refused)
    assert event(api, platform, body).json() == {"received": True}
    assert event(api, platform, {"id": 1}).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("GET", "/v1/nothing", None, 404),
        ("PUT", "/v1/profiles", None, 405),
        ("GET", "/v1/profiles/nonsense", None, 400),
        ("GET", "/v1/profiles/%00", None, 400),
        ("GET", "/v1/profiles?limit=0", None, 400),
        ("GET", "/v1/profiles?offset=x", None, 400),
        ("POST", "/v1/profiles", b"{", 400),
        ("POST", "/v1/profiles", b"\\xff", 400),
        ("POST", "/v1/profiles", b"[]", 400),
        ("POST", "/v1/profiles", b'"' + b"x" * 1024 * 1024 + b'"', 413),
        ("GET", f"/v1/profiles/{uuid.UUID(int=0)}", None, 404),
    ],
)
def test_bad_input_is_the_clients_error(
    platform: Platform, api: httpx.Client, method: str, path: str, content: bytes | None, status: int
) -> None:
    """Never a 5xx, and always in the platform's form."""
    headers = {**token(platform.settings.jwt_secret, **ADMIN), "content-type": "application/json"}

    answer = api.request(method, path, content=content, headers=headers)

    assert answer.status_code == status
    assert answer.json()["ok"] is False
    assert set(answer.json()) == {"ok", "error", "message"}


def test_what_is_cached_expires_in_its_time(platform: Platform, api: httpx.Client) -> None:
    """Taxonomy an hour, profiles five minutes, searches a quarter of an hour, counters a month."""
    new = new_profile()
    mine = token(platform.settings.jwt_secret, profileId=new["id"])
    api.post("/v1/profiles", json=new, headers=mine)
    api.get("/v1/taxonomy/masks")
    api.post(f"/v1/profiles/{new['id']}/hunter/search", json={"keywords": ["x"]}, headers=mine)

    lives: dict[str, int] = {}
    for url in (platform.settings.redis_url, platform.settings.redis_queue_url):
        with redis.Redis.from_url(url, decode_responses=True) as client:
            lives |= {key.partition(":")[0]: client.ttl(key) for key in client.scan_iter("*") if ":" in key}

    hour = 3600
    assert 0 < lives["taxonomy"] <= hour
    assert 0 < lives["profile"] <= hour / 12
    assert 0 < lives["search"] <= hour / 4
    assert 0 < lives["quota"] <= 31 * 24 * hour


def test_without_redis_it_serves_what_the_database_has(platform: Platform, api: httpx.Client) -> None:
    """A cache that is away is an empty one; only what must be counted is refused, as unavailable."""
    new = new_profile()
    mine = token(platform.settings.jwt_secret, profileId=new["id"])
    api.post("/v1/profiles", json=new, headers=mine)
    with fault("HLT-06:stopped").applied(platform):
        masks = api.get("/v1/taxonomy/masks")
        read = api.get(f"/v1/profiles/{new['id']}", headers=mine)
        search = api.post(f"/v1/profiles/{new['id']}/hunter/search", json={"keywords": ["x"]}, headers=mine)

    assert (masks.status_code, read.status_code, search.status_code) == (200, 200, 503)


def test_without_the_database_it_says_it_is_unavailable(platform: Platform, api: httpx.Client) -> None:
    """503, not 500."""
    headers = token(platform.settings.jwt_secret, **ADMIN)
    with fault("HLT-05:stopped").applied(platform):
        answer = api.get("/v1/profiles", headers=headers)
        status = api.get("/v1/admin/service-status", headers=headers).json()["data"]["services"]

    assert (answer.status_code, answer.json()["error"]) == (503, "unavailable")
    assert status == {"postgres": {"status": "unhealthy"}, "redis": {"status": "healthy"}}


def test_a_profile_is_told_and_exported(platform: Platform, api: httpx.Client) -> None:
    """Narrative through a mask, a mask for an occasion, linked data."""
    path = "/v1/profiles/00000000-0000-4000-8000-000000000001"
    admin = token(platform.settings.jwt_secret, **ADMIN)

    told = api.post(f"{path}/narrative", json={"maskId": "maker"}, headers=admin).json()["data"]
    mask = api.post(f"{path}/masks/select", json={"tags": ["creative"]}, headers=admin).json()["data"]["mask"]
    export = api.get(f"{path}/export/jsonld", headers=admin)

    assert (told["maskId"], len(told["blocks"])) == ("maker", 8)
    assert mask["category"] == "creative"
    assert export.headers["content-type"].startswith("application/ld+json")
    assert export.json()["@type"] == "Person"


@pytest.fixture(scope="module")
def public(platform: Platform) -> Iterator[httpx.Client]:
    """A client that trusts the platform's authority."""
    trust = ssl.create_default_context(cafile=platform.tls / "ca.pem")
    with httpx.Client(verify=trust, timeout=10) as client:
        yield client


def test_the_front_passes_on_what_is_public(platform: Platform, public: httpx.Client) -> None:
    """By TLS, to the service that the port means; metrics and admin routes are not there."""
    api, web = platform.settings.public_url("api"), platform.settings.public_url("web")

    assert public.get(f"{api}/health").json() == {"status": "ok"}
    assert len(public.get(f"{api}/v1/taxonomy/masks").json()["data"]) == 16
    assert platform.settings.public_url("api") in public.get(web).text
    assert "strict-transport-security" in public.get(web).headers
    for path in ("/metrics", "/v1/admin/service-status", "/admin/service-status"):
        assert public.get(api + path).status_code == 404
    with pytest.raises(httpx.ConnectError, match="certificate"):
        httpx.get(f"{api}/health")


def test_the_front_uses_the_replica_that_is_there(platform: Platform, public: httpx.Client) -> None:
    """With one of two replicas away, every request is still answered."""
    from reference_platform.faults.verbs import stop

    away = stop("api-2")
    away.do(platform)
    try:
        statuses = {public.get(platform.settings.public_url("api") + "/ready").status_code for _ in range(4)}
    finally:
        away.undo(platform)

    assert statuses == {200}


def test_pages_of_others_may_not_call(platform: Platform, api: httpx.Client) -> None:
    """The web page's origin is allowed, another is not, and neither is a 5xx."""
    asked = {"access-control-request-method": "GET"}
    ours = api.options("/v1/taxonomy/masks", headers={"origin": platform.settings.url("web"), **asked})
    theirs = api.options("/v1/taxonomy/masks", headers={"origin": "https://elsewhere.example", **asked})

    assert ours.headers["access-control-allow-origin"] == platform.settings.url("web")
    assert theirs.status_code == 400
    assert "access-control-allow-origin" not in theirs.headers
