"""metrics.prom: the verdict for Prometheus's textfile collector."""

from __future__ import annotations

from reports.verdict import EXIT_CODES, Verdict


def metrics(verdict: Verdict) -> str:
    """The verdict as Prometheus text, labelled with target and stage."""
    labels = f'target="{verdict.target}",stage="{verdict.stage or "unknown"}"'
    lines = [
        "# HELP opsverify_decision 1 for the decision of the last run.",
        "# TYPE opsverify_decision gauge",
        *(
            f'opsverify_decision{{{labels},decision="{decision}"}} {int(decision == verdict.decision)}'
            for decision in EXIT_CODES
        ),
        "# HELP opsverify_checks Checks of the last run by outcome.",
        "# TYPE opsverify_checks gauge",
        *(
            f'opsverify_checks{{{labels},outcome="{outcome}"}} {number}'
            for outcome, number in verdict.counts.model_dump().items()
        ),
        "# HELP opsverify_check_red 1 for a check that failed or could not look.",
        "# TYPE opsverify_check_red gauge",
        *(
            f'opsverify_check_red{{{labels},check="{check.name}",severity="{check.severity}"}} '
            f"{int(check.outcome in {'failed', 'could_not_look', 'no_result'})}"
            for check in verdict.checks
        ),
        "# HELP opsverify_decided_at_seconds When the last run was decided.",
        "# TYPE opsverify_decided_at_seconds gauge",
        f"opsverify_decided_at_seconds{{{labels}}} {verdict.decided_at.timestamp():.3f}",
        "# HELP opsverify_valid_until_seconds Until when its verdict holds.",
        "# TYPE opsverify_valid_until_seconds gauge",
        f"opsverify_valid_until_seconds{{{labels}}} {verdict.valid_until.timestamp():.3f}",
        "# HELP opsverify_run_seconds What the last run took.",
        "# TYPE opsverify_run_seconds gauge",
        f"opsverify_run_seconds{{{labels}}} {verdict.cost.seconds:.3f}",
    ]
    return "\n".join(lines) + "\n"
