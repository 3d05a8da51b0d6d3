"""The private PostgreSQL cluster in the data folder, run from the distribution's binaries.

It listens on a Unix socket in a folder that only its owner can enter, and on no network address. PostgreSQL
refuses to run as root: there, the cluster belongs to the user `postgres`.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import pwd
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import quote

from api.errors import ClusterError

logger = logging.getLogger(__name__)

# The packages of Debian and Ubuntu that bring PostgreSQL with PostGIS.
PACKAGES = ("postgresql", "postgresql-postgis")
UNPRIVILEGED_USER = "postgres"
# `sun_path` holds 108 bytes; the socket's name takes 21 of them.
LONGEST_SOCKET_FOLDER = 80
SUPERVISE_EVERY_S = 1.0
START_TIMEOUT_S = 120
LOOK_EVERY_S = 0.2

CONFIGURATION = """
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = 256MB
maintenance_work_mem = 128MB
max_wal_size = 2GB
wal_compression = on
random_page_cost = 1.1
log_destination = stderr
logging_collector = off
log_min_messages = warning
timezone = 'UTC'
"""


class Cluster:
    """A cluster in a folder.

    Parameters
    ----------
    folder : Path
        Data folder of the service; the cluster lives in its subfolder `postgres`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.data = self.folder / "postgres"
        self.socket_folder = _socket_folder(self.folder)
        self._bin = binaries()
        self._owner = UNPRIVILEGED_USER if os.geteuid() == 0 else None

    @property
    def url(self) -> str:
        """Address of the cluster's database `weige`."""
        return f"postgresql://weige@/weige?host={quote(str(self.socket_folder), safe='')}"

    def ensure_running(self) -> bool:
        """Make the cluster where there is none, start it where it does not run; return whether it did.

        Raises
        ------
        ClusterError
            The folder cannot be reached by the user who runs PostgreSQL, or it does not start.
        """
        self._prepare_folders()
        if not self.is_made():
            self._initialise()
        if self.is_running():
            return False
        log = self.data / "server.log"
        done = self._run(
            "pg_ctl", "start", "-w", "-t", str(START_TIMEOUT_S), "-D", str(self.data), "-l", str(log),
            "-o", f"-k {self.socket_folder}",
        )  # fmt: skip
        if done.returncode and not self._comes_up():
            raise ClusterError(
                "cluster_not_started",
                f"PostgreSQL does not start: {_last_line(log) or done.stderr.strip()}",
                mend=f"see {log}",
                file=str(self.data),
                told=_last_line(log) or done.stderr.strip(),
                log=str(log),
            )
        self._run("createdb", "-h", str(self.socket_folder), "-U", "weige", "weige")
        return True

    def is_made(self) -> bool:
        """Whether there is a cluster in the folder, running or not.

        Raises
        ------
        ClusterError
            The folder cannot be entered.
        """
        with _reaching(self.folder):
            return (self.data / "PG_VERSION").exists()

    def _comes_up(self) -> bool:
        """Whether a server that another process started answers in time; it may have to recover first."""
        end = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < end:
            if self.is_running():
                return True
            if not self._has_process():
                return False
            time.sleep(LOOK_EVERY_S)
        return False

    def is_running(self) -> bool:
        """Whether a server answers on the socket."""
        return self._run("pg_isready", "-q", "-h", str(self.socket_folder), "-U", "weige").returncode == 0

    def stop(self) -> None:
        """Stop the server; open transactions are rolled back."""
        self._run("pg_ctl", "stop", "-D", str(self.data), "-m", "fast", "-w")

    @contextmanager
    def held(self) -> Iterator[Cluster]:
        """Run the cluster while the block runs, start it again where it dies, stop it at the end."""
        with _reaching(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / "postgres.lock").open("a")
        with lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            self.ensure_running()
            ended = threading.Event()
            watcher = threading.Thread(target=self._supervise, args=(ended,), daemon=True)
            watcher.start()
            try:
                yield self
            finally:
                ended.set()
                watcher.join()
                self._stop_unless_held(lock)

    def _supervise(self, ended: threading.Event) -> None:
        while not ended.wait(SUPERVISE_EVERY_S):
            if self._has_process():
                continue
            logger.warning("the database server is gone; starting it again")
            try:
                self.ensure_running()
            except ClusterError:
                logger.exception("the database server does not start")

    def _has_process(self) -> bool:
        """Whether the postmaster named in its file lives; without asking the server, which may be busy."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
            os.kill(pid, 0)
        except PermissionError:
            return True
        except (OSError, ValueError):
            return False
        return True

    def _stop_unless_held(self, lock: IO[str]) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        self.stop()

    def _prepare_folders(self) -> None:
        with _reaching(self.folder):
            for folder in (self.folder, self.data, self.socket_folder):
                folder.mkdir(mode=0o700 if folder is not self.folder else 0o755, parents=True, exist_ok=True)
        if self._owner is None:
            return
        owner = pwd.getpwnam(self._owner)
        for folder in (self.data, self.socket_folder):
            if folder.stat().st_uid != owner.pw_uid:
                os.chown(folder, owner.pw_uid, owner.pw_gid)
        if self._run(None, "test", "-w", str(self.data)).returncode:
            raise ClusterError(
                "folder_not_reachable",
                f"the user {self._owner}, who runs PostgreSQL, cannot reach this folder",
                mend="name another with --data-dir, or let others enter the folders above it (chmod o+x)",
                file=str(self.data),
                user=self._owner,
            )

    def _initialise(self) -> None:
        """Make the cluster beside its place and move it there: a broken attempt leaves no half of one."""
        building = self.data / "building"
        shutil.rmtree(building, ignore_errors=True)
        done = self._run(
            "initdb", "-D", str(building), "-U", "weige", "-A", "trust", "-E", "UTF8", "--locale=C",
            "--data-checksums", "--no-instructions",
        )  # fmt: skip
        if done.returncode:
            raise ClusterError(
                "cluster_not_made",
                f"PostgreSQL cannot make its files: {done.stderr.strip().splitlines()[-1:]}",
                mend="name another folder with --data-dir",
                file=str(self.data),
                told=" ".join(done.stderr.strip().splitlines()[-1:]),
            )
        with (building / "postgresql.conf").open("a") as configuration:
            configuration.write(CONFIGURATION)
        # PG_VERSION, by which a finished cluster is known, goes last.
        for entry in sorted(building.iterdir(), key=lambda path: path.name == "PG_VERSION"):
            entry.rename(self.data / entry.name)
        building.rmdir()

    def _run(self, program: str | None, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*([str(self._bin / program)] if program else []), *arguments]
        with tempfile.TemporaryFile("w+") as told:
            # Not a pipe: the server that pg_ctl leaves behind would hold it open.
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=told, check=False,
                cwd="/", start_new_session=True, user=self._owner, group=_group_of(self._owner),
                extra_groups=[] if self._owner else None,
            )  # fmt: skip
            told.seek(0)
            return subprocess.CompletedProcess(command, done.returncode, "", told.read())


def binaries() -> Path:
    """Return the folder of the newest PostgreSQL that has PostGIS.

    Raises
    ------
    ClusterError
        There is none; the packages to install are named.
    """
    found = []
    for folder in Path("/usr/lib/postgresql").glob("*/bin"):
        extension = Path("/usr/share/postgresql") / folder.parent.name / "extension" / "postgis.control"
        if (folder / "initdb").exists() and extension.exists():
            found.append(folder)
    if not found:
        raise ClusterError(
            "cluster_missing",
            "PostgreSQL with PostGIS is not installed",
            mend=f"install {' '.join(PACKAGES)}, or name a database in DATABASE_URL",
            packages=" ".join(PACKAGES),
        )
    return max(found, key=lambda folder: float(folder.parent.name))


@contextmanager
def _reaching(folder: Path) -> Iterator[None]:
    """Name the data folder where this user cannot use it."""
    try:
        yield
    except OSError as error:
        raise ClusterError(
            "folder_not_writable",
            f"the data folder cannot be used: {error.strerror}",
            mend="name another with --data-dir, or run this as the user who runs weige serve",
            file=str(folder),
            told=error.strerror or "",
        ) from error


def _socket_folder(folder: Path) -> Path:
    inside = folder / "socket"
    if len(os.fsencode(str(inside))) <= LONGEST_SOCKET_FOLDER:
        return inside
    name = hashlib.sha256(os.fsencode(str(folder))).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"weige-{os.geteuid()}-{name}"


def _group_of(user: str | None) -> int | None:
    return None if user is None else pwd.getpwnam(user).pw_gid


def _last_line(path: Path) -> str:
    try:
        lines = path.read_text(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""
