"""A check's metadata is validated, and says what is wrong with it."""

from __future__ import annotations

import pytest

from opsverify.check import STAGES, BadMarker, check_name, graver, metadata_of, title_of

GOOD: dict[str, object] = {
    "id": "HLT-02",
    "runbook": "post-deployment-checklist",
    "severity": "blocker",
    "stages": ["post_deploy"],
    "remedy": "Read the log.",
}


def test_a_good_marker_is_accepted() -> None:
    """What is left out has its default: a check writes nothing."""
    assert metadata_of(GOOD).mutates is False


@pytest.mark.parametrize(
    ("wrong", "phrase"),
    [
        ({"id": "HLT2"}, "id: "),
        ({"runbook": "post-deploymnt-checklist"}, "did you mean 'post-deployment-checklist'?"),
        ({"severity": "fatal"}, "severity: "),
        ({"stages": ["postdeploy"]}, "stages.0: "),
        ({"stages": []}, "stages: "),
        ({"remedy": ""}, "remedy: "),
        ({"extra": 1}, "extra: "),
    ],
)
def test_a_wrong_marker_is_refused(wrong: dict[str, object], phrase: str) -> None:
    """The error names the keyword, and the nearest section for an unknown anchor."""
    with pytest.raises(BadMarker) as refused:
        metadata_of(GOOD | wrong)
    assert phrase in str(refused.value)


def test_a_missing_keyword_is_refused() -> None:
    """Nothing that the gate needs has a silent default."""
    for keyword in GOOD:
        with pytest.raises(BadMarker, match=keyword):
            metadata_of({name: value for name, value in GOOD.items() if name != keyword})


def test_the_title_is_the_docstrings_first_paragraph() -> None:
    """It is the sentence that the report shows, on one line."""
    assert title_of("Every service\n    answers.\n\n    More.") == "Every service answers."
    with pytest.raises(BadMarker):
        title_of("  ")


def test_names_and_severities() -> None:
    """A check has one name everywhere; blocker is graver than critical, critical than normal."""
    assert check_name("HLT-02", "api") == "HLT-02[api]"
    assert check_name("MNT-01", None) == "MNT-01"
    assert graver("normal", "critical") == "critical"
    assert graver("blocker", "critical") == "blocker"
    assert len(set(STAGES)) == 13
