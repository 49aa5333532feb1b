"""Records: where they are read from, what counts by policy, and how forged ones are told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest

from opsverify.environment.people import RecordKind
from opsverify.looking import CouldNotLook
from opsverify.records import KINDS, BadRecord, book, parse
from tests.opsverify.recordkeeping import NOW, SIGNED, People


@pytest.fixture
def people(tmp_path: Path) -> People:
    """Two who may sign, in a folder with a space."""
    return People(tmp_path / "the state", "ops", "lead")


def why_not(people: People, rules: str = "", **about: str) -> str | None:
    """Why nothing that stands on record proves the rollback plan; None: something does."""
    return book(people.environment(rules)).proof("rollback plan", NOW, **about).missing


def test_what_is_on_record_is_found_whatever_its_spelling(people: People) -> None:
    """Dashes and capitals do not matter; the release does."""
    people.write("any/where.toml", what="Rollback-Plan", release="v1")

    assert why_not(people, release="v1") is None
    assert (
        why_not(people, release="v2") == "rollback plan: not on record for release v2 (only for release v1)"
    )


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ('by = ["lead"]', "ops may not write it (allowed: lead)"),
        ("holds_for_hours = 1", "it is 2.0 h old and holds for 1 h"),
        ('by = ["ops"]\nholds_for_hours = 3', None),
        ('what = "another item"\nby = ["lead"]', None),
        ('what = "ROLLBACK plan"\nby = ["lead"]', "ops may not write it (allowed: lead)"),
    ],
)
def test_policy_says_who_and_for_how_long(people: People, rule: str, expected: str | None) -> None:
    """Every rule that fits a record holds."""
    people.write("plan.toml", what="rollback plan")

    missing = why_not(people, f'[[records.rules]]\nkind = "attestation"\n{rule}\n')

    assert missing == (expected and f"rollback plan (plan.toml): {expected}")


def test_a_record_of_the_future_does_not_count(people: People) -> None:
    """Beyond what two clocks may differ."""
    people.write("plan.toml", what="rollback plan", when=NOW + timedelta(minutes=6))
    assert why_not(people) == "rollback plan (plan.toml): it lies in the future (2026-11-24 12:06 UTC)"

    people.write("plan.toml", what="rollback plan", when=NOW + timedelta(minutes=4))
    assert why_not(people) is None


def test_one_that_counts_is_enough(people: People) -> None:
    """A newer record that does not count takes nothing away from an older one that does."""
    people.write("good.toml", what="rollback plan", who="lead")
    people.write("newer.toml", what="rollback plan", who="stranger", when=NOW)

    assert why_not(people, '[[records.rules]]\nkind = "attestation"\nby = ["lead"]\n') is None


def test_a_record_for_another_environment_is_left_out(people: People) -> None:
    """One folder may serve several environments."""
    people.write("plan.toml", what="rollback plan", target="production")

    assert why_not(people) == "rollback plan: not on record"


def _unsigned(people: People) -> None:
    people.commit(by=None)


def _by_a_stranger(people: People) -> None:
    people.commit(by="stranger")


def _by_somebody_else(people: People) -> None:
    people.commit(by="lead")


def _not_committed(people: People) -> None:
    people.git("commit", "--quiet", "--allow-empty", "--message=x")


def _changed_afterwards(people: People) -> None:
    people.commit(by="ops")
    people.write("plan.toml", what="rollback plan", note="changed")


def _changed_and_staged(people: People) -> None:
    _changed_afterwards(people)
    people.git("add", "--all")


def _changed_by_a_later_commit(people: People) -> None:
    _changed_afterwards(people)
    people.commit(by=None)


def _replaced_in_git(people: People) -> None:
    """`git replace` shows a signed commit in place of one that is not."""
    people.commit(by="ops")
    signed = people.git("rev-parse", "HEAD")
    people.write("plan.toml", what="rollback plan", note="changed")
    people.commit(by=None)
    people.git("replace", "HEAD", signed)


def _verified_by_a_program_of_the_repository(people: People) -> None:
    """The repository's own configuration names a program that finds every signature good."""
    people.commit(by="stranger")
    liar = people.folder / "liar"
    liar.write_text(
        '#!/bin/sh\necho "Good \\"git\\" signature for ops with ED25519 key SHA256:abc"\nexit 0\n'
    )
    liar.chmod(0o755)
    people.git("config", "gpg.ssh.program", str(liar))
    people.git("config", "gpg.program", str(liar))


def _brings_its_own_signers(people: People) -> None:
    people.commit(by="stranger")
    own = people.records / "allowed"
    own.write_text(f"ops {people.public_key('stranger')}\n")
    people.git("config", "gpg.ssh.allowedSignersFile", str(own))


@pytest.mark.parametrize(
    ("forged", "why"),
    [
        (_unsigned, "it is not signed"),
        (_by_a_stranger, "its key is not among the allowed signers"),
        (_by_somebody_else, "it names ops and is signed by lead"),
        (_not_committed, "it is not committed"),
        (_changed_afterwards, "it was changed after it was committed"),
        (_changed_and_staged, "it was changed after it was committed"),
        (_changed_by_a_later_commit, "it is not signed"),
        (_replaced_in_git, "it is not signed"),
        (_verified_by_a_program_of_the_repository, "its key is not among the allowed signers"),
        (_brings_its_own_signers, "its key is not among the allowed signers"),
    ],
)
def test_a_forged_signature_does_not_count(
    people: People, forged: Callable[[People], None], why: str
) -> None:
    """Git verifies it by OpenSSH, with the environment's signers, and nothing of the repository's own."""
    people.write("plan.toml", what="rollback plan")
    forged(people)

    assert why_not(people, SIGNED) == f"rollback plan (plan.toml): {why}"


def _cut_off(people: People) -> str:
    """A shallow clone as CI makes it."""
    clone = people.folder / "clone"
    people.git("clone", "--quiet", "--depth=1", f"file://{people.records}".replace(" ", "%20"), str(clone))
    return 'folder = "clone"'


def _cut_off_by_hand(people: People) -> str:
    head = people.git("rev-parse", "HEAD")
    (people.records / ".git" / "shallow").write_text(f"{head}\n")
    return 'git = "records"\nbranch = "main"'


@pytest.mark.parametrize("cut", [_cut_off, _cut_off_by_hand])
def test_who_wrote_a_record_is_not_guessed_where_the_history_is_cut_off(
    people: People, cut: Callable[[People], str]
) -> None:
    """The oldest commit left seems to write every file: its signature says nothing about them."""
    people.write("plan.toml", what="rollback plan")
    people.commit(by=None)
    people.write("other.toml", what="another item")
    people.commit(by="ops")

    with pytest.raises(CouldNotLook, match=r"cut off .* who wrote plan.toml"):
        book(people.environment(SIGNED, where=cut(people))).proof("rollback plan", NOW)


def test_the_first_commit_of_a_whole_history_counts(people: People) -> None:
    """It has no parents of its own, and none is missing; a graft that takes a commit's away is no history."""
    people.write("plan.toml", what="rollback plan")
    people.commit(by="ops")
    people.write("changed.toml", what="another item")
    people.commit(by=None)
    people.write("later.toml", what="a third item")
    people.commit(by="ops")
    head = people.git("rev-parse", "HEAD")
    (people.records / ".git" / "info").mkdir(exist_ok=True)
    (people.records / ".git" / "info" / "grafts").write_text(f"{head}\n")

    pages = book(people.environment(SIGNED))

    assert pages.proof("rollback plan", NOW).missing is None
    assert pages.proof("another item", NOW).missing == "another item (changed.toml): it is not signed"


@pytest.mark.parametrize("line", ["lead,ops {}", "lead {}\nops {}", '"lead,ops" namespaces="git" {}'])
def test_one_key_may_be_of_several_roles(people: People, line: str) -> None:
    """Git names the first; a third role is none of them."""
    (people.folder / "allowed").write_text(line.replace("{}", people.public_key("ops")) + "\n")
    people.write("plan.toml", what="rollback plan")
    people.write("other.toml", what="another item", who="third")
    people.commit(by="ops")

    pages = book(people.environment(SIGNED))

    assert pages.proof("rollback plan", NOW).missing is None
    assert "it names third and is signed by lead" in (pages.proof("another item", NOW).missing or "")


def test_settings_of_git_that_change_what_it_prints_do_no_harm(people: People) -> None:
    """Such as people who sign tend to have."""
    people.write("plan.toml", what="rollback plan")
    people.commit(by="ops")
    for setting in ("log.showSignature=true", "log.decorate=full", "i18n.logOutputEncoding=UTF-16"):
        people.git("config", *setting.split("="))

    assert why_not(people, SIGNED) is None


def test_a_signed_record_counts(people: People) -> None:
    """Also when others were committed after it, unsigned."""
    people.write("plan.toml", what="rollback plan")
    people.commit(by="ops")
    people.write("other.toml", what="another item")
    people.commit(by=None)

    assert why_not(people, SIGNED) is None


def test_a_key_that_was_withdrawn_signs_nothing_new(people: People) -> None:
    """The file of signers can say until when a key is good."""
    signers = people.folder / "allowed"
    signers.write_text(f'ops valid-before="20261101" {people.public_key("ops")}\n')
    people.write("plan.toml", what="rollback plan")
    people.commit(by="ops")

    assert why_not(people, SIGNED) is not None


def test_records_outside_git_are_not_signed(tmp_path: Path) -> None:
    """A folder that lies in no repository cannot hold what has to be signed."""
    people = People(tmp_path / "state", "ops")
    (people.records / ".git").rename(tmp_path / "gone")
    people.write("plan.toml", what="rollback plan")

    missing = why_not(people, SIGNED)

    assert missing == "rollback plan (plan.toml): it lies in no git repository, so nothing is signed"


def test_signatures_need_the_file_of_signers(people: People) -> None:
    """Without it nobody's signature can be judged."""
    people.write("plan.toml", what="rollback plan")
    people.commit(by="ops")
    (people.folder / "allowed").unlink()

    with pytest.raises(CouldNotLook, match="the file of allowed signers allowed is not there"):
        why_not(people, SIGNED)


@pytest.mark.parametrize("bare", [False, True])
def test_records_are_read_from_a_commit(people: People, tmp_path: Path, bare: bool) -> None:
    """What the branch holds counts; what lies about in the working copy does not."""
    people.write("kept/ümlaut plan.toml", what="rollback plan")
    people.write("elsewhere.toml", what="another item")
    people.commit(by="ops")
    people.write("kept/uncommitted.toml", what="another item")
    where = people.records
    if bare:
        where = tmp_path / "bare one.git"
        people.git("clone", "--quiet", "--bare", str(people.records), str(where))
    source = f'git = "{where}"\nbranch = "main"\nunder = "kept"'

    pages = book(people.environment(SIGNED, where=source))

    assert pages.proof("rollback plan", NOW).missing is None
    assert pages.proof("another item", NOW).missing == "another item: not on record"


def test_records_are_cloned_from_an_address(people: People) -> None:
    """As from a forge; the clone goes when it is not needed any more."""
    people.write("plan.toml", what="rollback plan")
    people.commit(by="ops")

    pages = book(
        people.environment(SIGNED, where=f'git = "file://{people.records.as_posix().replace(" ", "%20")}"')
    )

    assert pages.proof("rollback plan", NOW).missing is None


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ('folder = "nowhere"', "there is no folder nowhere"),
        ('git = "nowhere"', "there is no folder nowhere"),
        ('git = "keys"', "keys is no git repository"),
        ('git = "records"\nbranch = "gone"', "records has no gone"),
        ('git = "https://127.0.0.1:1/records.git"', "https://127.0.0.1:1/records.git cannot be cloned"),
    ],
)
def test_a_place_that_is_none_is_named(people: People, where: str, why: str) -> None:
    """What could not be read, and nothing of an address's credentials."""
    people.git("commit", "--quiet", "--allow-empty", "--message=x")
    with pytest.raises(CouldNotLook, match=why):
        book(people.environment(where=where))


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("kind = 1", "r.toml: kind: unknown 1, expected the kind of the record"),
        ("", "r.toml: kind: missing, expected the kind of the record"),
        ('kind = "deploymnt"', "did you mean 'deployment'?"),
        ('kind = "drill"\nwho = "x"\nwhen = 2026-01-01\nresult = "passed"', "r.toml: when: expected"),
        (
            'kind = "drill"\nwho = "x"\nwhen = 2026-01-01T00:00:00\nresult = "passed"',
            "r.toml: when: expected a time with its zone",
        ),
        (
            'kind = "drill"\nwho = " "\nwhen = 2026-01-01T00:00:00Z\nresult = "passed"\nresuld = 1',
            "r.toml: resuld: unknown key (did you mean 'result'?)",
        ),
        ('kind = "drill"\nwho = " "', "r.toml: who: expected who answers for it"),
        ('kind = "drill"\nwhat = " "', "r.toml: what: expected some text"),
        ('kind = "drill"\nwhen = "2026-01-01T10:00"', "r.toml: when: expected a time with its zone (2027"),
        ('kind = "drill"\nwhen = "yesterday"', "r.toml: when: expected a time with its zone (2027"),
        ("a = [", "r.toml: not valid TOML"),
        ("\xff", "r.toml: not valid TOML"),
        ("x = " + "[" * 5000, "r.toml: not valid TOML"),
        ("#" * 300_000, "r.toml: 300,000 bytes, expected a record of at most 262,144"),
    ],
)
def test_a_bad_record_says_what_to_mend(text: str, finding: str) -> None:
    """File, key, what was expected, and the nearest key."""
    with pytest.raises(BadRecord) as error:
        parse(text.encode("latin-1"), "r.toml")

    assert finding in str(error.value)


def test_the_name_of_a_file_is_text_of_somebody_else(people: People) -> None:
    """Nothing in it steers a terminal, or breaks a line."""
    people.write("a\n\x1b[31mplan.toml", what="rollback plan")
    people.commit(by=None)
    (people.records / "b\n\x1b[32m.toml").write_text("=")

    pages = book(people.environment(SIGNED))
    said = " ".join([pages.proof("rollback plan", NOW).missing or "", *pages.bad])

    assert "not signed" in said
    assert "not valid TOML" in said
    assert said.isprintable()


def test_a_bad_file_does_not_hide_the_others(people: People) -> None:
    """It is named where a record is missing, for it may be the one."""
    people.write("plan.toml", what="rollback plan")
    (people.records / "broken.toml").write_text("kind = 'window'")
    (people.records / "link.toml").symlink_to("/etc/passwd")
    (people.records / "README.md").write_text("# How to write records\n")

    pages = book(people.environment())

    assert pages.proof("rollback plan", NOW).missing is None
    assert {line.partition(":")[0] for line in pages.bad} == {"broken.toml"}
    assert "broken.toml" in (pages.proof("something else", NOW).missing or "")


def test_a_rule_can_be_about_every_kind_of_record() -> None:
    """But the override, which the policy of its stage allows or not."""
    assert {*get_args(RecordKind), "override"} == set(KINDS)
