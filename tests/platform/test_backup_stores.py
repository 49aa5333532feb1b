"""Backups in a real object store: listed, read and judged; what refuses or breaks off is said plainly."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from opsverify.environment import Environment, Store
from opsverify.loading import load
from opsverify.looking import CouldNotLook
from opsverify.stores import PIECE, Bucket, Stored, listing, place_of
from reference_platform import s3
from reference_platform.faults import FAULTS
from reference_platform.faults.red import collected, expected
from reference_platform.lifecycle import down, up
from reference_platform.state import Platform
from tests.platform.judging import judge

pytestmark = pytest.mark.skipif(
    s3.lacking() is not None and "CI" not in os.environ, reason=s3.lacking() or "it is here"
)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform with an object store."""
    state = tmp_path_factory.mktemp("stored") / "state"
    yield up(state, parts=["s3"])
    down(state)


@pytest.fixture(scope="module")
def judged(stored: Platform) -> Environment:
    """The environment that judges it."""
    return load(Path(stored.environment))


@pytest.fixture
def offsite(judged: Environment) -> Store:
    """Its object store."""
    assert judged.backups is not None
    return next(kind.store for kind in judged.backups.kinds if kind.store is not None)


@pytest.mark.parametrize("key", [key for key, fault in FAULTS.items() if fault.parts == {"s3"}])
def test_faults_of_the_store(stored: Platform, key: str) -> None:
    """Each turns its checks red and no other; all are good before and after."""
    checks = [
        check for check in collected(str(stored.environment)) if check["name"].startswith(("BAK-", "DEP-06"))
    ]
    fault = FAULTS[key]
    good = dict.fromkeys((check["name"] for check in checks if check["area"] == "backups"), "passed")
    assert judge(Path(stored.environment), ["backups"]) == good
    with fault.applied(stored):
        assert judge(Path(stored.environment), ["backups"]) == good | expected(fault, checks)
    assert judge(Path(stored.environment), ["backups"]) == good


def test_nothing_of_it_lies_about(stored: Platform) -> None:
    """Its sockets, which it puts elsewhere, are gone."""
    ports = {str(stored.settings.ports[name]) for name in s3.PORTS}
    left = [one for one in s3.SOCKETS.glob("seaweedfs-*.sock") if one.stem.rpartition("-")[2] in ports]
    assert left == []


def test_it_is_listed_and_read(judged: Environment, offsite: Store, stored: Platform) -> None:
    """What is in the bucket below the prefix is what lies in the folder."""
    found = listing(judged, offsite)
    assert len(found) == 5
    for one in found:
        text = b"".join(place_of(judged, offsite).pieces(one))
        assert text == (stored.backups / one.name).read_bytes()


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "wrong key": ({"access_key_from": "JWT_SECRET"}, "the key is refused"),
    "no key at all": ({"access_key_from": "REDIS_URL"}, "it answered 400 Bad Request"),
    "wrong secret": ({"secret_key_from": "JWT_SECRET"}, "the key is refused"),
    "no key": ({"access_key_from": None, "secret_key_from": None}, "the key is refused"),
    "no such bucket": ({"at": "s3://nobodys/midst"}, "there is no such bucket"),
    "nobody there": ({"endpoint": "http://127.0.0.1:9"}, "connection"),
    "unset": ({"access_key_from": "NOT_SET", "secret_key_from": "NOT_SET"}, "NOT_SET"),
}


@pytest.mark.parametrize(("change", "why"), REFUSED.values(), ids=REFUSED)
def test_what_refuses(judged: Environment, offsite: Store, change: dict[str, Any], why: str) -> None:
    """Is said in few words, with neither key nor secret."""
    with pytest.raises(CouldNotLook, match=why) as caught:
        listing(judged, offsite.model_copy(update=change))
    assert len(caught.value.why) < 200
    assert judged.secrets.require("JWT_SECRET", of="auth").get_secret_value() not in str(caught.value)


def test_a_store_that_goes_away_in_the_middle(judged: Environment, offsite: Store, stored: Platform) -> None:
    """The piece that is not had is not taken for the end."""
    s3.ask(stored, "PUT", f"{s3.PREFIX}/large", body=os.urandom(PIECE + 1000))
    place = place_of(judged, offsite)
    large = next(one for one in place.list() if one.name == "large")
    pieces = place.pieces(large)
    assert len(next(pieces)) == PIECE
    s3.ask(stored, "DELETE", f"{s3.PREFIX}/large")
    with pytest.raises(CouldNotLook, match="is not there"):
        list(pieces)


def test_an_object_that_is_replaced_by_a_shorter_one(
    judged: Environment, offsite: Store, stored: Platform
) -> None:
    """It is not the one that was listed."""
    s3.ask(stored, "PUT", f"{s3.PREFIX}/short", body=b"x" * 10)
    place = place_of(judged, offsite)
    listed = Stored("short", 1000, next(one for one in place.list() if one.name == "short").modified)
    with pytest.raises(CouldNotLook, match="was changed while it was read"):
        list(place.pieces(listed))
    s3.ask(stored, "DELETE", f"{s3.PREFIX}/short")


def test_a_folder_that_is_not_mounted(tmp_path: Path) -> None:
    """Says so, and what to do; a file that cannot be read, likewise."""
    from opsverify.stores import Folder

    with pytest.raises(CouldNotLook, match=r"there is no folder.*Mount the volume"):
        Folder(tmp_path / "volume").list()
    (tmp_path / "one").write_bytes(b"12345")
    place = Folder(tmp_path)
    (found,) = place.list()
    (tmp_path / "one").unlink()
    with pytest.raises(CouldNotLook, match="No such file"):
        list(place.pieces(found))


def test_keys_do_not_show(judged: Environment, offsite: Store) -> None:
    """Neither in what an error says nor in how a store prints."""
    place = place_of(judged, offsite)
    assert isinstance(place, Bucket)
    secret = judged.secrets.require("BACKUP_SECRET_KEY", of="backups").get_secret_value()
    assert secret not in repr(place)
    assert secret not in place.where
    assert judged.masker.mask(f"secret {secret}") != f"secret {secret}"
