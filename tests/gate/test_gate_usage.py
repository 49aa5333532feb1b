"""What is refused, with exit 4 and no GATE line, and what only looks at itself."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.gate.gates import GOOD_ANSWERS, Platform, Target, excuse


@pytest.mark.parametrize("option", ["--plan", "--collect-only"])
def test_plan_asks_nothing(target: Target, platform: Platform, option: str) -> None:
    """`--plan` and `--collect-only` exit 0, print no GATE line, make no report and ask nothing."""
    run = target.start(option).wait()
    assert run.exit == 0, run.err
    assert [line for line in run.out if line.startswith("GATE")] == []
    assert not target.report.exists()
    assert sum(platform.asked(path) for path in GOOD_ANSWERS) == 0


@pytest.mark.parametrize("option", ["--alluredir", "--junitxml"])
def test_reports_lie_in_the_report_folder(target: Target, tmp_path: Path, option: str) -> None:
    """A gate run takes no other place for Allure results or JUnit: exit 4, and nothing is made."""
    elsewhere = tmp_path / "elsewhere"
    target.gate(f"{option}={elsewhere}").must_have_refused("--report")
    assert not elsewhere.exists()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (
            b"schema = 1\nname = 'x'\nprotected = false\n[limits]\nhealth_at_most_second = 2\n",
            "health_at_most_second",
        ),
        (b"schema = 1\nname = 'x'\n", "protected"),
        (b"schema = [", "TOML"),
        (b"\xff\xfe", "UTF-8"),
        (None, "no such file"),
    ],
    ids=["misspelt key", "missing key", "no TOML", "no text", "no file"],
)
def test_a_bad_environment_file_is_refused_at_once(target: Target, text: bytes | None, word: str) -> None:
    """Exit 4 within a second, the file and the key named, no GATE line, no report."""
    if text is None:
        target.file.unlink()
    else:
        target.file.write_bytes(text)
    took = []
    for _ in range(3):  # a machine under load may need a second try
        began = time.monotonic()
        run = target.gate()
        took.append(time.monotonic() - began)
        run.must_have_refused(str(target.file), word)
        if took[-1] < 1:
            break
    assert min(took) < 1
    assert not target.report.exists()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (excuse("gaps", check="HLT-20"), ["HLT-20", "did you mean"]),
        (excuse("gaps", without="grafanna"), ["grafanna", "grafana"]),
        (excuse("gaps", without="services"), ["services", "declared"]),
        (excuse("gaps", check="HLT-02", subject="apu"), ["apu", "api"]),
        (excuse("waivers", check="HLT-99"), ["HLT-99"]),
    ],
    ids=["unknown id", "unknown noun", "declared and gapped", "unknown subject", "unknown waived id"],
)
def test_an_excuse_for_what_does_not_exist_is_refused(target: Target, table: str, words: list[str]) -> None:
    """A gap or waiver that names nothing would excuse nothing, or too much: exit 4, nearest name given."""
    target.declare(table)
    target.gate().must_have_refused(*words)


def test_a_plan_refuses_an_excuse_for_what_does_not_exist(target: Target) -> None:
    """`--plan` too: it is there to find such things before they cost a gate."""
    target.declare(excuse("waivers", check="HLT-99"))
    target.gate("--plan").must_have_refused("HLT-99")


def test_an_unknown_stage_is_refused(target: Target) -> None:
    """Exit 4, with the nearest stage, and no report."""
    target.gate(stage="post_deplpy").must_have_refused("post_deploy")
    assert not target.report.exists()


@pytest.mark.parametrize(
    "option", ["--deadline=0", "--deadline=nan", "--settle=-1", "--no-such-option", "gone/"]
)
def test_a_bad_option_is_refused(target: Target, option: str) -> None:
    """Exit 4 and no GATE line; also for a path that does not exist."""
    target.gate(option).must_have_refused()


def test_a_folder_that_is_no_report_is_left_alone(target: Target) -> None:
    """A non-empty folder that is no report folder: exit 4, and nothing in it is touched."""
    (target.report / "results").mkdir(parents=True)
    precious = target.report / "results" / "thesis.txt"
    precious.write_text("years of work", encoding="utf-8")
    target.gate().must_have_refused(str(target.report), "--report")
    assert sorted(target.report.rglob("*")) == [precious.parent, precious]
    assert precious.read_text(encoding="utf-8") == "years of work"


def test_a_report_folder_that_is_a_file_is_refused(target: Target) -> None:
    """A file in the report folder's place: exit 4, and the file is as it was."""
    target.report.write_text("mine", encoding="utf-8")
    target.gate().must_have_refused(str(target.report))
    assert target.report.read_text(encoding="utf-8") == "mine"
