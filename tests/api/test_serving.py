"""`weige serve` as people start it: real processes, a real database of its own."""

from __future__ import annotations

import http.server
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from api import serving
from api.cluster import Cluster, ClusterError, binaries
from api.serving import Listening, ListeningError, is_loopback, require_port, require_safe

READY = re.compile(r"http://127\.0\.0\.1:\d+")


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="weige-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def weige(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    cleared = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return subprocess.Popen(
        [sys.executable, "-m", "api.cli", *arguments, "--lang", "en"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**cleared, **environment},
    )  # fmt: skip


@contextmanager
def served(folder: Path, *options: str) -> Iterator[tuple[str, list[str]]]:
    """Run the service until the block ends; yields its address and what it said when it was ready."""
    process = weige(
        "serve", "--data-dir", str(folder), "--port", str(free_port()), "--workers", "1", *options
    )
    assert process.stdout is not None
    said = [process.stdout.readline()]
    found = READY.search(said[0])
    if found is None:
        raise AssertionError(process.communicate())
    said.append(process.stdout.readline() if not (folder / "used").exists() else "")
    try:
        yield found.group(), said
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        assert process.returncode in (0, -signal.SIGTERM), process.returncode


def fetch(address: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(address, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.slow
def test_it_starts_with_nothing_set_invites_an_administrator_and_stops_with_its_database(folder: Path):
    with served(folder) as (address, said):
        assert fetch(f"{address}/healthz")[0] == 200
        assert fetch(f"{address}/readyz")[0] == 200
        assert fetch(f"{address}/api/v1/communities")[0] == 401
        link = re.search(r"http\S+/welcome/\S+", said[1])
        assert link is not None
        assert fetch(link.group())[0] == 200
        assert fetch(f"{address}/welcome/guessed")[0] in (404, 410)
    assert not Cluster(folder).is_running()


def test_a_network_without_tls_is_refused_in_one_line(folder: Path):
    process = weige("serve", "--data-dir", str(folder), "--host", "0.0.0.0")
    told = process.communicate(timeout=120)[1]
    assert process.returncode == 2
    assert told.count("\n") == 1
    assert "--insecure-http" in told
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("listening", "safe"),
    [
        (Listening("127.0.0.1"), True),
        (Listening("::1"), True),
        (Listening("localhost"), True),
        (Listening("10.1.2.3"), False),
        (Listening("10.1.2.3", insecure_http=True), True),
        (Listening("10.1.2.3", public_url="https://weige.example"), True),
        (Listening("10.1.2.3", public_url="http://weige.example"), False),
    ],
)
def test_only_a_loopback_or_tls_is_safe(listening: Listening, safe: bool):
    if safe:
        require_safe(listening)
    else:
        with pytest.raises(ListeningError):
            require_safe(listening)


def test_a_certificate_without_its_key_is_refused():
    with pytest.raises(ListeningError, match="missing"):
        require_safe(Listening(tls_cert=Path("cert.pem")))


def made_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-days", "2", "-subj", f"/CN={name}", "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip
    return cert, key


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes certificates with openssl")
def test_certificates_that_cannot_be_used_are_refused_before_anything_starts(tmp_path: Path):
    cert, key = made_certificate(tmp_path, "one")
    _, other = made_certificate(tmp_path, "other")
    broken = tmp_path / "broken.pem"
    broken.write_text("nonsense")
    require_safe(Listening("10.1.2.3", tls_cert=cert, tls_key=key))
    for pair, code in (((cert, other), "tls_mismatch"), ((broken, key), "tls_not_usable")):
        with pytest.raises(ListeningError) as refused:
            require_safe(Listening(tls_cert=pair[0], tls_key=pair[1]))
        assert refused.value.code == code


def test_a_port_in_use_is_refused_before_a_database_is_made(folder: Path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        process = weige("serve", "--data-dir", str(folder / "data"), "--port", str(port))
        told = process.communicate(timeout=120)[1]
    assert process.returncode == 2
    assert told.count("\n") == 1
    assert str(port) in told
    assert not (folder / "data").exists()


def test_a_host_of_another_machine_is_refused():
    with pytest.raises(ListeningError, match="no address of this machine"):
        require_port(Listening("192.0.2.1", free_port(), insecure_http=True))


def test_what_another_service_says_is_not_taken_for_its_own_readiness(monkeypatch: pytest.MonkeyPatch):
    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"status": "ready", "instance": "another"}')

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    monkeypatch.setattr(serving, "READY_WITHIN_S", 0.5)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Other) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        for instance, heard in (("mine", []), ("another", ["ready"])):
            told: list[str] = []
            serving._tell_when_ready(
                Listening(port=other.server_port), instance, None,
                lambda *_, told=told: told.append("ready"), threading.Event(),
            )  # fmt: skip
            assert told == heard
        other.shutdown()


def test_a_server_that_another_process_starts_is_waited_for(cluster: Cluster):
    pid = int((cluster.data / "postmaster.pid").read_text().split("\n", 1)[0])
    os.kill(pid, signal.SIGSTOP)
    try:
        assert not cluster.is_running()
        threading.Timer(5, os.kill, (pid, signal.SIGCONT)).start()
        cluster.ensure_running()
        assert cluster.is_running()
    finally:
        os.kill(pid, signal.SIGCONT)


def test_names_are_not_taken_for_loopback():
    assert not is_loopback("localhost.example")


@pytest.mark.skipif(os.geteuid() != 0, reason="as an ordinary user the cluster is that user's own")
def test_a_folder_that_the_database_user_cannot_reach_is_named(tmp_path: Path):
    tmp_path.chmod(0o700)
    with pytest.raises(ClusterError, match="cannot reach this folder"):
        Cluster(tmp_path / "closed").ensure_running()


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Path, "glob", lambda self, pattern: iter(()))
    with pytest.raises(ClusterError, match="postgresql-postgis"):
        binaries()


@pytest.mark.slow
def test_a_database_that_dies_is_started_again(folder: Path):
    with Cluster(folder).held() as cluster:
        pid = int((cluster.data / "postmaster.pid").read_text().split("\n", 1)[0])
        os.kill(pid, signal.SIGKILL)
        for _ in range(300):
            fresh = (cluster.data / "postmaster.pid").read_text().split("\n", 1)[0]
            if fresh != str(pid) and cluster.is_running():
                break
            signal.sigtimedwait([], 0.1)
        assert cluster.is_running()
    assert not cluster.is_running()


def test_a_worker_starts_without_what_few_requests_need():
    script = "import sys, api.worker_app; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "fastapi" in loaded
    assert not loaded & {"alembic", "geopandas", "numba", "pyarrow", "pyogrio", "scipy"}
