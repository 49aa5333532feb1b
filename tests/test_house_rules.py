"""The layers hold, checks are as checks should be, and the rules themselves catch what they should."""

from __future__ import annotations

import pytest

from tests.house_rules import MAY_IMPORT, ROOT, breaches, files


@pytest.mark.parametrize("layer", [layer for layer in MAY_IMPORT if (ROOT / layer).is_dir()])
def test_layer_keeps_the_rules(layer: str) -> None:
    """No file of a layer imports what its layer may not, and no check holds more than a judgement."""
    assert files(layer) != []
    found = {str(file.relative_to(ROOT)): breaches(layer, file.read_text()) for file in files(layer)}
    assert {file: phrases for file, phrases in found.items() if phrases} == {}


@pytest.mark.parametrize(
    ("layer", "source", "phrase"),
    [
        ("checks", "import httpx", "a check imports httpx"),
        ("checks", "from fixtures.looks import look", "checks imports fixtures.looks.look"),
        ("checks", "from opsverify.probes import web", None),
        ("checks", "import datetime, pytest", None),
        ("reports", "def later():\n    import fixtures.gate", "reports imports fixtures.gate"),
        ("reports", "from opsverify.check import Stage", None),
        (
            "fixtures",
            "from checks.health import test_services",
            "fixtures imports checks.health.test_services",
        ),
        ("reference_platform", "from opsverify.environment import Environment", None),
        ("reference_platform", "from opsverify.looking import Look", "imports opsverify.looking.Look"),
        ("reference_platform", "from opsverify import environment", None),
        ("src/opsverify", "import pytest", "the nouns import pytest"),
        ("src/opsverify", "from reports.run import Run", "src/opsverify imports reports.run.Run"),
        (
            "checks",
            "def test_a(x):\n    try:\n        assert x == 1\n    except OSError:\n        raise",
            "a try",
        ),
        ("checks", "def test_a(x):\n    assert x.ok", "an assert that compares nothing"),
        ("checks", "def test_a(x):\n    assert x.seconds <= 2", "a limit as a literal"),
        ("checks", "def test_a(x, limits):\n    assert x.seconds <= limits.seconds", None),
        ("checks", "def helper(x):\n    assert x == 1", "a helper in a check file"),
        ("checks", "def test_a(x):\n    x.look()", "a check that asserts nothing"),
    ],
)
def test_rules_catch_a_breach(layer: str, source: str, phrase: str | None) -> None:
    """A breach is found by its phrase; what is allowed is not."""
    found = breaches(layer, source)
    if phrase is None:
        assert found == []
    else:
        assert any(phrase in one for one in found), found
