"""A backup: one file with the database as of one moment, the files of the data folder, and their checksums.

The file is a tar of `database.dump` (pg_dump, custom format), `files/…` and `manifest.json`. The number of
rows and the checksum of every table are taken in the very snapshot that is dumped, so that a restored
table can be compared whatever was written meanwhile.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from api.cluster import binaries
from api.console import Report
from api.database import Store
from api.errors import ClusterError
from api.settings import Settings
from geo.errors import InputError
from geo.files import replacing

FORMAT = 1
DUMP, MANIFEST, FILES = "database.dump", "manifest.json", "files"
SCHEMAS = ("weige", "published", "vault")
VERSION_TABLE = "public.weige_schema"
# What belongs to the running database, not to the service's files.
NOT_COPIED = frozenset({"postgres", "socket", "postgres.lock"})
ROLES = ("weige_app", "weige_public", "weige_vault")

# The same values give the same text, wherever and under whatever settings they are read.
_PLAIN_TEXT = (
    "SET timezone = 'UTC'", "SET datestyle = 'ISO, YMD'", "SET intervalstyle = 'postgres'",
    "SET extra_float_digits = 1", "SET bytea_output = 'hex'",
)  # fmt: skip
# The sum does not depend on the order of rows, and equal rows do not cancel.
_CHECKSUM = (
    "SELECT count(*), coalesce(sum(('x' || encode(substr(sha256(convert_to(t::text, 'UTF8')), 1, 8), 'hex'))"
    "::bit(64)::bigint::numeric), 0)::text FROM {} AS t"
)


@dataclass(frozen=True)
class Backup:
    """What a backup holds.

    Attributes
    ----------
    revision : str
        Of the schema.
    tables : mapping of table to (rows, checksum)
    sequences : mapping of sequence to last value
    files : mapping of path below the data folder to SHA-256
    dump_sha256 : str
    """

    revision: str
    tables: dict[str, tuple[int, str]]
    sequences: dict[str, int | None]
    files: dict[str, str]
    dump_sha256: str

    def counts(self) -> dict[str, int]:
        """Return the numbers of tables, rows and files."""
        return {
            "tables": len(self.tables),
            "rows": sum(rows for rows, _ in self.tables.values()),
            "files": len(self.files),
        }


def write_backup(store: Store, settings: Settings, file: Path, report: Report) -> Backup:
    """Write a backup while the service runs; an existing file is replaced once the new one is whole.

    Parameters
    ----------
    store : Store
    settings : Settings
    file : Path
    report : callable (stage, done, total)

    Raises
    ------
    InputError
        The file cannot be written, or pg_dump is missing or fails.
    """
    with (
        replacing(file) as temporary,
        tempfile.TemporaryDirectory(prefix=".weige-", dir=file.resolve().parent) as folder,
        psycopg.connect(store.conninfo(role=None, timeout_s=3600)) as connection,
    ):
        temporary.touch(mode=0o600)  # it holds the hashes of passwords, and what people sent
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        snapshot = _one(connection, "SELECT pg_export_snapshot()")
        dump = Path(folder) / DUMP
        report("dumping", 0, 1)
        _run(
            settings, store, "pg_dump", "--format=custom", "--no-owner", "--no-comments",
            f"--snapshot={snapshot}", f"--file={dump}",
        )  # fmt: skip
        report("dumping", 1, 1)
        revision = str(_one(connection, f"SELECT version_num FROM {VERSION_TABLE}"))
        tables = checksums(connection, report, "counting")
        sequences = _sequences(connection)
        with tarfile.open(temporary, "w") as archive:
            archive.add(dump, DUMP)
            with dump.open("rb") as handle:
                dump_sha256 = hashlib.file_digest(handle, "sha256").hexdigest()
            report("files", 0, 1)
            files = _add_files(archive, settings.data_dir, without=settings.contact_key_file)
            report("files", 1, 1)
            made = Backup(revision, tables, sequences, files, dump_sha256)
            _add_manifest(archive, made)
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
    return made


def require_backup(file: Path) -> None:
    """Raise InputError where a file is no backup."""
    with _opened(file) as archive:
        _manifest(archive, file)


def restore_backup(store: Store, settings: Settings, file: Path, report: Report) -> Backup:
    """Bring a backup back into an empty database and data folder, and compare every table with it.

    Raises
    ------
    InputError
        The file is no backup or damaged, something is there already, pg_restore is missing or fails, or a
        table is not as it was. Whatever went wrong, database and folder are empty as before.
    """
    with (
        _opened(file) as archive,
        tempfile.TemporaryDirectory(prefix=".restoring-", dir=_folder(settings.data_dir)) as folder,
    ):
        backup = _manifest(archive, file)
        _require_empty(store, settings)
        dump = Path(folder) / DUMP
        _extract(archive, DUMP, dump, backup.dump_sha256, file)
        for name, sha256 in backup.files.items():
            _extract(archive, f"{FILES}/{name}", Path(folder) / FILES / name, sha256, file)
        report("restoring", 0, 1)
        _make_roles(store)
        _run(
            settings, store, "pg_restore", "--no-owner", "--no-comments", "--exit-on-error",
            "--single-transaction", str(dump),
        )  # fmt: skip
        report("restoring", 1, 1)
        try:
            _compare(store, backup, file, report)
            _move(Path(folder) / FILES, settings.data_dir)
        except BaseException:
            # Also on Ctrl-C: what was restored but not compared to its end must not stay.
            _empty(store)
            raise
    return backup


def checksums(connection: psycopg.Connection[Any], report: Report, stage: str) -> dict[str, tuple[int, str]]:
    """Return the rows and a checksum of every table of the store, as the transaction sees them."""
    for statement in _PLAIN_TEXT:
        connection.execute(statement.replace("SET ", "SET LOCAL ", 1))
    names = [
        (str(schema), str(table))
        for schema, table in connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname = ANY(%s)"
            " ORDER BY schemaname, tablename",
            [list(SCHEMAS)],
        )
    ]
    names.append(("public", VERSION_TABLE.partition(".")[2]))
    found = {}
    for done, (schema, table) in enumerate(names):
        report(stage, done, len(names))
        row = connection.execute(sql.SQL(_CHECKSUM).format(sql.Identifier(schema, table))).fetchone()
        assert row is not None
        found[f"{schema}.{table}"] = (int(row[0]), str(row[1]))
    report(stage, len(names), len(names))
    return found


def _sequences(connection: psycopg.Connection[Any]) -> dict[str, int | None]:
    rows = connection.execute(
        "SELECT schemaname || '.' || sequencename, last_value FROM pg_sequences WHERE schemaname = ANY(%s)",
        [list(SCHEMAS)],
    )
    return {str(name): last for name, last in rows}


def _add_files(archive: tarfile.TarFile, folder: Path, *, without: Path | None) -> dict[str, str]:
    """Add the files of the data folder but the key of contacts. What ended meanwhile is not of it."""
    sums: dict[str, str] = {}
    for path in _files(folder):
        if without is not None and path.resolve() == without.resolve():
            continue
        name = path.relative_to(folder).as_posix()
        try:
            with path.open("rb") as handle:
                info = archive.gettarinfo(arcname=f"{FILES}/{name}", fileobj=handle)
                digest = _Digest(handle)
                archive.addfile(info, digest)
        except FileNotFoundError:
            continue
        sums[name] = digest.sha256.hexdigest()
    return sums


class _Digest:
    """A file that sums up what is read of it."""

    def __init__(self, handle: IO[bytes]) -> None:
        self.handle = handle
        self.sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        part = self.handle.read(size)
        self.sha256.update(part)
        return part


def _files(folder: Path) -> Iterator[Path]:
    """Yield the ordinary files of the data folder, without the database, links and half-written files."""
    for parent, folders, names in os.walk(folder):
        is_top = Path(parent) == folder
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and not (is_top and name in NOT_COPIED)
        )
        for name in sorted(names):
            path = Path(parent) / name
            if name.startswith(".") or (is_top and name in NOT_COPIED) or path.is_symlink():
                continue
            if path.is_file():
                yield path


def _add_manifest(archive: tarfile.TarFile, backup: Backup) -> None:
    told = json.dumps({"format": FORMAT, **backup.__dict__}, ensure_ascii=False, indent=1).encode()
    info = tarfile.TarInfo(MANIFEST)
    info.size = len(told)
    with tempfile.SpooledTemporaryFile() as handle:
        handle.write(told)
        handle.seek(0)
        archive.addfile(info, handle)


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[tarfile.TarFile]:
    if not file.is_file():
        raise InputError("file_not_found", "there is no such file", mend="check the path", file=file.name)
    try:
        with tarfile.open(file, "r:") as archive:
            yield archive
    except (tarfile.TarError, EOFError) as error:
        raise _broken(file, "not a backup of weige") from error


def _manifest(archive: tarfile.TarFile, file: Path) -> Backup:
    try:
        handle = archive.extractfile(MANIFEST)
        assert handle is not None
        told = json.load(handle)
        if told.pop("format") != FORMAT:
            raise _broken(file, "of an unknown format")
        told["tables"] = {name: (int(rows), str(sums)) for name, (rows, sums) in told["tables"].items()}
        backup = Backup(**told)
        for name in backup.files:
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or path.parts[0] in NOT_COPIED:
                raise _broken(file, "a file would lie outside the data folder")
    except (KeyError, AssertionError, TypeError, ValueError, IndexError) as error:
        if isinstance(error, InputError):
            raise
        raise _broken(file, f"{MANIFEST} is missing or incomplete") from error
    return backup


def _extract(archive: tarfile.TarFile, name: str, target: Path, sha256: str, file: Path) -> None:
    try:
        handle = archive.extractfile(name)
    except KeyError:
        handle = None
    if handle is None:
        raise _broken(file, f"{name} is missing")
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = _Digest(handle)
    with target.open("wb") as output:
        shutil.copyfileobj(digest, output)
    if digest.sha256.hexdigest() != sha256:
        raise _broken(file, f"{name} has another checksum")


def _broken(file: Path, what: str) -> InputError:
    return InputError(
        "backup_broken", f"the backup is damaged: {what}", mend="take another", file=file.name, what=what
    )


def _folder(data_dir: Path) -> Path:
    data_dir.mkdir(parents=True, exist_ok=True)
    return data_dir


def _require_empty(store: Store, settings: Settings) -> None:
    with psycopg.connect(store.conninfo(role=None)) as connection:
        there = _one(
            connection,
            "SELECT min(n.nspname || '.' || c.relname)"
            " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
            " AND c.relkind IN ('r', 'v', 'p', 'S')"
            " AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')",
        )
    named = next(_files(settings.data_dir), None)
    if there is None and named is None:
        return
    what = str(there or named)
    raise InputError(
        "store_not_empty",
        f"there is something in the store already: {what}",
        mend="restore into an empty database and data folder",
        what=what,
    )


def _make_roles(store: Store) -> None:
    """Make the roles that the dump grants to: they belong to the server, not to the database."""
    with psycopg.connect(store.conninfo(role=None)) as connection:
        for role in ROLES:
            known = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchone()
            if known is None:
                connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
        connection.execute(
            sql.SQL("GRANT {} TO CURRENT_USER").format(sql.SQL(", ").join(map(sql.Identifier, ROLES)))
        )


def _compare(store: Store, backup: Backup, file: Path, report: Report) -> None:
    with psycopg.connect(store.conninfo(role=None, timeout_s=3600)) as connection:
        found = checksums(connection, report, "comparing")
        sequences = _sequences(connection)
    for table in sorted(backup.tables.keys() | found.keys()):
        if backup.tables.get(table) != found.get(table):
            raise _broken(file, f"the table {table} is not as it was")
    # Numbers are drawn outside transactions: they may be ahead of the snapshot, never behind it.
    for name, last in backup.sequences.items():
        if name not in sequences:
            raise _broken(file, f"the sequence {name} is missing")
        if last is not None and sequences[name] is None:
            raise _broken(file, f"the sequence {name} starts again")


def _move(files: Path, data_dir: Path) -> None:
    if not files.is_dir():
        return
    for path in sorted(files.iterdir()):
        shutil.move(path, data_dir / path.name)
        if (data_dir / path.name).is_dir():
            (data_dir / path.name).chmod(0o700)


def _empty(store: Store) -> None:
    with psycopg.connect(store.conninfo(role=None)) as connection:
        for schema in SCHEMAS:
            connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
        connection.execute(f"DROP TABLE IF EXISTS {VERSION_TABLE}")


def _run(settings: Settings, store: Store, program: str, *arguments: str) -> None:
    """Run a program of PostgreSQL on the store; the password goes by the environment, where none can see it.

    Raises
    ------
    ClusterError
        It is missing or fails.
    """
    found = shutil.which(program) if settings.database_url else str(binaries() / program)
    if found is None:
        raise ClusterError(
            "program_missing", f"the program {program} is missing", mend="install the client of PostgreSQL",
            program=program,
        )  # fmt: skip
    url = make_url(store.url).set(drivername="postgresql")
    environment = {**os.environ, **({"PGPASSWORD": str(url.password)} if url.password else {})}
    address = url._replace(password=None).render_as_string(hide_password=False)
    done = subprocess.run(
        [found, f"--dbname={address}", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    if done.returncode:
        told = (done.stderr.strip().splitlines() or ["?"])[0]
        raise ClusterError("program_failed", f"{program} failed: {told}", program=program, told=told)


def _one(connection: psycopg.Connection[Any], query: str) -> Any:
    row = connection.execute(query).fetchone()
    return None if row is None else row[0]
