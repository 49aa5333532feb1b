"""The orchestrator: takes tasks, works through them, remembers what failed."""
