"""Uploads: what is good is kept by its content; what is hostile is refused and leaves nothing."""

from __future__ import annotations

import asyncio
import re
import resource
import subprocess
import sys
import time
import zipfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.requests import Request

import api.uploads
import tests.bad_input.containers
import tests.bad_input.hostile_text  # noqa: F401
from api.database import Store
from api.errors import ServiceError, TooLargeError
from api.inspection import layers_of
from api.uploads import UploadError, incoming, inspect, receive, require_name
from geo.errors import InputError
from tests.api.people import Person, add_division, add_person
from tests.api.processes import api_worker
from tests.bad_input.cases import csv_units, good_units, gpkg, parts, shp, zipped

MEMORY_MIB, SECONDS = 512, 20
VRT = (
    b'<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>/etc/passwd</SrcDataSource>'
    b"</OGRVRTLayer></OGRVRTDataSource>"
)
ENTITIES = (
    b'<?xml version="1.0"?><!DOCTYPE k [<!ENTITY a "'
    + b"a" * 1000
    + b'"><!ENTITY b "&a;&a;&a;&a;">]><kml>&b;</kml>'
)


def request_of(body: AsyncIterator[bytes], **headers: str) -> Request:
    """A request whose body comes in pieces."""

    async def receive_piece() -> dict[str, Any]:
        try:
            return {"type": "http.request", "body": await anext(body), "more_body": True}
        except StopAsyncIteration:
            return {"type": "http.request", "body": b"", "more_body": False}

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": raw}, receive_piece)


async def pieces(*given: bytes) -> AsyncIterator[bytes]:
    for piece in given:
        yield piece


def received(
    body: AsyncIterator[bytes], folder: Path, name: str | None, **headers: str
) -> api.uploads.Received:
    return asyncio.run(receive(request_of(body, **headers), folder, name))


def test_a_body_is_written_as_it_comes(tmp_path: Path) -> None:
    got = received(pieces(b"unit_id,", b"households\n", b""), tmp_path, "units.csv")

    assert got.path.name == "units.csv"
    assert got.path.read_bytes() == b"unit_id,households\n"
    assert got.n_bytes == 19


def test_the_first_file_of_a_form_is_taken_wherever_its_pieces_are_cut(tmp_path: Path) -> None:
    content = bytes(range(256)) * 20
    body = (
        b'--XX\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'
        b'--XX\r\nContent-Disposition: form-data; name="file"; filename="\xe5\x8d\x95\xe5\x85\x83.csv"\r\n'
        b"Content-Type: text/csv\r\n\r\n" + content + b"\r\n--XX--\r\n"
    )
    for size in (7, 1000, 100_000):
        folder = tmp_path / str(size)
        folder.mkdir()
        cut = pieces(*(body[at : at + size] for at in range(0, len(body), size)))
        got = received(cut, folder, None, content_type="multipart/form-data; boundary=XX")

        assert got.path.name == "单元.csv"
        assert got.path.read_bytes() == content


@pytest.mark.parametrize(
    "name",
    [
        None,
        "",
        "../units.csv",
        "a/b.csv",
        "a\\b.csv",
        ".hidden.csv",
        "x" * 201 + ".csv",
        "a\0.csv",
        "c:x.csv",
    ],
)
def test_a_name_that_is_a_path_is_refused(name: str | None) -> None:
    with pytest.raises(UploadError):
        require_name(name)


@pytest.mark.parametrize("name", ["units.vrt", "units.py", "units", "units.xml"])
def test_a_file_of_another_type_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="are not read"):
        require_name(name)


def test_a_body_larger_than_it_may_be_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.uploads, "MAX_BYTES", 10 << 20)
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1 << 16
            yield bytes(1 << 16)

    with incoming(tmp_path) as folder, pytest.raises(TooLargeError):
        received(endless(), folder, "units.csv")
    with incoming(tmp_path) as folder, pytest.raises(TooLargeError):
        received(pieces(b"x"), folder, "units.csv", content_length=str(11 << 20))

    assert taken < 13 << 20
    assert not list((tmp_path / "uploads" / "incoming").iterdir())


def test_a_body_that_stalls_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.uploads, "STALL_S", 0.1)

    async def stalling() -> AsyncIterator[bytes]:
        yield b"unit_id"
        await asyncio.sleep(30)

    with incoming(tmp_path) as folder, pytest.raises(ServiceError, match="send it again"):
        received(stalling(), folder, "units.csv")


def test_what_a_killed_worker_left_is_cleared_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.uploads, "_LEFT_BEHIND_S", 0)
    left = tmp_path / "uploads" / "incoming" / "left"
    left.mkdir(parents=True)
    (left / "half.csv").write_bytes(b"x")
    time.sleep(0.01)

    with incoming(tmp_path):
        assert not left.exists()


def test_good_files_tell_their_layers(tmp_path: Path) -> None:
    gpkg(tmp_path, good_units(), layer="houses")
    gpkg(tmp_path, good_units(3), layer="sheds", mode="a")

    assert [
        (layer["name"], layer["features"], layer["crs"]) for layer in layers_of(tmp_path / "units.gpkg")
    ] == [
        ("houses", 6, "EPSG:4549"),
        ("sheds", 3, "EPSG:4549"),
    ]


def inspected(path: Path) -> tuple[str, float, float]:
    """Inspect in the process of its own; return code of the refusal, peak memory in MiB, seconds."""
    # Not ru_maxrss: a new process inherits that of its parent.
    script = (
        "import runpy, sys\n"
        "try:\n    runpy.run_module('api.inspection', run_name='__main__')\n"
        "finally:\n"
        "    print([row for row in open('/proc/self/status') if row.startswith('VmHWM')], file=sys.stderr)"
    )
    started = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False
    )
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = ended.ru_utime + ended.ru_stime - started.ru_utime - started.ru_stime
    peak = int(re.findall(r"VmHWM:\\t *(\d+) kB", done.stderr)[0]) / 1024
    # A process that says nothing was ended at a limit: what it looked into is not taken.
    refused = "taken" if '"layers"' in done.stdout else "refused"
    return refused, peak, seconds


def _bomb(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "units.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("units.shp", bytes(900 << 20))
    return folder / "units.zip"


def _sheet_bomb(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "units.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", bytes(900 << 20))
    return folder / "units.xlsx"


def _slip(folder: Path) -> Path:
    shp(folder, good_units())
    members = {f"../../units.{part}": content for part, content in parts(folder).items()}
    return folder / zipped(folder, members)


def _link(folder: Path) -> Path:
    shp(folder, good_units())
    with zipfile.ZipFile(folder / "units.zip", "w") as archive:
        for part, content in parts(folder).items():
            member = zipfile.ZipInfo(f"units.{part}")
            member.external_attr = (0o120777 if part == "dbf" else 0o100644) << 16
            archive.writestr(member, b"/etc/passwd" if part == "dbf" else content)
    return folder / "units.zip"


def _written(name: str, content: Callable[[], bytes]) -> Callable[[Path], Path]:
    def build(folder: Path) -> Path:
        (folder / name).write_bytes(content())
        return folder / name

    return build


LINE = 200 << 20
HOSTILE: dict[str, Callable[[Path], Path]] = {
    "zip slip": _slip,
    "link in a zip": _link,
    "zip bomb": _bomb,
    "bomb in a workbook": _sheet_bomb,
    "VRT as GeoPackage": _written("units.gpkg", lambda: VRT),
    "VRT as KML": _written("units.kml", lambda: VRT),
    "VRT as JSON": _written("units.json", lambda: VRT),
    "XML entities": _written("units.kml", lambda: ENTITIES),
    "line of a table": _written("units.csv", lambda: b"unit_id,households,lon,lat\nU1," + b"9" * LINE),
    "line of JSON": _written(
        "units.geojson",
        lambda: b'{"type":"FeatureCollection","features":[{"type":"Feature","properties":{},"geometry":'
        b'{"type":"LineString","coordinates":[' + b"[119.6,32]," * (LINE // 11) + b"[119.6,32]]}}]}",
    ),
    "line of KML": _written(
        "units.kml",
        lambda: b'<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark><LineString><coordinates>'
        + b"119.6,32 " * (LINE // 9) + b"</coordinates></LineString></Placemark></Document></kml>",
    ),
    "deep JSON": _written("units.geojson", lambda: b'{"a":' * 1_000_000),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("build", HOSTILE.values(), ids=list(HOSTILE))
def test_a_hostile_file_is_refused_within_limits_of_memory_and_time(
    build: Callable[[Path], Path], tmp_path: Path
) -> None:
    path = build(tmp_path)
    before = sorted(tmp_path.iterdir())

    refused, peak, seconds = inspected(path)

    assert refused == "refused"
    assert peak <= MEMORY_MIB
    assert seconds <= SECONDS
    assert sorted(tmp_path.iterdir()) == before


def test_a_file_that_takes_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.uploads, "INSPECT_S", 0.01)
    csv_units(tmp_path, "U1,20,119.6,32")

    with pytest.raises(InputError, match="512 MiB"):
        asyncio.run(inspect(tmp_path / "units.csv"))


@pytest.fixture
def planner(store: Store) -> Person:
    add_division(store, "c1", "community")
    return add_person(store, "planner", planner="c1")


@pytest.mark.slow
def test_uploads_over_the_api(store: Store, planner: Person, tmp_path: Path) -> None:
    other = add_person(store, "other", planner="c1")
    reporter = add_person(store, "reporter", reporter="c1")
    made, data = tmp_path / "made", tmp_path / "data"
    made.mkdir()
    gpkg(made, good_units())
    content = (made / "units.gpkg").read_bytes()
    with (
        api_worker(store.url, data) as (address, _),
        httpx2.Client(base_url=address, headers=planner.headers, timeout=120, trust_env=False) as client,
    ):
        url = "/api/v1/uploads"
        sent = client.post(url, params={"name": "units.gpkg"}, content=content)
        again = client.post(url, files={"file": ("same.gpkg", content)})
        first, second = sent.json(), again.json()

        assert (sent.status_code, again.status_code) == (201, 201), (first, second)
        assert sent.headers["Location"] == f"{url}/{first['id']}"
        assert first["layers"][0] | {"crs": "EPSG:4549", "features": 6} == first["layers"][0]
        assert (first["sha256"], second["name"]) == (second["sha256"], "same.gpkg")
        assert [path.name for path in data.glob("uploads/??/*")] == [f"{first['sha256']}.gpkg"]
        assert client.get(f"{url}/{first['id']}").json() == first
        assert client.get(f"{url}/{first['id']}", headers=other.headers).status_code == 404
        assert client.delete(f"{url}/{first['id']}", headers=other.headers).status_code == 404
        assert client.get(url, headers=other.headers).json() == {"uploads": []}
        assert (
            client.post(url, params={"name": "a.csv"}, content=b"x", headers=reporter.headers).status_code
            == 403
        )
        assert (
            client.post(
                url, params={"name": "a.csv"}, content=b"x", headers={"Authorization": ""}
            ).status_code
            == 401
        )

        for name, body, code in (
            ("units.kml", VRT, "content_differs"),
            ("units.kml", ENTITIES, "container_broken"),
            ("../x.csv", b"x", "upload_name"),
            ("units.shp", b"x", "upload_shapefile"),
            ("units.csv", b"", "upload_empty"),
            ("units.kml", b"no such thing", "content_unknown"),
        ):
            answer = client.post(url, params={"name": name}, content=body)
            assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
        zh = {"Accept-Language": "zh-CN"}
        for name, body, said in (
            ("units.csv", b"", "文件是空的"),
            ("units.kml", b"no such thing", "内容不是 KML"),
        ):
            answer = client.post(url, params={"name": name}, content=body, headers=zh)
            assert said in answer.json()["detail"]

        assert client.delete(f"{url}/{first['id']}").status_code == 204
        assert len(list(data.glob("uploads/??/*"))) == 1
        assert client.delete(f"{url}/{second['id']}").status_code == 204
        assert list(data.glob("uploads/??/*")) == []
        assert list(data.glob("uploads/incoming/*")) == []
