"""Log lines as pino writes them: JSON, level a number, time in milliseconds."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path

INFO, WARN, ERROR = 30, 40, 50


class Log:
    """A service's log file."""

    def __init__(self, file: Path) -> None:
        self._stream = file.open("a", encoding="utf-8", buffering=1)
        self._hostname = socket.gethostname()

    def write(self, level: int, message: str, **fields: object) -> None:
        """Append a line."""
        line = {
            "level": level,
            "time": int(time.time() * 1000),
            "pid": os.getpid(),
            "hostname": self._hostname,
            **fields,
            "msg": message,
        }
        self._stream.write(json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n")
