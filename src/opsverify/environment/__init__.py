"""The environment model: one TOML file says what the platform is and how it is judged.

It holds addresses, subjects, limits with unit and direction in the name, policy, gaps and
waivers; defaults are the runbook's figures, so a minimal file is short. It never holds a
secret: a field such as `dsn_from` names a variable (see `opsverify.variables`).
"""

from opsverify.environment.asked import Asked
from opsverify.environment.backups import BackupKind, Backups, KeyTable, Store
from opsverify.environment.base import Table
from opsverify.environment.delivery import (
    WEEKDAYS,
    Access,
    Flags,
    Git,
    Maintenance,
    MigrationState,
    Page,
    Proof,
    Right,
    WindowRule,
)
from opsverify.environment.incidents import (
    EscalationRules,
    IncidentRules,
    IncidentSeverity,
    OnboardingRules,
)
from opsverify.environment.model import NOUNS, Environment
from opsverify.environment.nouns import (
    BROWSERS,
    Auth,
    Browser,
    Compose,
    Llm,
    Postgres,
    Redis,
    Service,
    Source,
    Synthetic,
    Taxonomy,
    VariablesTable,
)
from opsverify.environment.people import RUNBOOK_TASKS, RecordRule, RecordsTable, RoutineTask
from opsverify.environment.policy import Excuse, Gap, Limits, Runbook, SeverityOverride, Waiver, end_of
from opsverify.environment.stores import CachedKeys, PgBouncer, Roles

__all__ = [
    "BROWSERS",
    "NOUNS",
    "RUNBOOK_TASKS",
    "WEEKDAYS",
    "Access",
    "Asked",
    "Auth",
    "BackupKind",
    "Backups",
    "Browser",
    "CachedKeys",
    "Compose",
    "Environment",
    "EscalationRules",
    "Excuse",
    "Flags",
    "Gap",
    "Git",
    "IncidentRules",
    "IncidentSeverity",
    "KeyTable",
    "Limits",
    "Llm",
    "Maintenance",
    "MigrationState",
    "OnboardingRules",
    "Page",
    "PgBouncer",
    "Postgres",
    "Proof",
    "RecordRule",
    "RecordsTable",
    "Redis",
    "Right",
    "Roles",
    "RoutineTask",
    "Runbook",
    "Service",
    "SeverityOverride",
    "Source",
    "Store",
    "Synthetic",
    "Table",
    "Taxonomy",
    "VariablesTable",
    "Waiver",
    "WindowRule",
    "end_of",
]
