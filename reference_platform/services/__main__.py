"""`python -m reference_platform.services NAME …`: one service as a process."""

from __future__ import annotations

import sys
from importlib import import_module

from reference_platform.services.serving import serve

if __name__ == "__main__":
    _, name, *arguments = sys.argv
    serve(import_module(f"reference_platform.services.{name}.app").build, arguments)
