"""CFG-05: flags of the release to come are exported, have an owner, and begin below 100 percent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from opsverify.environment import Asked
from opsverify.looking import CouldNotLook
from opsverify.probes.flags import rollout
from tests.opsverify.recording import planned, recorded, released

FLAGS = '[flags]\nexport = "flags.json"\n'
RELEASE = {"r.toml": released("v2", "v1", flags=["new"]), "p.toml": planned("v2")}


def wrong(folder: Path, export: str, records: Any = RELEASE, flags: str = FLAGS) -> tuple[str, ...]:
    """What CFG-05 finds."""
    (folder / "flags.json").write_text(export)
    environment = recorded(folder, records, flags, asked=Asked(stage="pre_deploy"))
    assert environment.flags is not None
    return rollout(environment, environment.flags).wrong


@pytest.mark.parametrize(
    ("flag", "found"),
    [
        ({"owner": "search", "percent": 0}, ()),
        ({"owner": "search", "percent": 5.5}, ()),
        ({"owner": "search", "percent": 99.99}, ()),
        ({"owner": "search", "percent": 100}, ("new is at 100 %",)),
        ({"owner": "search", "percent": 100.0}, ("new is at 100 %",)),
        (
            {"owner": "search", "percent": 101},
            ("new has 101 as percent, expected a number from 0 to 100",),
        ),
        ({"owner": "search", "percent": -1}, ("new has -1 as percent, expected a number from 0 to 100",)),
        (
            {"owner": "search", "percent": "50"},
            ("new has '50' as percent, expected a number from 0 to 100",),
        ),
        (
            {"owner": "search", "percent": True},
            ("new has True as percent, expected a number from 0 to 100",),
        ),
        (
            {"owner": "search", "percent": None},
            ("new has None as percent, expected a number from 0 to 100",),
        ),
        (
            {"owner": "search", "percent": float("nan")},
            ("new has no number as percent, expected a number from 0 to 100",),
        ),
        ({"owner": "search", "percent": [5]}, ("new has [5] as percent, expected a number from 0 to 100",)),
        ({"owner": "search"}, ("new has no percent",)),
        ({"owner": " ", "percent": 5}, ("new has no owner (owner)",)),
        ({"percent": 5}, ("new has no owner (owner)",)),
        ({"owner": ["search"], "percent": 100}, ("new has no owner (owner)", "new is at 100 %")),
        (50, ("new is no object with owner and percent",)),
        (True, ("new is no object with owner and percent",)),
    ],
)
def test_a_flag_begins_gradually(tmp_path: Path, flag: Any, found: tuple[str, ...]) -> None:
    """Below 100 percent, in a number, with somebody who answers for it."""
    assert wrong(tmp_path, json.dumps({"new": flag, "other": {"percent": 100}})) == found


def test_a_flag_that_is_not_exported_is_found(tmp_path: Path) -> None:
    """Whoever deploys the release could not turn it off."""
    assert wrong(tmp_path, "{}") == ("new is not in the export",)


def test_flags_of_an_export_lie_where_it_says(tmp_path: Path) -> None:
    """Below keys, under other names, with dots in a flag's own name."""
    flags = FLAGS + 'at = "data.0.flags"\nowner = "team"\npercent = "rollout"\n'
    records = RELEASE | {"r.toml": released("v2", "v1", flags=["a.b"])}
    export = {"data": [{"flags": {"a.b": {"team": "search", "rollout": 5}}}]}
    assert wrong(tmp_path, json.dumps(export), records, flags) == ()


@pytest.mark.parametrize(
    ("export", "why"),
    [
        ("{", "the export flags.json is no JSON"),
        ("", "the export flags.json is no JSON"),
        ("[" * 100_000, "the export flags.json is no JSON"),
        ('{"other": {}}', "the export flags.json: there is nothing at flags"),
        ('{"flags": []}', "the export flags.json at flags is no object of flags by name"),
    ],
)
def test_an_export_that_cannot_be_read_could_not_be_looked_at(tmp_path: Path, export: str, why: str) -> None:
    """Nothing is known of the flags then."""
    with pytest.raises(CouldNotLook) as refused:
        wrong(tmp_path, export, flags=FLAGS + 'at = "flags"\n')
    assert refused.value.why == why


def test_an_export_that_is_not_there_could_not_be_looked_at(tmp_path: Path) -> None:
    """The file is named."""
    with pytest.raises(CouldNotLook) as refused:
        wrong(tmp_path, "{}", flags='[flags]\nexport = "gone.json"\n')
    assert refused.value.why == "the export gone.json cannot be read: No such file or directory"


def test_a_release_without_flags_has_none_to_roll_out(tmp_path: Path) -> None:
    """One without a record has flags that nobody knows."""
    assert wrong(tmp_path, "{}", {"r.toml": released("v2", "v1"), "p.toml": planned("v2")}) == ()
    (tmp_path / "records" / "r.toml").unlink()
    assert wrong(tmp_path, "{}", {"p.toml": planned("v2")}) == ("v2: no record says which flags it has",)
