"""Whether a backup store is safe: who reads it, whether what is overwritten stays, how cold it is."""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from opsverify.backups.listing import Backup, found
from opsverify.cost import charge
from opsverify.environment import Backups, Environment, Store
from opsverify.evidence import Evidence, one_line
from opsverify.looking import CouldNotLook, Snapshot
from opsverify.pgserver import reachable_by_all
from opsverify.probes.backups import IMPORTS as FOR_STORES
from opsverify.s3 import Keys, request
from opsverify.stores import NOUN

if TYPE_CHECKING:
    import httpx

IMPORTS = (*FOR_STORES, "httpx", "opsverify.pgserver")
"""What is imported before the looks start, and not in their threads."""

WITHIN_SECONDS = 5
REFUSED = frozenset({401, 403})
WARM = frozenset({"STANDARD", "REDUCED_REDUNDANCY", "EXPRESS_ONEZONE"})
"""Storage classes of S3 that are not cold."""
STATUS = re.compile(r"<Status>(\w+)</Status>")
LOCKED = re.compile(r"<ObjectLockEnabled>Enabled</ObjectLockEnabled>")


@dataclass(frozen=True, kw_only=True)
class Safety(Snapshot):
    """What is not safe of the stores."""

    exposed: tuple[str, ...]
    """What anybody can read."""
    unversioned: tuple[str, ...]
    """Buckets that neither keep versions nor lock objects."""
    warm: tuple[str, ...]
    """Backups that are to be cold and are not."""


@dataclass
class _Findings:
    exposed: list[str] = field(default_factory=list)
    unversioned: list[str] = field(default_factory=list)
    warm: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


def safety(environment: Environment, backups: Backups) -> Safety:
    """Ask each store as its owner, and as nobody.

    Raises:
        CouldNotLook: one does not answer, or does not say it.
    """
    seen = _Findings()
    for store, newest, cold in _stores(environment, backups):
        if store.is_bucket:
            _bucket(environment, store, newest, cold, seen)
        else:
            _folder(environment, store, newest, seen)
    return Safety(
        where=", ".join(sorted({store.at for store, _, _ in _stores(environment, backups)})),
        exposed=tuple(seen.exposed),
        unversioned=tuple(seen.unversioned),
        warm=tuple(seen.warm),
        evidence=(Evidence("stores", "\n".join(seen.said)),),
    )


def _stores(environment: Environment, backups: Backups) -> list[tuple[Store, Backup | None, bool]]:
    """Each kind's store, the newest backup in it, and whether that is to be cold."""
    now = datetime.now(UTC)
    return [
        (backups.store_of(kind), found(environment, kind, now).newest, kind.cold) for kind in backups.kinds
    ]


def _folder(environment: Environment, store: Store, newest: Backup | None, seen: _Findings) -> None:
    """A folder is read by who can get there and whom the file's mode lets."""
    folder = environment.beside(store.folder)
    if newest is None:
        return
    file = folder / newest.parts[0].name
    mode = file.stat().st_mode
    open_to_all = bool(mode & stat.S_IROTH) and reachable_by_all(file.parent)
    seen.said.append(f"{one_line(newest.name)}: {stat.filemode(mode)}, every user gets there: {open_to_all}")
    if open_to_all:
        seen.exposed.append(f"{one_line(newest.name)}: every user of the machine can read it")


def _bucket(
    environment: Environment, store: Store, newest: Backup | None, cold: bool, seen: _Findings
) -> None:
    import httpx

    address = store.endpoint or f"https://s3.{store.region}.amazonaws.com"
    bucket = f"{address}/{store.bucket}"
    keys = keys_of(environment, store)
    prefix = f"{store.prefix}/" if store.prefix else ""
    listing = {"list-type": "2", "max-keys": "1", "prefix": prefix}
    try:
        with httpx.Client(timeout=WITHIN_SECONDS, trust_env=False) as client:
            ask = _Asker(client, store.region, seen)
            _refused(ask, "listing", bucket, listing, seen)
            if newest is not None:
                _refused(ask, newest.name, f"{bucket}/{prefix}{newest.parts[0].name}", {}, seen)
            if keys is None:
                return
            if not _kept(ask, bucket, keys):
                phrase = f"{one_line(store.at)}: neither versions nor a lock are on"
                if phrase not in seen.unversioned:
                    seen.unversioned.append(phrase)
            if cold and newest is not None:
                answer = ask("HEAD", f"{bucket}/{prefix}{newest.parts[0].name}", {}, keys)
                storage = answer.headers.get("x-amz-storage-class", "STANDARD")
                if storage in WARM:
                    seen.warm.append(f"{one_line(newest.name)}: its storage class is {one_line(storage)}")
    except httpx.HTTPError as error:
        why = f"{one_line(bucket)} does not answer: {type(error).__name__}"
        raise CouldNotLook(NOUN, why) from None


class _Asker:
    """Asks a store, and keeps what it answered."""

    def __init__(self, client: httpx.Client, region: str, seen: _Findings) -> None:
        self._client = client
        self._region = region
        self._seen = seen

    def __call__(self, method: str, url: str, query: dict[str, str], keys: Keys | None) -> httpx.Response:
        charge(requests=1)
        answer = request(self._client, method, url, keys=keys, region=self._region, query=query)
        who = "anonymous" if keys is None else "with the key"
        what = "&".join(query) if query else ""
        self._seen.said.append(one_line(f"{method} {url}?{what} {who}: {answer.status_code}"))
        return answer


def _refused(ask: _Asker, what: str, url: str, query: dict[str, str], seen: _Findings) -> None:
    answer = ask("GET" if query else "HEAD", url, query, None)
    if answer.status_code in REFUSED:
        return
    if answer.is_success:
        seen.exposed.append(f"{one_line(what)}: anybody can read it ({one_line(url)})")
        return
    raise CouldNotLook(NOUN, f"an anonymous request was answered {answer.status_code}, neither yes nor no")


def _kept(ask: _Asker, bucket: str, keys: Keys) -> bool:
    """Whether what is overwritten or deleted in a bucket stays."""
    answer = ask("GET", bucket, {"versioning": ""}, keys)
    if not answer.is_success:
        why = f"{one_line(bucket)} does not say whether versions are on: {answer.status_code}"
        raise CouldNotLook(NOUN, why, remedy="The key needs s3:GetBucketVersioning.")
    status = STATUS.search(answer.text)
    if status is not None and status[1] == "Enabled":
        return True
    return bool(LOCKED.search(ask("GET", bucket, {"object-lock": ""}, keys).text))


def keys_of(environment: Environment, store: Store) -> Keys | None:
    """The keys of a store; None when it is asked anonymously.

    Raises:
        CouldNotLook: a variable is unset.
    """
    if store.access_key_from is None or store.secret_key_from is None:
        return None

    def value(name: str) -> str:
        return environment.secrets.require(name, of=NOUN).get_secret_value()

    token = store.session_token_from
    return Keys(value(store.access_key_from), value(store.secret_key_from), value(token) if token else None)
