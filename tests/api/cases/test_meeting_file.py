"""The file for a meeting that the service makes: whose cases it shows, and what it never holds."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.database import Store
from api.main import create_app
from api.routes import exports
from api.settings import Settings
from maps.pack import unpack
from tests.api.accounts import add_person, root_id
from tests.api.cases.desk import IN_SECOND, Desk, open_desk, publish
from tests.api.place import draw_community


@pytest.fixture
def desk(store: Store) -> Desk:
    made = open_desk(store)
    with store.owner.begin() as owner:
        owner.execute(
            text("INSERT INTO stations (community_id, station_id, name, facilities, geom) VALUES (:c,"
                 " 'YZ1', '红色驿站', '{饮水机,药箱}', ST_SetSRID(ST_MakePoint(120.001, 33.001), 4490))"),
            {"c": made.place.community_id},
        )  # fmt: skip
    return made


@pytest.fixture
def service(store: Store, tmp_path: Path):
    with TestClient(create_app(Settings(data_dir=tmp_path / "data"), store.url)) as client:
        yield client


def asked(service: TestClient, token: str, address: str) -> Any:
    return service.get(f"/api/v1/{address}", headers={"Authorization": f"Bearer {token}"})


def held(answer: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the layers of a file, and what it says of itself."""
    assert answer.status_code == 200, answer.text
    packed = re.search(r'id="weige-pack">([A-Za-z0-9+/=]+)<', answer.text)
    settings = re.search(r'id="weige-settings">(.*?)</script>', answer.text)
    assert packed is not None
    assert settings is not None
    return unpack(base64.b64decode(packed.group(1))), json.loads(settings.group(1))["meeting"]


def area_map(desk: Desk, query: str = "") -> str:
    return f"divisions/{desk.street}/map{query}"


def test_the_file_of_an_area_shows_what_is_in_force_with_its_cases_and_stations(service, store, desk):
    other = draw_community(store, "320924001002", [[20, 20]], lon=121.0, above=desk.street)
    publish(store, other)
    draft = draw_community(store, "320924001003", [[20, 20]], lon=122.0, above=desk.street)
    open_case, closed = desk.report()["number"], desk.report(lon=IN_SECOND[0])["number"]
    desk.take(closed, ("dispatcher", "refuse", {"reason": "not_ours", "note": "不属本街道"}))

    layers, note = held(asked(service, desk.tokens["dispatcher"], area_map(desk, "?watermark=内部")))

    assert set(layers["grids"]["grid_id"]) == {
        f"{desk.place.code}001",
        f"{desk.place.code}002",
        f"{other.code}001",
    }
    assert set(layers["communities"]["community_id"]) == {desk.place.code, other.code}
    assert draft.code not in set(layers["grids"]["community_id"])
    cases = layers["incidents"].set_index("case_id")
    assert set(cases.index) == {open_case, closed}
    assert cases["state"].to_dict() == {open_case: "待受理", closed: "已作废"}
    assert cases["grid"].notna().all()
    assert layers["stations"]["facilities"].tolist() == ["饮水机;药箱"]
    assert note["watermark"] == "内部"
    assert note["redacted"] is True
    # The day of the stamp is that of the cases, wherever the service runs.
    assert note["made_at"].endswith("+08:00")
    told = {each["name"]: (each["rows"], each["shown"]) for each in note["sources"]}
    assert told == {"街道 320924001": (3, 3), "事件": (2, 2), "驿站": (1, 1)}
    # Both communities have a unit u00: each is told apart.
    assert layers["units"]["unit_id"].is_unique


def test_the_file_of_the_whole_tree_is_named_by_the_only_area_under_it(service, store, desk):
    _, token = add_person(store, "all", ("viewer", root_id(store)))
    with store.owner.begin() as owner:
        owner.execute(text("UPDATE divisions SET name = '合德镇' WHERE id = :id"), {"id": desk.street})
        n = owner.execute(text("SELECT count(*) FROM divisions WHERE nlevel(path) = 2")).scalar_one()

    files = [asked(service, token, f"divisions/{division}/map") for division in (desk.street, root_id(store))]

    assert n == 1
    assert [held(file)[1]["sources"][0]["name"] for file in files] == ["合德镇", "合德镇"]
    assert all(quote("合德镇.html") in file.headers["Content-Disposition"] for file in files)


def test_nothing_that_people_wrote_is_in_the_file(service, desk):
    number = desk.report(text="张三家门口垃圾成堆", address="建华园1号楼")["number"]
    answer = asked(service, desk.tokens["dispatcher"], area_map(desk))

    assert number in held(answer)[0]["incidents"]["case_id"].tolist()
    for written in ("张三", "垃圾成堆", "建华园1号楼"):
        assert written not in answer.text
    assert "text" not in held(answer)[0]["incidents"]


def test_a_period_keeps_the_cases_reported_in_it_and_none_leaves_them_out(service, store, desk):
    desk.report()
    with store.owner.begin() as owner:
        owner.execute(text("UPDATE cases SET reported_at = '2026-03-31T23:30:00+08:00'"))
    token = desk.tokens["dispatcher"]
    for query, n in (
        ("?period=2026-03-31/2026-03-31", 1),
        ("?period=2026-04-01/2026-04-30", 0),
        ("?period=none", 0),
    ):
        layers, note = held(asked(service, token, area_map(desk, query)))
        assert len(layers.get("incidents", ())) == n, query
        assert note["period"] == (None if query.endswith("none") else query.split("=")[1].split("/"))
    refused = asked(service, token, area_map(desk, "?period=2026-04-30/2026-04-01"))
    assert (refused.status_code, refused.json()["code"]) == (422, "period")


def test_the_file_shows_only_the_cases_that_its_reader_may_list(service, store, desk):
    desk.report()
    address = f"versions/{desk.place.version_id}/map"
    seen, note = held(asked(service, desk.tokens["dispatcher"], address))
    assert len(seen["incidents"]) == 1
    _, token = add_person(store, "stranger", ("handler", desk.street))
    assert asked(service, token, "cases").json()["features"] == []
    layers, note = held(asked(service, token, address))
    assert len(layers["grids"]) == 2
    assert "incidents" not in layers
    assert {each["name"] for each in note["sources"]} == {f"/versions/{desk.place.version_id}", "驿站"}


def test_an_area_that_one_may_not_read_has_no_file(service, store, desk):
    other = draw_community(store, "320925001001", [[20, 20]], lon=125.0)
    _, token = add_person(store, "stranger", ("viewer", other.community_id))
    assert asked(service, token, area_map(desk)).status_code in (404, 409)
    assert asked(service, token, "divisions/999999/map").status_code == 404
    assert service.get(f"/api/v1/{area_map(desk)}").status_code == 401


def test_an_area_without_a_plan_in_force_or_with_too_many_grids_says_so(service, store, desk, monkeypatch):
    empty = draw_community(store, "320924001009", [[20, 20]], lon=123.0)
    _, token = add_person(store, "root", ("viewer", empty.community_id))
    refused = asked(service, token, f"divisions/{empty.community_id}/map")
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_draw")
    monkeypatch.setattr(exports, "MOST_GRIDS", 1)
    refused = asked(service, desk.tokens["viewer"], area_map(desk))
    assert (refused.status_code, refused.json()["code"]) == (409, "area_too_large")


def test_who_takes_the_file_of_an_area_is_in_the_audit_log(service, store, desk):
    asked(service, desk.tokens["viewer"], area_map(desk, "?period=2026-03-01/2026-03-31"))
    with store.owner.connect() as owner:
        entry = owner.execute(text("SELECT * FROM log WHERE action = 'download'")).one()
    assert entry.community_id == desk.street
    assert entry.body == {"division": desk.street, "format": "html", "cases": "2026-03-01/2026-03-31"}
