"""Reports without an account: where a street takes them, once for each key, and how many."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from limits import RateLimitItemPerMinute
from sqlalchemy import text

from api.cases import anonymous
from api.cases.case_log import verify_cases
from tests.api.accounts import add_person, bearer
from tests.api.cases.desk import IN_FIRST, LAT, LON, Desk
from tests.api.cases.test_photos import with_metadata

REPORT = {"category": "E0402", "text": "水管爆裂", "lon": IN_FIRST[0], "lat": IN_FIRST[1]}


def let_in(client: TestClient, admin: dict[str, str], division: int, **said: bool) -> int:
    body = {"reporters": True, "anonymous": True, **said}
    return client.put(f"/api/v1/intake/{division}", json=body, headers=admin).status_code


def report(client: TestClient, key: str | None = None, **body: object):
    return client.post(
        "/api/v1/reports", json={**REPORT, **body}, headers={"Idempotency-Key": key or str(uuid4())}
    )


def test_without_the_street_s_word_nobody_reports_without_an_account(client: TestClient, desk: Desk):
    assert report(client).status_code == 403
    assert client.get("/api/v1/ground", params={"bbox": "120,33,120.01,33.01"}).status_code == 401
    assert (
        client.get("/api/v1/reports/nearby", params={"category": "E0402", "lon": 120, "lat": 33}).status_code
        == 401
    )


def test_a_report_without_an_account_is_a_case_once_and_nobody_s(
    client: TestClient, desk: Desk, admin: dict[str, str]
):
    assert let_in(client, admin, desk.street) == 204
    key = str(uuid4())

    made, again = report(client, key), report(client, key)

    assert made.status_code == again.status_code == 201, made.text
    assert made.json()["number"] == again.json()["number"]
    assert (made.json()["created"], again.json()["created"]) == (True, False)
    row = desk.row(made.json()["number"])
    assert (row["channel"], row["reported_by"], row["grid"]) == ("public", None, "320924001001001")
    assert key not in str(row)
    assert verify_cases(desk.store).faults == ()


def test_a_report_sent_by_two_pages_at_once_is_one_case_and_both_are_told(
    client: TestClient, desk: Desk, admin: dict[str, str]
):
    let_in(client, admin, desk.street)
    with ThreadPoolExecutor(4) as pages:
        for _ in range(5):
            key = str(uuid4())
            sent = [pages.submit(report, client, key) for _ in range(4)]
            told = [one.result() for one in sent]
            assert [one.status_code for one in told] == [201] * 4, [one.text for one in told]
            assert len({one.json()["number"] for one in told}) == 1
            assert sum(one.json()["created"] for one in told) == 1


def test_what_is_said_nearest_above_a_place_holds_there(
    client: TestClient, desk: Desk, admin: dict[str, str]
):
    let_in(client, admin, desk.street)
    let_in(client, admin, desk.place.community_id, anonymous=False)
    assert report(client).json()["code"] == "outside_areas"
    let_in(client, admin, desk.place.community_id)
    assert report(client).status_code == 201
    assert client.delete(f"/api/v1/intake/{desk.place.community_id}", headers=admin).status_code == 204
    assert report(client).status_code == 201
    assert report(client, lon=LON + 5, lat=LAT).json()["code"] == "outside_areas"
    with desk.store.owner.connect() as owner:
        audited = owner.execute(text("SELECT count(*) FROM log WHERE action = 'intake_changed'")).scalar_one()
    assert audited == 4


def test_only_its_administrators_say_what_an_area_lets_in(
    client: TestClient, desk: Desk, admin: dict[str, str]
):
    assert let_in(client, bearer(desk.tokens["dispatcher"]), desk.street) == 403
    assert let_in(client, bearer(desk.tokens["reporter"]), desk.street) == 404
    let_in(client, admin, desk.street)
    (told,) = client.get("/api/v1/intake", headers=admin).json()
    assert (told["code"], told["anonymous"]) == ("320924001", True)


def test_texts_that_tell_of_a_person_are_refused(client: TestClient, desk: Desk, admin: dict[str, str]):
    let_in(client, admin, desk.street)
    for said in ({"text": "回电13812345678"}, {"text": "3号楼2单元501室"}, {"address": "501室"}):
        told = report(client, **said)
        assert (told.status_code, told.json()["code"]) == (422, "personal_text")


def test_a_flood_ends_and_is_told_when_to_go_on(
    client: TestClient, desk: Desk, admin: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    let_in(client, admin, desk.street)
    monkeypatch.setattr(anonymous, "FROM_ADDRESS", RateLimitItemPerMinute(3, 60, namespace="reports"))

    told = [report(client).status_code for _ in range(4)]

    assert told == [201, 201, 201, 429]
    assert int(report(client).headers["Retry-After"]) > 60


def test_a_photo_is_added_with_the_key_of_the_report_and_with_no_other(
    client: TestClient, desk: Desk, admin: dict[str, str]
):
    let_in(client, admin, desk.street)
    key = str(uuid4())
    number = report(client, key).json()["number"]

    def send(with_key: str) -> int:
        return client.post(
            "/api/v1/reports/photos", content=with_metadata(),
            headers={"Idempotency-Key": with_key, "Content-Type": "application/octet-stream"},
        ).status_code  # fmt: skip

    assert send(key) == 201
    assert send(str(uuid4())) == 404
    seen = client.get(f"/api/v1/cases/{number}/photos", headers=bearer(desk.tokens["dispatcher"])).json()
    assert [photo["state"] for photo in seen] == ["reported"]
    with desk.store.owner.begin() as owner:
        owner.execute(text("ALTER TABLE log DISABLE TRIGGER append_only"))
        owner.execute(text("UPDATE log SET at = at - interval '2 days' WHERE stream = 'case'"))
    assert send(key) == 404  # a day later it opens nothing


def test_what_is_open_nearby_is_told_without_its_text(client: TestClient, desk: Desk, admin: dict[str, str]):
    let_in(client, admin, desk.street)
    report(client, text="建华园2号楼水管爆裂")
    near = {"category": "E0402", "lon": IN_FIRST[0] + 0.0003, "lat": IN_FIRST[1]}

    told = client.get("/api/v1/reports/nearby", params=near)
    assert told.status_code == 200, told.text
    (found,) = told.json()

    assert found == {"distance_m": 30, "category_name": "自来水管破裂", "state": "reported", "days_ago": 0}
    assert client.get("/api/v1/reports/nearby", params={**near, "category": "E0102"}).json() == []
    # A reporter sees the same, of cases that are not his own too.
    as_reporter = client.get("/api/v1/reports/nearby", params=near, headers=bearer(desk.tokens["reporter"]))
    assert as_reporter.json() == [found]


def test_the_ground_of_a_place_is_told_where_one_may_report(
    client: TestClient, desk: Desk, admin: dict[str, str]
):
    box = {"bbox": f"{LON},{LAT},{LON + 0.01},{LAT + 0.01}"}
    kinds = [
        one["properties"]["kind"]
        for one in client.get("/api/v1/ground", params=box, headers=bearer(desk.tokens["reporter"])).json()[
            "features"
        ]
    ]
    assert kinds.count("community") == 1
    assert kinds.count("building") == 8
    stranger = add_person(desk.store, "stranger")[1]
    assert client.get("/api/v1/ground", params=box, headers=bearer(stranger)).json()["features"] == []
    assert client.get("/api/v1/ground", params={"bbox": "120,33,121,34"}, headers=admin).status_code == 422
