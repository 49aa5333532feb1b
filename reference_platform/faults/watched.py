"""Verbs with the availability recorder beside them: a deployment that users noticed."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from reference_platform import launching
from reference_platform.faults.model import Verb
from reference_platform.faults.verbs import write_down_restart
from reference_platform.launching import CLONE
from reference_platform.records import deployments, keeping
from reference_platform.state import Platform
from reference_platform.waiting import until

DEPLOYMENT = "deployments/without-overlap.toml"
AVAILABILITY = "availability/without-overlap.toml"


def restart_without_overlap(service: str) -> Verb:
    """A deployment stopped a service before its successor was there, with the recorder on.

    The service has one replica, and its users ask it for its health meanwhile.
    """

    def do(platform: Platform) -> None:
        with TemporaryDirectory(prefix="opsverify-") as made:
            recorded = Path(made)
            url = platform.settings.url(service) + "/health"
            recorder = _begin_recording(url, recorded)
            started = datetime.now(UTC)
            launching.stop_service(platform, service)
            launching.start(platform, service)
            launching.wait(platform, [service])
            ended = datetime.now(UTC)
            recorder.terminate()
            recorder.wait(timeout=20)
            text = next(recorded.glob("availability/*.toml")).read_text(encoding="utf-8")
        release = platform.settings.release
        again = deployments.deployed(
            platform, release, previous=None, window=None, started=started, ended=ended
        )
        keeping.keep(platform, {DEPLOYMENT: again})
        keeping.write(platform, AVAILABILITY, text)
        keeping.commit(platform, [AVAILABILITY], by=deployments.BY)

    def undo(platform: Platform) -> None:
        keeping.remove(platform, [DEPLOYMENT, AVAILABILITY])
        write_down_restart(platform, service)

    return Verb(f"{service} was replaced without overlap", do, undo)


def _begin_recording(url: str, folder: Path) -> subprocess.Popen[bytes]:
    ready = folder / "ready"
    recorder = subprocess.Popen(
        [
            *(sys.executable, "-m", "opsverify", "watch", f"--url={url}", f"--who={deployments.BY}"),
            *("--every=0.05", f"--folder={folder}", f"--ready={ready}", "--at-most=60"),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(CLONE), str(CLONE / "src")))},
    )
    until(ready.exists, within=20, what="the availability recorder asks")
    return recorder
