"""The environment model: one TOML file says what the platform is and how it is judged.

It holds addresses, subjects, limits with unit and direction in the name, policy, gaps and
waivers; defaults are the runbook's figures, so a minimal file is short. It never holds a
secret: a field such as `dsn_from` names a variable (see `opsverify.variables`).
"""

from opsverify.environment.base import Table
from opsverify.environment.model import NOUNS, Environment
from opsverify.environment.nouns import (
    BROWSERS,
    Auth,
    Browser,
    Llm,
    Postgres,
    Redis,
    Service,
    Source,
    Synthetic,
    Taxonomy,
    VariablesTable,
)
from opsverify.environment.policy import Excuse, Gap, Limits, SeverityOverride, Waiver, end_of

__all__ = [
    "BROWSERS",
    "NOUNS",
    "Auth",
    "Browser",
    "Environment",
    "Excuse",
    "Gap",
    "Limits",
    "Llm",
    "Postgres",
    "Redis",
    "Service",
    "SeverityOverride",
    "Source",
    "Synthetic",
    "Table",
    "Taxonomy",
    "VariablesTable",
    "Waiver",
    "end_of",
]
