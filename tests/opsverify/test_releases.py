"""Which release is meant, which one runs, and since when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opsverify.environment import Asked
from opsverify.loading import load
from opsverify.looking import CouldNotLook
from opsverify.probes.releases import start, version
from opsverify.records import coming, judged, running
from tests.opsverify.recordkeeping import NOW, People
from tests.opsverify.stub import Asked as Request
from tests.opsverify.stub import Told, serving

EARLIER = NOW - timedelta(hours=5)


@pytest.fixture
def people(tmp_path: Path) -> People:
    """v1 and then v2 were deployed, v3 is planned."""
    made = People(tmp_path / "state")
    deploy(made, "v1", EARLIER, previous="v0")
    deploy(made, "v2", EARLIER + timedelta(hours=1), previous="v1", commit="a" * 40)
    made.write("plan.toml", kind="deployment", state="planned", release="v3", when=NOW - timedelta(hours=1))
    return made


def deploy(people: People, release: str, at: datetime, *, state: str = "deployed", **more: object) -> None:
    """Put a deployment of a minute on record."""
    whole = {
        "state": state,
        "release": release,
        "when": at,
        "started": at,
        "ended": at + timedelta(minutes=1),
    }
    people.write(f"{release}-{state}.toml", kind="deployment", **(whole | more))


def test_the_newest_deployment_says_what_runs(people: People) -> None:
    """And the newest plan what is to come."""
    environment = people.environment()

    found = running(environment, NOW)
    assert (found.name, found.commit, found.previous) == ("v2", "a" * 40, "v1")
    assert coming(environment, NOW).name == "v3"


def test_after_a_rollback_the_release_before_runs(people: People) -> None:
    """The record of a rollback is that of the release taken back."""
    deploy(people, "v2", NOW - timedelta(minutes=30), state="rolled-back", previous="v1")

    assert running(people.environment(), NOW).name == "v1"


def test_a_deployment_that_failed_changes_nothing(people: People) -> None:
    """Neither what runs; but its plan is over."""
    deploy(people, "v3", NOW - timedelta(minutes=30), state="failed")
    environment = people.environment()

    assert running(environment, NOW).name == "v2"
    with pytest.raises(CouldNotLook, match="no deployment is planned"):
        coming(environment, NOW)


def test_a_record_that_does_not_count_says_nothing(people: People) -> None:
    """Whoever may not deploy cannot say what runs."""
    deploy(people, "v9", NOW - timedelta(minutes=30), who="stranger")

    rules = '[[records.rules]]\nkind = "deployment"\nby = ["ops"]\n'
    assert running(people.environment(rules), NOW).name == "v2"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (Asked("pre_deploy"), "v3"),
        (Asked("pre_deploy", release="v4"), "v4"),
        (Asked("post_deploy"), "v2"),
        (Asked("post_deploy", release="v1"), "v1"),
        (Asked("nightly"), "v2"),
    ],
)
def test_the_release_judged_follows_from_stage_and_option(
    people: People, asked: Asked, expected: str
) -> None:
    """Before a deployment the one to come, after it the one that runs; `--release` names either."""
    found = judged(load(people.environment().file, asked))

    assert found is not None
    assert found.name == expected


def test_nothing_on_record_is_said(tmp_path: Path) -> None:
    """With the way out."""
    environment = People(tmp_path / "state").environment()

    with pytest.raises(CouldNotLook, match=r"no deployment is on record.*--release=R"):
        running(environment, NOW)
    assert judged(environment) is None


IMAGES = {
    "ghcr.io/midst/api:v2": ("v2", ()),
    "ghcr.io/midst/api:v1": ("v1", ()),
    "localhost:5000/api:v2@sha256:" + "0" * 64: ("v2", ()),
    "localhost:5000/api": ("latest", ("latest",)),
    "ghcr.io/midst/api:Latest": ("Latest", ("Latest",)),
    "ghcr.io/midst/api:${TAG:-v2}": ("v2", ()),
}


@pytest.mark.parametrize(("image", "expected"), IMAGES.items())
def test_the_image_says_the_release(
    people: People, image: str, expected: tuple[str, tuple[str, ...]]
) -> None:
    """Its tag; none means another image tomorrow."""
    found = _of_image(people, f"    image: {image}\n")

    assert (found.release, found.floating) == expected
    assert found.deployed == "v2"


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("    build: .\n", "names no image for it"),
        (f"    image: api@sha256:{'0' * 64}\n", "pins it by digest only"),
        ("  x: [\n", "the service api cannot be read from compose.yml"),
    ],
)
def test_an_image_that_says_no_release_is_named(people: People, lines: str, why: str) -> None:
    """Nothing is assumed."""
    with pytest.raises(CouldNotLook, match=why):
        _of_image(people, lines)


def _of_image(people: People, lines: str):  # type: ignore[no-untyped-def]
    (people.folder / "compose.yml").write_text(f"services:\n  api:\n{lines}")
    environment = people.environment(
        '[compose]\nfile = "compose.yml"\n[[services]]\nname = "api"\nurl = "http://127.0.0.1:1"\n'
    )
    return version(environment, environment.services[0])


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, '{"build": {"tag": "v2"}}', "v2"),
        (200, '{"build": "v2"}', None),
        (200, "[" * 100_000, None),
        (200, '{"build": {"tag": 2}}', None),
        (404, '{"build": {"tag": "v2"}}', None),
    ],
)
def test_a_version_path_says_the_release(
    people: People, status: int, body: str, expected: str | None
) -> None:
    """At the field that the environment names; anything else is no answer."""
    with serving(lambda _: Told(status, body)) as url:
        environment = people.environment(
            f'[[services]]\nname = "api"\nurl = "{url}"\nversion = "/v"\nversion_field = "build.tag"\n'
        )
        if expected is None:
            with pytest.raises(CouldNotLook, match="its version path answers"):
                version(environment, environment.services[0])
        else:
            assert version(environment, environment.services[0]).release == expected


def _started(
    people: People, seconds: float, *, name: str = "api_process_start_time_seconds"
) -> tuple[str, ...]:
    def answer(_: Request) -> Told:
        return Told(200, f"# TYPE {name} gauge\n{name} {seconds}\n", {"content-type": "text/plain"})

    with serving(answer) as url:
        environment = people.environment(f'[[services]]\nname = "api"\nurl = "{url}"\n')
        return start(environment, environment.services[0]).unrecorded


def test_a_start_is_explained_by_a_deployment_or_a_restart(tmp_path: Path) -> None:
    """One that came after all that is on record is not."""
    people = People(tmp_path / "state")
    began = datetime.now(UTC) - timedelta(minutes=20)
    deploy(people, "v1", began)
    inside = (began + timedelta(seconds=30)).timestamp()
    after = began + timedelta(minutes=5)

    assert _started(people, inside) == ()
    assert len(_started(people, after.timestamp())) == 1

    written = {"what": "restart", "when": after + timedelta(minutes=2)}
    people.write("other.toml", service="web", **written)
    assert len(_started(people, after.timestamp())) == 1
    people.write("restart.toml", service="api", **written)
    assert _started(people, after.timestamp()) == ()
    assert len(_started(people, (after + timedelta(minutes=3)).timestamp())) == 1


@pytest.mark.parametrize(("seconds", "name"), [(0, "x_process_start_time_seconds"), (1e9, "up")])
def test_a_start_that_is_not_said_is_not_judged(people: People, seconds: float, name: str) -> None:
    """No figure, or none that is a time."""
    with pytest.raises(CouldNotLook, match="its metrics have no process_start_time_seconds"):
        _started(people, seconds, name=name)


def test_a_deployment_that_does_not_count_is_named(tmp_path: Path) -> None:
    """That none is on record would send its reader to look for a file that is there."""
    people = People(tmp_path / "state")
    for state, name in (("planned", "coming.toml"), ("deployed", "gone.toml")):
        people.write(name, kind="deployment", state=state, release="v2", started=NOW, ended=NOW)
    environment = people.environment('[[records.rules]]\nkind = "deployment"\nby = ["lead"]\n')

    with pytest.raises(CouldNotLook, match=r"is on record that counts \(gone.toml: ops may not write it"):
        running(environment, NOW)
    with pytest.raises(CouldNotLook, match=r"is planned that counts \(coming.toml: ops may not write it"):
        coming(environment, NOW)


def test_a_deployment_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """For it may be the one."""
    people = People(tmp_path / "state")
    (people.records / "gone.toml").write_text('kind = "deployment"\nwho = ')

    with pytest.raises(CouldNotLook, match=r"no deployment is on record \(gone.toml: not valid TOML"):
        running(people.environment(), NOW)
