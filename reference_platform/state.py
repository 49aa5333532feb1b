"""A platform's state folder: what lies where in it, and the platform as it is read from there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from reference_platform import locks
from reference_platform.processes import Process
from reference_platform.registry import Entry, write_at_once

PORTS = (
    *("postgres", "redis", "api", "api-2", "orchestrator", "web"),
    *("public-api", "public-web", "model", "outside", "pgbouncer"),
)
QUEUE_DATABASE = 1
"""Of Redis; the cache is in 0."""
SERVICES = ("api", "orchestrator", "web")
OWN_NAMES = (
    "platform.json",
    "platform.env",
    "store.env",
    "release.env.example",
    "flags.json",
    "environment.toml",
    "logs",
    "sick",
    "backups",
    "tls",
    "broken.json",
    "repository",
    "repository.git",
    "integration.xml",
    "records",
    "signing",
    "allowed_signers",
    "replaced",
)
"""What a platform makes in its state folder, and removes."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is decided once for a platform, when it is brought up."""

    ports: dict[str, int]
    """Loopback port by part: postgres, redis and each service."""
    postgres_password: str
    """Of the role `midst`, which the services and the suite use."""
    postgres_admin_password: str
    """Of the superuser `postgres`, which only the platform's own upkeep uses."""
    redis_password: str
    redis_admin_password: str
    jwt_secret: str
    stripe_secret_key: str
    stripe_webhook_secret: str
    release: str = ""
    """Which one runs."""
    parts: tuple[str, ...] = ()

    def url(self, service: str) -> str:
        """A service's address."""
        return f"http://127.0.0.1:{self.ports[service]}"

    def public_url(self, service: str) -> str:
        """A service's address as the outside knows it, with TLS."""
        return f"https://127.0.0.1:{self.ports[f'public-{service}']}"

    @property
    def dsn(self) -> str:
        """How services and suite reach PostgreSQL."""
        return f"postgresql://midst:{self.postgres_password}@127.0.0.1:{self.ports['postgres']}/midst"

    @property
    def admin_dsn(self) -> str:
        """How the platform's upkeep reaches PostgreSQL, also when no ordinary slot is left."""
        return f"postgresql://postgres:{self.postgres_admin_password}@127.0.0.1:{self.ports['postgres']}/postgres"

    @property
    def redis_url(self) -> str:
        """How services and suite reach Valkey."""
        return f"redis://:{self.redis_password}@127.0.0.1:{self.ports['redis']}/0"

    @property
    def redis_queue_url(self) -> str:
        """Where queue and counters are: a database of their own, which emptying the cache does not empty."""
        return f"{self.redis_url.removesuffix('/0')}/{QUEUE_DATABASE}"

    @property
    def redis_admin_url(self) -> str:
        """How the platform's upkeep reaches Valkey, whatever the ordinary password is; without a database."""
        return f"redis://admin:{self.redis_admin_password}@127.0.0.1:{self.ports['redis']}"

    @property
    def previous_jwt_secret(self) -> str:
        """The secret before the last rotation, which no service takes any more."""
        return hashlib.sha256(f"before {self.jwt_secret}".encode()).hexdigest()

    @property
    def engineer_password(self) -> str:
        """Of the role `engineer`, with which the on-call engineer reads the database."""
        return hashlib.sha256(f"engineer {self.postgres_admin_password}".encode()).hexdigest()

    def variables(self) -> dict[str, str]:
        """The runbook's variables with this platform's values."""
        return {
            "DATABASE_URL": self.dsn,
            "REDIS_URL": self.redis_url,
            "REDIS_QUEUE_URL": self.redis_queue_url,
            "JWT_SECRET": self.jwt_secret,
            "STRIPE_SECRET_KEY": self.stripe_secret_key,
            "STRIPE_WEBHOOK_SECRET": self.stripe_webhook_secret,
            "ORCH_WORKER_ENABLED": "true",
        }


@dataclass(frozen=True)
class Platform:
    """A platform: its folders and its settings."""

    state: Path
    entry: Entry
    settings: Settings
    made: Path | None
    """The topmost folder that was made for its state, and so goes with it."""

    @property
    def environment(self) -> Path:
        """The environment file to judge it by."""
        return self.state / "environment.toml"

    @property
    def env_file(self) -> Path:
        """Its variables, as a dotenv file."""
        return self.state / "platform.env"

    @property
    def tls(self) -> Path:
        """The certificate authority, and the public address's certificate and key."""
        return self.state / "tls"

    @property
    def store(self) -> Path:
        """What its services are deployed from: their variables, as a secrets store would hold them."""
        return self.state / "store.env"

    @property
    def template(self) -> Path:
        """The names of the variables that the release to come needs."""
        return self.state / "release.env.example"

    @property
    def flags(self) -> Path:
        """Its feature flags, as their service exports them."""
        return self.state / "flags.json"

    @property
    def repository(self) -> Path:
        """The git repository that its releases are made from: a clone of the remote."""
        return self.state / "repository"

    @property
    def junit(self) -> Path:
        """What the integration tests of the release to come left, stamped with its commit."""
        return self.state / "integration.xml"

    @property
    def remote(self) -> Path:
        """The remote of that repository."""
        return self.state / "repository.git"

    @property
    def records(self) -> Path:
        """What its people have written down."""
        return self.state / "records"

    @property
    def signing(self) -> Path:
        """The keys that its people sign with."""
        return self.state / "signing"

    @property
    def allowed_signers(self) -> Path:
        """Whose signatures count, as OpenSSH has it."""
        return self.state / "allowed_signers"

    @property
    def backups(self) -> Path:
        """Folder of its backups."""
        return self.state / "backups"

    @property
    def postgres_folder(self) -> Path:
        """PostgreSQL's binaries, data and socket, all short and reachable for the user who runs it."""
        return self.entry.postgres

    @property
    def postgres_data(self) -> Path:
        """PostgreSQL's data directory."""
        return self.entry.postgres_data

    @property
    def redis_folder(self) -> Path:
        """Valkey's configuration and data."""
        return self.entry.folder / "redis"

    def log(self, name: str) -> Path:
        """The log of a part: a service, postgres, redis."""
        return self.state / "logs" / f"{name}.log"

    def sick(self, service: str) -> Path:
        """File with the faulty answers that a service's server gives in place of its own."""
        return self.state / "sick" / f"{service}.json"

    def process(self, name: str) -> Process | None:
        """The process of a part, or None when it does not run."""
        process = self.entry.process(name)
        return process if process is not None and process.alive() else None

    @property
    def running(self) -> bool:
        """Whether anything of it still runs."""
        return any(process.alive() for process in self.entry.all_processes().values())

    def save(self) -> None:
        """Write the platform down in its state folder, secrets included; mode 0600."""
        found = {
            "folder": str(self.entry.folder),
            "made": str(self.made) if self.made else None,
            "settings": asdict(self.settings),
        }
        text = json.dumps(found, indent=1)
        write_at_once(self.state / "platform.json", text)

    def describe(self) -> dict[str, Any]:
        """What `up --json` prints."""
        return {
            "state": str(self.state),
            "environment": str(self.environment),
            "env_file": str(self.env_file),
            "services": {
                name: {
                    "url": self.settings.url(name),
                    "pid": self._pid(name),
                    "log": str(self.log(name)),
                }
                for name in SERVICES
            },
            "postgres": {
                "dsn": self.settings.dsn,
                "pid": self._pid("postgres"),
                "data": str(self.postgres_data),
                "log": str(self.log("postgres")),
            },
            "redis": {"url": self.settings.redis_url, "pid": self._pid("redis")},
            "backups": str(self.backups),
        }

    def _pid(self, name: str) -> int | None:
        process = self.process(name)
        return process.pid if process else None


def read(state: Path) -> Platform | None:
    """The platform that a state folder holds, running or not; None when it holds none.

    Raises:
        BadState: there is one, but what it wrote down cannot be read.
    """
    try:
        found = json.loads((state / "platform.json").read_text(encoding="utf-8"))
        settings = Settings(**{**found["settings"], "parts": tuple(found["settings"]["parts"])})
        made = Path(found["made"]) if found["made"] else None
        return Platform(state, Entry(Path(found["folder"])), settings, made)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadState(f"{state / 'platform.json'} cannot be read: {error}") from None


class BadState(Exception):
    """A state folder cannot be used; the text says why and what to do."""


@contextmanager
def locked(state: Path) -> Iterator[None]:
    """Hold a state folder alone: bringing up, taking down, breaking, mending. Waits for its turn.

    Raises:
        BadState: it is not there, or not any more.
    """

    def folder() -> Path:
        if not state.is_dir():
            raise BadState(f"{state} is not there, or was removed meanwhile")
        return state

    with locks.held(folder, keep=lambda here: (here / "platform.json").exists()):
        yield
