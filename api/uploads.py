"""Files that people send: received in pieces, looked into by a process with few rights, kept by content."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from api.errors import AwayError, ServiceError, TooLargeError
from api.jobs import UPLOADS, private_folder
from geo.errors import InputError
from geo.suffixes import SUFFIXES

# A million households with footprints are a third of it.
MAX_BYTES = 1 << 30
# Of one user, all files together.
QUOTA_BYTES = 8 << 30
# Least space that must stay free on the disk.
SPARE_BYTES = 1 << 30
RECEIVE_S = 1800.0
STALL_S = 60.0
# Looking into a file ends after 15 s of processor time; this only meets a machine that gives it none.
INSPECT_S = 60.0
# How long an upload may wait for another to be looked into.
TURN_S = 60.0
_PIECE_BYTES = 1 << 20
_INCOMING = "incoming"
# What a worker that was killed has left is older than any upload may take.
_LEFT_BEHIND_S = 2 * RECEIVE_S
_NAME = re.compile(r"[^\x00-\x1f\x7f/\\:]{1,200}")

# One file at a time a worker: each may take 512 MiB.
_turn = asyncio.Semaphore(1)


class UploadError(ServiceError):
    """What was sent is no upload this service takes."""

    status = 422


@dataclass(frozen=True)
class Received:
    """A file as it came in.

    Attributes
    ----------
    path : Path
        Where it lies for now, under its own name.
    sha256 : bytes
    n_bytes : int
    """

    path: Path
    sha256: bytes
    n_bytes: int


@contextmanager
def incoming(data_dir: Path) -> Iterator[Path]:
    """Yield a folder for one upload; it is gone afterwards, whatever happens."""
    above = private_folder(data_dir, UPLOADS) / _INCOMING
    above.mkdir(exist_ok=True)
    for left in above.iterdir():
        if left.stat().st_mtime < time.time() - _LEFT_BEHIND_S:
            shutil.rmtree(left, ignore_errors=True)
    folder = above / uuid4().hex
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def require_name(name: str | None) -> str:
    """Return the name of a file that may be sent.

    Raises
    ------
    UploadError, InputError
        It is missing, a path, or of a type that is not read.
    """
    if name is None or not _NAME.fullmatch(name) or name.startswith(".") or len(os.fsencode(name)) > 200:
        raise UploadError("upload_name", "name the file, without folders: ?name=units.gpkg")
    suffix = Path(name).suffix.lower()
    if suffix == ".shp":
        raise UploadError("upload_shapefile", "a shapefile has several parts; send them packed as one zip")
    if suffix not in SUFFIXES:
        raise InputError(
            "format_unknown",
            f"files of type {suffix or 'none'!r} are not read",
            mend="export it as zipped shapefile, GeoPackage, GeoJSON, GeoParquet, KML, CSV or XLSX",
            file=name,
            suffix=suffix or "-",
        )
    return name


async def receive(request: Request, folder: Path, name: str | None) -> Received:
    """Write the body of a request to a file as it comes, never holding more than a piece of it.

    Parameters
    ----------
    request : Request
        Its body is the file, or one multipart form with the file.
    folder : Path
    name : str, optional
        Of the file; a form names it itself.

    Raises
    ------
    TooLargeError
        It is larger than 1 GiB, or the disk is full.
    UploadError, InputError
        It comes too slowly, is no form, empty, or has a name that is not taken.
    """
    said = request.headers.get("Content-Length", "")
    if said.isdecimal() and int(said) > MAX_BYTES:
        raise _too_large()
    kind, options = parse_options_header(request.headers.get("Content-Type", ""))
    form = _Form(options.get(b"boundary", b"")) if kind == b"multipart/form-data" else None
    if form is None:
        name = require_name(name)
    file: _File | None = None
    try:
        async for body in _pieces(request):
            piece = body if form is None else form.feed(body)
            name = name if form is None else form.name
            if piece:
                file = file or _File(folder / require_name(name))
                await asyncio.to_thread(file.write, piece)
    except OSError as error:
        raise AwayError("disk_full", "the file cannot be stored now", retry_after_s=60) from error
    finally:
        if file is not None:
            file.close()
    if file is None:
        raise UploadError("upload_empty", "the file is empty")
    return Received(file.path, file.digest.digest(), file.n_bytes)


class _File:
    """A file that is being written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.digest = hashlib.sha256()
        self.n_bytes = 0
        self._handle: IO[bytes] = path.open("xb")

    def write(self, piece: bytes) -> None:
        self.n_bytes += len(piece)
        if self.n_bytes > MAX_BYTES:
            raise _too_large()
        if shutil.disk_usage(self.path.parent).free < SPARE_BYTES:
            raise AwayError("disk_full", "the disk of the service is full", retry_after_s=600)
        self.digest.update(piece)
        self._handle.write(piece)

    def close(self) -> None:
        self._handle.flush()
        os.fsync(self._handle.fileno())
        self._handle.close()


class _Form:
    """A multipart form of which the first file is taken."""

    def __init__(self, boundary: bytes) -> None:
        self.name: str | None = None
        self._field = b""
        self._value = b""
        self._is_file = False
        self._taken = bytearray()
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_header_field": self._on_field,
                    "on_header_value": self._on_value,
                    "on_header_end": self._on_header,
                    "on_part_data": self._on_part,
                    "on_part_end": self._on_end,
                },
            )
        except MultipartParseError as error:
            raise UploadError("upload_form", "the form has no boundary") from error

    def feed(self, piece: bytes) -> bytes:
        """Take a piece of the body and return the piece of the file in it."""
        try:
            self._parser.write(piece)
        except MultipartParseError as error:
            raise UploadError("upload_form", "the form is broken") from error
        found, self._taken = bytes(self._taken), bytearray()
        return found

    def _on_field(self, content: bytes, start: int, end: int) -> None:
        self._field += content[start:end]

    def _on_value(self, content: bytes, start: int, end: int) -> None:
        self._value += content[start:end]

    def _on_header(self) -> None:
        if self._field.lower() == b"content-disposition" and self.name is None:
            _, options = parse_options_header(self._value)
            if b"filename" in options:
                self.name = options[b"filename"].decode("utf-8", "replace")
                self._is_file = True
        self._field = self._value = b""

    def _on_part(self, content: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._taken += content[start:end]

    def _on_end(self) -> None:
        self._is_file = False


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    """Yield the body in pieces of a megabyte or so, as long as it keeps coming."""
    end = time.monotonic() + RECEIVE_S
    gathered = bytearray()
    stream = request.stream()
    n_bytes = 0
    try:
        while True:
            try:
                chunk = await asyncio.wait_for(anext(stream), STALL_S)
            except StopAsyncIteration:
                break
            n_bytes += len(chunk)
            if n_bytes > MAX_BYTES + _PIECE_BYTES:
                raise _too_large()
            if time.monotonic() > end:
                raise TimeoutError
            gathered += chunk
            if len(gathered) >= _PIECE_BYTES:
                yield bytes(gathered)
                gathered.clear()
    except TimeoutError as error:
        raise UploadError("upload_slow", "the file does not come; send it again") from error
    except ClientDisconnect as error:
        raise UploadError("upload_broken", "the connection broke; send the file again") from error
    if gathered:
        yield bytes(gathered)


def _too_large() -> TooLargeError:
    return TooLargeError(
        "upload_too_large",
        f"a file may have {MAX_BYTES >> 20} MiB; split it by district, or send a GeoPackage",
        limit_bytes=MAX_BYTES,
    )


async def inspect(path: Path) -> list[dict[str, Any]]:
    """Return the layers of a received file.

    Raises
    ------
    InputError
        It is broken, hostile, of another kind than its name says, or cannot be read within 512 MiB and 20 s.
    AwayError
        Too many others are being looked into.
    """
    try:
        await asyncio.wait_for(_turn.acquire(), TURN_S)
    except TimeoutError as error:
        raise AwayError("uploads_busy", "other files are being looked into", retry_after_s=10) from error
    try:
        told = await run_in_threadpool(_inspected, path)
    finally:
        _turn.release()
    refused = (told or {"refused": None}).get("refused", {})
    if refused is None:
        raise InputError(
            "not_readable_within_limits",
            "it cannot be read with 512 MiB of memory in 20 s",
            mend="split it by district, or send it as GeoPackage",
            file=path.name,
        )
    if refused:
        values = refused.pop("values")
        raise InputError(refused.pop("code"), refused.pop("message"), **refused, **values)
    layers: list[dict[str, Any]] = told["layers"] if told else []
    return layers


def _inspected(path: Path) -> dict[str, Any] | None:
    """Return what the inspecting process says; None where it was ended or says nothing."""
    scratch = path.parent / "scratch"
    scratch.mkdir()
    try:
        # Not the event loop's own way: uvloop forks by hand, and among threads such a child may wait for ever
        # for a lock that nobody in it holds.
        done = subprocess.run(
            [sys.executable, "-m", "api.inspection", str(path.resolve())],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=scratch,
            env=_environment(scratch), start_new_session=True, timeout=INSPECT_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return None
    try:
        told: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return None
    return told


def _environment(scratch: Path) -> dict[str, str]:
    return {
        "PYTHONPATH": os.pathsep.join(entry or os.getcwd() for entry in sys.path),
        "TMPDIR": str(scratch.resolve()),
        "HOME": str(scratch.resolve()),
        "LANG": "C.UTF-8",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "PROJ_NETWORK": "OFF",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
