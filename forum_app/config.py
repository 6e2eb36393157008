"""Settings from the environment, as one typed object, checked at start."""

import fcntl
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

DATABASE_SCHEMES = ("sqlite", "postgresql", "postgresql+psycopg")
MAIL_SCHEMES = ("smtp", "smtps")
IMAP_SCHEMES = ("imap", "imaps")
QUEUE_SCHEMES = ("redis", "rediss", "valkey")
ENVIRONMENTS = ("development", "production", "test")
PLACE = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


class ConfigError(Exception):
    """A setting is missing or wrong; the message is one line for the operator."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of one process. Paths are absolute; URLs are as SQLAlchemy and Redis take them."""

    env: str
    database_url: str
    queue_url: str | None
    secret_key: str
    mail_url: str | None
    storage_root: Path
    base_url: str
    uid_domain: str
    var: Path
    host: str
    port: int
    web_concurrency: int
    demo_password: str | None
    metrics_token: str | None
    rehearsal_at: datetime | None = None
    storage_bucket: str | None = None  # bucket[/prefix], instead of storage_root
    imap_url: str | None = None  # the mailbox to which answers and bounces come
    answer_address: str | None = None  # of that mailbox; see mailbox
    mail_from: str | None = None  # else no-reply@uid_domain
    mail_reply_to: str | None = None  # of the forum's office
    mail_per_minute: int | None = None

    @property
    def development(self) -> bool:
        return self.env == "development"

    @property
    def production(self) -> bool:
        return self.env == "production"

    @property
    def mailbox(self) -> str:
        """Where answers and reports of non-delivery come to."""
        return self.answer_address or f"calendar@{self.uid_domain}"

    @property
    def secure(self) -> bool:
        return self.base_url.startswith("https://")


def kept_secret(path: Path, length: int = 48) -> str:
    """The secret kept in path, made of length random bytes on the first call; its owner's only.

    Processes that start at once get the same one: who finds the file empty (new, or its maker was
    killed) looks again when it has it alone, and fills it.
    """
    kept = path.read_text(encoding="utf-8").strip() if path.exists() else ""
    if kept:
        return kept
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        value = file.read().strip()
        if not value:
            value = secrets.token_urlsafe(length)
            file.write(value)
    return value


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read and check the settings; raises ConfigError with one line on the first wrong one."""
    environ = os.environ if environ is None else environ
    env = environ.get("FORUM_ENV", "development")
    if env not in ENVIRONMENTS:
        raise ConfigError(f"FORUM_ENV must be development or production, not {env!r}")
    var = Path(environ.get("FORUM_VAR", "var")).absolute()
    host = environ.get("HOST", "127.0.0.1")
    port = _integer(environ, "PORT", 8000, 1, 65535)
    base_url = environ.get("FORUM_BASE_URL", f"http://{host}:{port}").rstrip("/")
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"FORUM_BASE_URL must be an http or https address, not {base_url!r}")
    uid_domain = _domain(environ, parts.hostname if "FORUM_BASE_URL" in environ else "")
    if not uid_domain or uid_domain == "localhost" or _is_address(uid_domain):
        uid_domain = "forum.example"  # a UID must stay unique when machines move (RFC 7986, 5.3)
    secret_key = environ.get("FORUM_SECRET_KEY", "")
    if not secret_key:
        if env == "production":
            raise ConfigError("FORUM_SECRET_KEY is required in production (32 random characters)")
        secret_key = kept_secret(var / "secret-key")
    if len(secret_key) < 16:
        raise ConfigError("FORUM_SECRET_KEY is too short: use at least 32 random characters")
    return Settings(
        env=env,
        database_url=_database_url(environ, var),
        queue_url=_url(environ, "FORUM_QUEUE_URL", QUEUE_SCHEMES),
        secret_key=secret_key,
        mail_url=_url(environ, "FORUM_MAIL_URL", MAIL_SCHEMES),
        storage_root=_storage_root(environ, var),
        storage_bucket=_storage_bucket(environ),
        base_url=base_url,
        uid_domain=uid_domain,
        var=var,
        host=host,
        port=port,
        web_concurrency=_integer(environ, "WEB_CONCURRENCY", 2, 1, 64),
        demo_password=environ.get("FORUM_DEMO_PASSWORD") or None,
        metrics_token=environ.get("FORUM_METRICS_TOKEN") or None,
        rehearsal_at=_rehearsal(environ, env),
        imap_url=_url(environ, "FORUM_IMAP_URL", IMAP_SCHEMES),
        answer_address=_address(environ, "FORUM_ANSWER_ADDRESS"),
        mail_from=_address(environ, "FORUM_MAIL_FROM"),
        mail_reply_to=_address(environ, "FORUM_MAIL_REPLY_TO"),
        mail_per_minute=_integer(environ, "FORUM_MAIL_PER_MINUTE", 0, 0, 1_000_000) or None,
    )


def _domain(environ: Mapping[str, str], host: str) -> str:
    """The domain of UIDs, Message-IDs and addresses of the forum, in ASCII (RFC 5891)."""
    text = environ.get("FORUM_UID_DOMAIN", "")
    try:
        domain = (text or host).encode("idna").decode("ascii")
    except UnicodeError:
        domain = ""
    if text and not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", domain):
        raise ConfigError(f"FORUM_UID_DOMAIN must be a domain such as forum.example.org, not {text[:80]!r}")
    return domain


def _rehearsal(environ: Mapping[str, str], env: str) -> datetime | None:
    """The instant from which the clock runs, so that the day of an event can be rehearsed."""
    text = environ.get("FORUM_REHEARSAL", "")
    if not text:
        return None
    if env == "production":
        raise ConfigError("FORUM_REHEARSAL is for rehearsals only, not for production")
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise ConfigError("FORUM_REHEARSAL must be an instant such as 2026-12-08T10:00+09:00")
    return instant


def _database_url(environ: Mapping[str, str], var: Path) -> str:
    url = _url(environ, "FORUM_DATABASE_URL", DATABASE_SCHEMES)
    if url is None:
        var.mkdir(parents=True, exist_ok=True)
        return f"sqlite:///{var / 'forum.sqlite3'}"
    if url.startswith("postgresql://"):
        return "postgresql+psycopg://" + url.removeprefix("postgresql://")
    return url


def _storage_root(environ: Mapping[str, str], var: Path) -> Path:
    url = environ.get("FORUM_STORAGE_URL", "")
    if not url:
        return var / "uploads"
    parts = urlsplit(url)
    if parts.scheme == "s3":
        return var / "uploads"
    if parts.scheme == "file" and parts.path:
        return Path(parts.path)
    if parts.scheme == "" and parts.path:
        return Path(parts.path).absolute()
    raise ConfigError(
        f"FORUM_STORAGE_URL must be a folder, file:///folder or s3://bucket/prefix, not {parts.scheme}"
    )


def _storage_bucket(environ: Mapping[str, str]) -> str | None:
    url = environ.get("FORUM_STORAGE_URL", "")
    if not url.startswith("s3:"):
        return None
    place = url.removeprefix("s3://").rstrip("/")
    if not PLACE.fullmatch(place):
        # keys put into the address by mistake are not repeated
        raise ConfigError("FORUM_STORAGE_URL must be s3://bucket or s3://bucket/prefix, and no more")
    return place


def _url(environ: Mapping[str, str], name: str, schemes: tuple[str, ...]) -> str | None:
    url = environ.get(name, "")
    if not url:
        return None
    if urlsplit(url).scheme not in schemes:
        # the value may hold a password, so it is not repeated
        raise ConfigError(f"{name} must begin with one of: {', '.join(schemes)}")
    return url


def _address(environ: Mapping[str, str], name: str) -> str | None:
    """A plain mail address to whose name +word can be added."""
    text = environ.get(name, "")
    if not text:
        return None
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,30}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", text):
        raise ConfigError(f"{name} must be an address such as calendar@forum.example, not {text[:80]!r}")
    return text


def _integer(environ: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = environ.get(name, str(default))
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise ConfigError(f"{name} must be a whole number from {least} to {most}, not {text!r}")
    return int(text)


def _is_address(host: str) -> bool:
    return ":" in host or all(part.isdigit() for part in host.split("."))
