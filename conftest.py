"""Names the plugins that make the suite; nothing else stands here."""

pytest_plugins = [
    "fixtures.options",
    "fixtures.target",
    "fixtures.subjects",
    "fixtures.marker",
    "fixtures.looks",
    "fixtures.web",
    "fixtures.stores",
    "fixtures.configuration",
    "fixtures.dependencies",
    "fixtures.attested",
    "fixtures.releases",
    "fixtures.incident",
    "fixtures.onboarding",
    "fixtures.smoke",
    "fixtures.runbook",
    "fixtures.evidence",
    "fixtures.allureresults",
    "fixtures.plan",
    "fixtures.workers",
    "fixtures.gate",
]
