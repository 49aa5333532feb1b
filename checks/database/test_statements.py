from __future__ import annotations

import pytest

from opsverify.probes.database.statements import Logging, Statements


@pytest.mark.check(
    id="DB-07",
    runbook="query-performance",
    covers=["queries.the-slowest", "weekly.slow-queries", "symptom.slow-answers"],
    severity="normal",
    stages=["weekly", "incident"],
    remedy="Explain the statement with its real values; index, rewrite or cache what it reads.",
)
def test_no_statement_is_slow(slow_statements: Statements) -> None:
    """No statement is slow on average, and slow ones are logged."""
    assert slow_statements.unlogged == ()
    assert slow_statements.slow == ()


@pytest.mark.check(
    id="DB-08",
    runbook="query-performance",
    covers=["queries.logging-of-all-for-a-while"],
    severity="normal",
    stages=["nightly"],
    remedy="Reset the setting when the diagnosis is over: all statements fill the disk, and hold data.",
)
def test_logging_of_all_statements_is_off(statement_logging: Logging) -> None:
    """Logging of every statement, switched on for a diagnosis, was switched off again."""
    assert statement_logging.left_on == ()
