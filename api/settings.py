"""What the environment says: the only module that reads it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from geo.errors import InputError
from maps.text import Language

# Where `weige serve` keeps its database and files when it is told nothing.
DEFAULT_DATA_DIR = Path("weige-data")
# A page or tile that takes longer than this is a fault; jobs and loads set their own limit.
STATEMENT_TIMEOUT_S = 30
# Of one key or address, for each worker: a wall map asks for some hundred tiles whenever it is moved.
REQUESTS_PER_MINUTE = 6000
# An edit of 20,000 units whose ids have 200 letters each takes half of it.
MAX_BODY_BYTES = 8 << 20


# Signalen keeps a contact for a year after the end of a case; here a return visit needs it no longer.
CONTACT_DAYS = 30


@dataclass(frozen=True)
class Settings:
    """Settings of the service.

    Attributes
    ----------
    data_dir : Path
        Folder of the private database, uploads and results of jobs.
    database_url : str or None
        A PostGIS database (`postgresql://…`); None: a private cluster in `data_dir`.
    public_url : str or None
        Address under which people reach the service, where a proxy stands before it.
    secure_cookies : bool
        Whether cookies are sent over TLS only.
    statement_timeout_s : int
        Longest a statement of a request may take, in seconds.
    requests_per_minute : int
        Most requests of one key or address that a worker answers in a minute.
    max_body_bytes : int
        Largest body of a request that is no upload.
    contact_key_file : Path or None
        Key of the contacts of cases; None: none are kept.
    contact_days : int
        Days after the return visit after which a contact is erased.
    instance : str
        Which run of `weige serve` a process belongs to; told by /readyz.
    """

    data_dir: Path = DEFAULT_DATA_DIR
    database_url: str | None = None
    public_url: str | None = None
    secure_cookies: bool = False
    statement_timeout_s: int = STATEMENT_TIMEOUT_S
    requests_per_minute: int = REQUESTS_PER_MINUTE
    max_body_bytes: int = MAX_BODY_BYTES
    contact_key_file: Path | None = None
    contact_days: int = CONTACT_DAYS
    instance: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read WEIGE_DATA_DIR, DATABASE_URL, WEIGE_CONTACT_KEY_FILE, and what is told to workers."""
        said = os.environ if environment is None else environment
        return cls(
            data_dir=Path(said.get("WEIGE_DATA_DIR") or DEFAULT_DATA_DIR),
            database_url=said.get("DATABASE_URL") or None,
            public_url=said.get("WEIGE_PUBLIC_URL") or None,
            secure_cookies=said.get("WEIGE_SECURE_COOKIES") == "1",
            requests_per_minute=_count(said, "WEIGE_REQUESTS_PER_MINUTE") or REQUESTS_PER_MINUTE,
            contact_key_file=Path(said["WEIGE_CONTACT_KEY_FILE"])
            if said.get("WEIGE_CONTACT_KEY_FILE")
            else None,
            contact_days=_count(said, "WEIGE_CONTACT_DAYS") or CONTACT_DAYS,
            instance=said.get("WEIGE_INSTANCE") or "",
            max_body_bytes=_count(said, "WEIGE_MAX_BODY_BYTES") or MAX_BODY_BYTES,
        )

    def for_workers(self) -> dict[str, str]:
        """Return the variables from which `from_environment` makes the same settings again."""
        said = {"WEIGE_DATA_DIR": str(self.data_dir.resolve())}
        if self.database_url:
            said["DATABASE_URL"] = self.database_url
        if self.public_url:
            said["WEIGE_PUBLIC_URL"] = self.public_url
        if self.secure_cookies:
            said["WEIGE_SECURE_COOKIES"] = "1"
        said["WEIGE_REQUESTS_PER_MINUTE"] = str(self.requests_per_minute)
        said["WEIGE_MAX_BODY_BYTES"] = str(self.max_body_bytes)
        if self.contact_key_file:
            said["WEIGE_CONTACT_KEY_FILE"] = str(self.contact_key_file.resolve())
        said["WEIGE_CONTACT_DAYS"] = str(self.contact_days)
        if self.instance:
            said["WEIGE_INSTANCE"] = self.instance
        return said


def _count(said: Mapping[str, str], name: str) -> int | None:
    value = said.get(name)
    if not value:
        return None
    if not (value.isascii() and value.isdecimal() and int(value) >= 1):
        raise InputError("setting_not_a_count", f"{name} is not a whole number above 0", setting=name)
    return int(value)


def reader_language() -> Language:
    """Return the language of the reader's locale: Chinese for any Chinese locale, else English."""
    named = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh_CN" if named.lower().startswith("zh") else "en"
