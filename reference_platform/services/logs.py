"""Log lines as pino writes them: JSON, level a number, time in milliseconds."""

from __future__ import annotations

import json
import os
import socket
import time
from logging import LogRecord
from logging.handlers import RotatingFileHandler
from pathlib import Path

INFO, WARN, ERROR = 30, 40, 50
AT_MOST_BYTES = 5 * 1024 * 1024
KEPT_FILES = 3


class Log:
    """A service's log file. When it is full it is kept as `api.log.1`, what was that as `api.log.2`."""

    def __init__(self, file: Path, *, at_most_bytes: int = AT_MOST_BYTES) -> None:
        self._file = RotatingFileHandler(
            file, maxBytes=at_most_bytes, backupCount=KEPT_FILES, encoding="utf-8"
        )
        self._hostname = socket.gethostname()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

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
        text = json.dumps(line, separators=(",", ":"), ensure_ascii=False)
        self._file.emit(LogRecord("", 0, "", 0, text, None, None))
