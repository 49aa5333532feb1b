"""Gaps and waivers: what they excuse, what they never do, and what happens after their end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.gate.gates import (
    METRICS,
    NOT_READY,
    PAST,
    POSTGRES,
    READY,
    REDIS,
    Answer,
    Platform,
    Target,
    excuse,
)

PAGE = Answer("<html>this is no exposition</html>")


def test_a_waiver_in_force_warns(target: Target, platform: Platform) -> None:
    """Failed with a waiver in force is waived: it warns, and the decision is go."""
    platform.says("/ready", NOT_READY)
    target.declare(excuse("waivers", check="HLT-02", subject="api"))
    run = target.gate()
    check = run.check(READY)
    assert (run.exit, check["outcome"], check["effect"]) == (0, "waived", "warn")
    assert check["waiver"] == {"reason": "known here", "owner": "ops", "until": "2099-12-31"}
    assert any(READY in warning for warning in run.verdict["warnings"])


def test_an_expired_waiver_excuses_nothing(target: Target, platform: Platform) -> None:
    """Past its end the check has failed and stops; the waiver's owner is named."""
    platform.says("/ready", NOT_READY)
    target.declare(excuse("waivers", check="HLT-02", until=PAST))
    run = target.gate()
    assert (run.exit, run.outcomes[READY]) == (1, "failed")
    assert any(PAST in warning and "ops" in warning for warning in run.verdict["warnings"])


def test_a_date_is_in_force_to_the_end_of_that_day(target: Target, platform: Platform) -> None:
    """A waiver until today (UTC) is in force; one until yesterday is not."""
    platform.says("/ready", NOT_READY)
    now = datetime.now(UTC)
    if now + timedelta(minutes=1) >= now.replace(hour=23, minute=59):
        pytest.skip("midnight UTC would fall into the test")
    target.declare(excuse("waivers", check="HLT-02", until=f"{now:%Y-%m-%d}"))
    assert target.gate().outcomes[READY] == "waived"
    target.declare(excuse("waivers", check="HLT-02", until=f"{now - timedelta(days=1):%Y-%m-%d}"))
    assert target.gate().outcomes[READY] == "failed"


def test_a_waiver_of_a_passing_check_is_to_be_removed(target: Target) -> None:
    """The check passes, and the warning says to remove its waiver."""
    target.declare(excuse("waivers", check="HLT-02"))
    run = target.gate()
    assert (run.exit, run.outcomes[READY]) == (0, "passed")
    assert any(READY in warning and "remove" in warning for warning in run.verdict["warnings"])


def test_no_blocker_is_waived_on_a_protected_environment(target: Target, platform: Platform) -> None:
    """On a protected environment the waiver of a blocker is refused: failed, stop."""
    platform.says("/ready", NOT_READY)
    target.declare(excuse("waivers", check="HLT-02"), protected=True)
    run = target.gate()
    assert (run.exit, run.outcomes[READY]) == (1, "failed")
    assert any(READY in warning and "refused" in warning for warning in run.verdict["warnings"])


def test_a_critical_check_may_be_waived_on_a_protected_environment(
    target: Target, platform: Platform
) -> None:
    """Below blocker a waiver holds everywhere."""
    platform.says("/metrics", PAGE)
    target.declare(excuse("waivers", check="HLT-03"), protected=True)
    run = target.gate()
    assert (run.exit, run.outcomes[METRICS]) == (0, "waived")


def test_lowering_a_blocker_does_not_make_it_waivable(target: Target, platform: Platform) -> None:
    """On a protected environment a severity can only be raised, so the waiver stays refused."""
    platform.says("/ready", NOT_READY)
    lowered = '[[severities]]\ncheck = "HLT-02"\nseverity = "normal"\nreason = "it is in the way"'
    target.declare(lowered, excuse("waivers", check="HLT-02"), protected=True)
    run = target.gate()
    assert (run.exit, run.check(READY)["severity"], run.outcomes[READY]) == (1, "blocker", "failed")


def test_only_what_failed_can_be_waived(target: Target) -> None:
    """Could not look is neither good nor bad, and no waiver covers it."""
    target.declare(
        '[postgres]\ndsn_from = "NOWHERE_SET"', excuse("waivers", check="HLT-05"), without=("redis",)
    )
    run = target.gate()
    assert (run.exit, run.outcomes["HLT-05[postgres]"]) == (1, "could_not_look")


def test_a_waiver_is_for_its_subject_only(target: Target, platform: Platform) -> None:
    """A waiver with a subject leaves the same check on another subject alone."""
    platform.says("/ready", NOT_READY)
    paths = 'health = "/health"\nready = "/ready"\nmetrics = false'
    second = f'[[services]]\nname = "web"\nurl = "{platform.url}"\n{paths}'
    target.declare(second, excuse("waivers", check="HLT-02", subject="web"))
    run = target.gate()
    assert (run.exit, run.outcomes[READY], run.outcomes["HLT-02[web]"]) == (1, "failed", "waived")


def test_a_gap_is_not_asked(target: Target, platform: Platform) -> None:
    """A check with a gap in force is listed as gap, and nothing is asked for it."""
    target.declare(excuse("gaps", check="HLT-03"))
    run = target.gate()
    assert (run.exit, run.outcomes[METRICS], platform.asked("/metrics")) == (0, "gap", 0)


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "spread"])
def test_an_expired_gap_could_not_look(target: Target, workers: tuple[str, ...]) -> None:
    """Past its end a gap is could not look, and stops as that does; its owner is named."""
    target.declare(excuse("gaps", without="postgres", until=PAST), without=("redis",))
    run = target.gate(*workers)
    check = run.check(POSTGRES)
    assert (run.exit, check["outcome"], check["effect"]) == (1, "could_not_look", "stop")
    assert PAST in check["message"]
    assert "ops" in check["remedy"]


def test_an_expired_gap_of_a_declared_noun_could_not_look(target: Target) -> None:
    """The same for a gap by check id, although the platform would answer."""
    target.declare(excuse("gaps", check="HLT-02", until=PAST))
    run = target.gate()
    assert (run.exit, run.outcomes[READY]) == (1, "could_not_look")


def test_none_declared_is_no_gap(target: Target) -> None:
    """A noun that is neither declared nor gapped could not be looked at: silence excuses nothing."""
    target.declare(without=("postgres",))
    run = target.gate()
    assert (run.exit, run.outcomes[REDIS]) == (1, "could_not_look")
    assert run.check(REDIS)["where"] == "the environment file"
