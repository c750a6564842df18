"""Where settings come from: the environment, and the home folder for what is made once and kept.

| setting | from |
|---|---|
| home | `--home`, `INSTEP_HOME`, else `$XDG_DATA_HOME/instep` or `~/.local/share/instep` |
| database | `DATABASE_URL`; without it the embedded PostgreSQL of the home |
| secret keys | `INSTEP_SECRET_KEYS` (commas), else `HOME/keys`, made at the first start |
| everything else | `INSTEP_<NAME>` |
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from instep.core.errors import InputError

#: Set by `boot` for this process and the ones it starts: the embedded PostgreSQL, without DATABASE_URL.
EMBEDDED_URL_VARIABLE = "INSTEP_EMBEDDED_URL"

Words = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """All settings of one process, frozen. Make it with `load`."""

    model_config = SettingsConfigDict(
        env_prefix="INSTEP_", frozen=True, extra="ignore", env_ignore_empty=True
    )

    home: Path
    database_url: str | None = Field(None, validation_alias=AliasChoices("DATABASE_URL", "database_url"))
    embedded_url: str | None = None
    #: Fernet keys, newest first: the first one encrypts, all of them decrypt.
    secret_keys: Words = ()
    #: The address that people and webhooks reach this Instep at, e.g. `https://book.example.com`.
    public_url: str = ""
    #: The mail server: smtp://user:password@host:587 (STARTTLS where it is offered), smtps://…:465, or `console:`.
    smtp_url: SecretStr = SecretStr("")
    #: Who mails are from; needed with smtp_url.
    mail_from: str = "Instep <instep@localhost>"
    #: Hosts or networks (CIDR) inside that a CRM's url may point to all the same; `localhost`: this machine.
    allow_private_urls: Words = ()
    web_port: int = Field(8000, ge=0, le=65535)
    web_host: str = "127.0.0.1"
    web_threads: int = Field(16, ge=2, le=200)
    #: Bring the schema up to date when `web` or `worker` starts; `serve` sets it for its children.
    migrate_at_start: bool = False
    worker_concurrency: int = Field(8, ge=1, le=100)
    #: The largest request body that is read, in bytes; more is answered with 413.
    max_body: int = Field(10 * 1024 * 1024, ge=1024)
    log_format: Literal["auto", "console", "json"] = "auto"
    #: Unset: `info` for what serves until it is stopped, `warning` for a command that answers and ends.
    log_level: Literal["debug", "info", "warning", "error"] | None = None

    @field_validator("secret_keys", "allow_private_urls", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("secret_keys")
    @classmethod
    def _are_fernet_keys(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        for key in keys:
            try:
                Fernet(key)
            except ValueError:
                raise ValueError("each key must be 32 bytes in URL-safe base64 (Fernet)") from None
        return keys

    @field_validator("public_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError("must be an address like https://book.example.com")
        return value.rstrip("/")

    @field_validator("smtp_url")
    @classmethod
    def _is_a_mail_server(cls, value: SecretStr) -> SecretStr:
        parts = urlsplit(value.get_secret_value())
        if (
            value
            and parts.scheme != "console"
            and (parts.scheme not in ("smtp", "smtps") or not parts.hostname)
        ):
            raise ValueError("must be like smtp://user:password@mail.example.org:587, smtps://… or console:")
        return value

    @property
    def dsn(self) -> str:
        """The libpq URL of the database in use. Raises `InputError` where neither database is there."""
        dsn = self.database_url or self.embedded_url
        if dsn is None:
            raise InputError(
                "No database is running for this process.",
                cure="Set DATABASE_URL, or start through `instep`, which brings its own PostgreSQL.",
            )
        return dsn

    @property
    def is_https(self) -> bool:
        """True when people reach this Instep over TLS."""
        return self.public_url.startswith("https://")

    @property
    def is_for_this_machine(self) -> bool:
        """True when only people at this machine reach this Instep: a trial, or somebody's own."""
        # later: most commands need no HTTP library, and start faster without
        from instep.crm.addresses import is_loopback

        public = urlsplit(self.public_url).hostname or ""
        return is_loopback(self.web_host) and (not public or is_loopback(public))

    @property
    def private_hosts(self) -> tuple[str, ...]:
        """What a CRM's address may lead to inside; an administrator at this machine may name the machine itself."""
        from instep.crm.addresses import LOOPBACK

        own = (LOOPBACK,) if self.is_for_this_machine else ()
        return (*self.allow_private_urls, *own)

    def django_secrets(self) -> tuple[str, ...]:
        """Django's SECRET_KEY and its fallbacks, in the keys' order: a rotation signs nobody out."""
        return tuple(
            hmac.new(key.encode(), b"instep django secret", hashlib.sha256).hexdigest()
            for key in self.secret_keys
        )

    def set_up_code(self) -> str:
        """What the first owner has to know, as people copy it: 80 bits that only this installation's key gives."""
        digest = hmac.new(self.secret_keys[0].encode(), b"instep set-up code", hashlib.sha256).digest()
        word = base64.b32encode(digest[:10]).decode()
        return "-".join(word[at : at + 4] for at in range(0, len(word), 4))


def load(home: Path | None = None) -> Settings:
    """Read the settings of this process; makes the home folder and its keys where they are missing.

    Raises `InputError` naming the variable that cannot be used.
    """
    folder = _home(home)
    try:
        settings = Settings(home=folder)
    except ValidationError as error:
        raise InputError(_explain(error), cure="Correct it in the environment.", code="SETTINGS") from None
    if not settings.secret_keys:
        settings = settings.model_copy(update={"secret_keys": _keys_of(folder)})
    return settings


def _home(given: Path | None) -> Path:
    named = given or os.environ.get("INSTEP_HOME")
    if named:
        return Path(named).expanduser().resolve()
    shared = os.environ.get("XDG_DATA_HOME")
    return (Path(shared) if shared else Path.home() / ".local" / "share") / "instep"


def _explain(error: ValidationError) -> str:
    """One line per setting. The value is left out: it may be a secret."""
    lines = []
    for problem in error.errors():
        field = str(problem["loc"][0]) if problem["loc"] else "settings"
        variable = field if field.isupper() else f"INSTEP_{field.upper()}"
        lines.append(f"{variable}: {problem['msg'].removeprefix('Value error, ')}.")
    return " ".join(lines)


def _keys_of(home: Path) -> tuple[str, ...]:
    """The Fernet keys in `HOME/keys`, one per line, newest first; made at the first start."""
    path = home / "keys"
    if not path.exists():
        _make_keys(path)
    try:
        keys = tuple(line.strip() for line in path.read_text().splitlines() if line.strip())
        for key in keys:
            Fernet(key)
    except (OSError, ValueError) as error:
        raise InputError(
            f"The keys in {path} cannot be used: {error}.",
            cure="Put the saved keys back. Without them the connections have to be connected again.",
        ) from None
    if not keys:
        raise InputError(f"{path} holds no key.", cure="Put the saved keys back, or delete the empty file.")
    return keys


def _make_keys(path: Path) -> None:
    """Write one new key, readable by us alone. Of several processes that start at once the first one wins."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, fresh = tempfile.mkstemp(prefix=".keys-", dir=path.parent)  # mode 0600
    except OSError as error:
        raise InputError(
            f"The home {path.parent} cannot be used: {error}.",
            cure="Make the folder writable, or take another one with --home or INSTEP_HOME.",
        ) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(Fernet.generate_key() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(fresh)
