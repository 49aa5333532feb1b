"""Environment files: the examples are well formed, and a bad one is refused with what to mend."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from opsverify.environment import NOUNS, Environment, end_of
from opsverify.loading import BadEnvironment, find, load

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "environments").glob("*.toml"))

WELL_FORMED = """\
schema = 1
name = "mine"
protected = false
[[services]]
name = "api"
url = "http://127.0.0.1:3001/"
"""


PATHS = 'url = "http://b:1"\nhealth = "/h"\nready = false\nmetrics = false\n'


def written(folder: Path, text: str) -> Path:
    """An environment file with this text."""
    file = folder / "mine.toml"
    file.write_text(text)
    return file


def findings(folder: Path, text: str) -> list[str]:
    """What `load` says about a bad file, without the file's name."""
    file = written(folder, text)
    with pytest.raises(BadEnvironment) as refused:
        load(file)
    lines = str(refused.value).splitlines()
    assert all(line.startswith(f"{file}: ") for line in lines)
    return [line.removeprefix(f"{file}: ") for line in lines]


RULE = '[records]\nfolder = "records"\n[[records.rules]]\n'


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_example_is_well_formed(file: Path) -> None:
    """Every file in environments/ validates, and is named as its file is."""
    assert load(file).name == file.stem


def test_there_are_four_examples() -> None:
    """The examples are the four that the documentation names; production is protected."""
    assert [file.stem for file in EXAMPLES] == ["compose", "local", "production", "staging"]
    assert [file.stem for file in EXAMPLES if load(file).protected] == ["production"]


def test_a_short_file_has_the_runbooks_values(tmp_path: Path) -> None:
    """Paths and limits that a file leaves out are the runbook's."""
    environment = load(written(tmp_path, WELL_FORMED))
    api = environment.services[0]
    assert api.address(api.health) == "http://127.0.0.1:3001/health"
    assert api.address(api.metrics) == "http://127.0.0.1:3001/metrics"
    assert environment.limits.health_at_most_seconds == 2
    assert environment.limits.connections_at_most_percent == 90
    assert environment.settle_seconds("post_deploy") == 60
    assert environment.settle_seconds("nightly") == 0
    assert environment.valid_for("post_deploy").total_seconds() == 30 * 60


def test_kubernetes_gets_ten_minutes_to_settle(tmp_path: Path) -> None:
    """Where Kubernetes rolls out, the platform may take as long as its rollout may."""
    environment = load(written(tmp_path, WELL_FORMED + '[kubernetes]\nnamespace = "x"\n'))
    assert environment.settle_seconds("post_deploy") == 600


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("schema = 1\nname = ", "not valid TOML: Invalid value (at end of document)"),
        ('schema = 1\nname = "mine"\n', "protected: missing, expected true (production"),
        ('schema = 2\nname = "mine"\nprotected = true\n', "schema: expected 1"),
        (WELL_FORMED + 'helth = "/h"\n', "services.api.helth: unknown key (did you mean 'health'?)"),
        (WELL_FORMED + "[limits]\nhealth_at_most_secs = 1\n", "did you mean 'health_at_most_seconds'?"),
        (
            WELL_FORMED + "[limits]\nhealth_at_most_seconds = 0\n",
            "limits.health_at_most_seconds: expected greater",
        ),
        (WELL_FORMED + "[zzz]\n", "zzz: unknown key (known here: access, auth"),
        (
            WELL_FORMED + '[[services]]\nname = "worker"\nurl = "http://w:1"\n',
            'services.worker.health: missing, expected a path such as "/health", or false',
        ),
        (WELL_FORMED.replace("http:", "ftp:"), "services.api.url: expected an http:// or https:// address"),
        (WELL_FORMED.replace('url = "http://127.0.0.1:3001/"', ""), "services.api.url: missing"),
        (WELL_FORMED + 'needs = ["postgress"]\n', "unknown 'postgress' (did you mean 'postgres'?)"),
        (WELL_FORMED + '[[services]]\nname = "api"\nurl = "http://a:1"\n', "the name 'api' stands twice"),
        (
            WELL_FORMED
            + '[[gaps]]\nwithout = "redis"\nreason = "x"\nowner = "y"\nuntil = 2027-01-01T10:00:00\n',
            "gaps.#1.until: expected a date (2027-03-31) or a time with its zone",
        ),
        (
            WELL_FORMED + '[[gaps]]\nwithout = "redis"\nreason = "x"\nuntil = 2027-01-01\n',
            "gaps.#1.owner: missing",
        ),
        (
            WELL_FORMED + '[[gaps]]\nreason = "x"\nowner = "y"\nuntil = 2027-01-01\n',
            "gaps.#1: expected either 'without' (a noun) or 'check' (an id)",
        ),
        (
            WELL_FORMED + '[[waivers]]\ncheck = "HLT2"\nreason = "x"\nowner = "y"\nuntil = 2027-01-01\n',
            "waivers.#1.check: expected the id of a check, such as HLT-02",
        ),
        (
            WELL_FORMED + 'replicas = ["http://a:1"]\n[[services]]\nname = "api.1"\n' + PATHS,
            "the name 'api.1' stands twice",
        ),
        (WELL_FORMED + '[[services]]\nname = "none-declared"\n' + PATHS, "'none-declared' is the name of"),
        (WELL_FORMED.replace("= false", '= "false"'), "protected: expected true (production"),
        (WELL_FORMED.replace("3001/", "3001/?token=x"), "expected an address without ? and #"),
        (WELL_FORMED + "[limits]\nhealth_at_most_seconds = inf\n", "limits.health_at_most_seconds: expected"),
        (
            WELL_FORMED + RULE + 'kind = "atestation"\n',
            "unknown 'atestation', expected the kind of a",
        ),
        (WELL_FORMED + RULE + 'kind = "deployment"\nwhat = "x"\n', "only attestations have an item"),
        ("a = " + "[" * 100_000, "nested too deeply"),
    ],
)
def test_a_bad_file_is_refused_with_what_to_mend(tmp_path: Path, text: str, finding: str) -> None:
    """The error names file, key, what was expected, and the nearest key that exists."""
    assert [one for one in findings(tmp_path, text) if finding in one] != []


def test_all_findings_come_at_once(tmp_path: Path) -> None:
    """A file with several mistakes is mended in one go."""
    text = WELL_FORMED.replace("protected = false", "protectd = false") + "[limits]\nx = 1\n"
    assert len(findings(tmp_path, text)) == 3


@pytest.mark.parametrize(
    "text",
    [
        WELL_FORMED + '[postgres]\ndsn_from = "postgresql://user:s3cr3t-pw@host/db"\n',
        WELL_FORMED.replace("127.0.0.1", "user:s3cr3t-pw@127.0.0.1"),
        WELL_FORMED + '[redis]\nurl_from = "redis://:s3cr3t-pw@host"\n',
    ],
)
def test_a_secret_in_the_wrong_place_is_not_repeated(tmp_path: Path, text: str) -> None:
    """A value that should not stand in the file is refused without being shown."""
    assert "s3cr3t-pw" not in "\n".join(findings(tmp_path, text))


@pytest.mark.parametrize("raw", [b"\xff\xfe\x00", b"name = '\xe9'"])
def test_bytes_that_are_no_text_are_refused(tmp_path: Path, raw: bytes) -> None:
    """A file that is not UTF-8 is named as such."""
    file = tmp_path / "mine.toml"
    file.write_bytes(raw)
    with pytest.raises(BadEnvironment, match="is not UTF-8"):
        load(file)


def test_an_environment_is_found_by_name_or_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a slash or .toml it is a path from the current folder, else a name."""
    file = written(tmp_path, WELL_FORMED)
    monkeypatch.chdir(tmp_path)
    assert find("mine", tmp_path) == file
    assert find("mine.toml", ROOT) == file
    assert find("./other", ROOT) == tmp_path / "other"
    with pytest.raises(BadEnvironment, match="did you mean 'mine'"):
        find("mne", tmp_path)


def test_a_day_ends_at_its_end_in_utc() -> None:
    """A date is in force to the end of that day UTC, a time to that time."""
    assert end_of(datetime(2026, 12, 31, tzinfo=UTC).date()) == datetime(2027, 1, 1, tzinfo=UTC)
    moment = datetime.fromisoformat("2026-12-31T06:00:00+02:00")
    assert end_of(moment) == datetime(2026, 12, 31, 4, tzinfo=UTC)


def test_for_ever_is_a_date_too() -> None:
    """The last day there is, and the first, with a zone that leads beyond them."""
    assert end_of(date(9999, 12, 31)) == datetime.max.replace(tzinfo=UTC)
    assert end_of(datetime.fromisoformat("0001-01-01T00:00:00+05:00")) == datetime.min.replace(tzinfo=UTC)


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    """Some editors write one."""
    file = tmp_path / "mine.toml"
    file.write_text(WELL_FORMED, encoding="utf-8-sig")
    assert load(file).name == "mine"


def test_every_noun_is_a_table_or_part_of_one() -> None:
    """A gap may name what the environment model can declare; no noun is misspelt."""
    parts = {"grafana", "loki", "neon", "public_url"}
    tables = set(Environment.model_fields)
    assert set(NOUNS) - tables == parts
