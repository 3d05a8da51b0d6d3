"""Cases over HTTP: reported, found, and stepped, by browsers and machines."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.cases.case_log import verify_cases
from api.database import Store
from tests.api.accounts import PASSWORD, bearer
from tests.api.cases.desk import IN_FIRST, ON_BORDER, Desk
from tests.api.processes import wait_until

REPORT = {"category": "E0102", "text": "垃圾", "lon": IN_FIRST[0], "lat": IN_FIRST[1]}


def post(client: TestClient, desk: Desk, role: str = "grid_worker", **body: object):
    return client.post("/api/v1/cases", json={**REPORT, **body}, headers=bearer(desk.tokens[role]))


def step(client: TestClient, desk: Desk, role: str, number: str, name: str, **carried: object):
    return client.post(
        f"/api/v1/cases/{number}/steps", json={"step": name, **carried}, headers=bearer(desk.tokens[role])
    )


def test_a_report_is_placed_and_dated_and_can_be_read_and_stepped(client: TestClient, desk: Desk):
    made = post(client, desk)
    assert made.status_code == 201, made.text
    receipt = made.json()
    assert (receipt["created"], receipt["grid"], receipt["state"]) == (True, "320924001001001", "reported")
    assert receipt["due_at"] is not None
    response = datetime.fromisoformat(receipt["response_due_at"]) - datetime.fromisoformat(
        receipt["reported_at"]
    )
    assert response == timedelta(minutes=5)
    read = client.get(made.headers["Location"], headers=bearer(desk.tokens["dispatcher"]))
    detail = read.json()
    assert {one["step"] for one in detail["allowed"]} >= {
        "accept",
        "refuse",
        "mark_duplicate",
        "dispatch_at_once",
    }
    assert "verify" not in {one["step"] for one in detail["allowed"]}
    assert detail["case"]["geometry"]["coordinates"] == list(IN_FIRST)

    number = receipt["number"]
    for role, name, carried in (
        ("dispatcher", "accept", {}), ("dispatcher", "dispatch", {"to": "water works"}),
        ("handler", "start", {}),
        ("handler", "finish", {"note": "修好"}),
    ):  # fmt: skip
        taken = step(client, desk, role, number, name, **carried)
        assert taken.status_code == 201, taken.text
    refused = step(client, desk, "verifier", number, "close")
    assert (refused.status_code, refused.json()["code"]) == (409, "case_step")
    assert (
        step(client, desk, "verifier", number, "verify").json()["case"]["properties"]["state"] == "verified"
    )
    assert verify_cases(desk.store).faults == ()


def test_who_handled_a_case_is_refused_as_its_verifier(client: TestClient, desk: Desk):
    number = post(client, desk).json()["number"]
    desk.take(number, ("dispatcher", "accept"), ("dispatcher", "dispatch", {"to": "water works"}),
              ("both", "start"), ("both", "finish", {"note": "修好"}))  # fmt: skip
    refused = step(client, desk, "both", number, "verify")
    assert (refused.status_code, refused.json()["code"]) == (409, "verifier_is_handler")
    allowed = client.get(f"/api/v1/cases/{number}", headers=bearer(desk.tokens["both"])).json()["allowed"]
    assert "verify" not in {one["step"] for one in allowed}


def test_personal_numbers_are_refused_and_never_repeated(client: TestClient, desk: Desk):
    for field, said in (
        ("text", "请回电13812345678"),
        ("text", "请回电138\u200b1234\u200b5678"),
        ("text", "请回电一三八一二三四五六七八"),
        ("address", "3号楼2单元501室"),
    ):
        refused = post(client, desk, **{field: said})
        assert (refused.status_code, refused.json()["code"]) == (422, "personal_text")
        assert "138" not in refused.text
        assert "501" not in refused.text


def test_the_number_of_an_order_is_nobodys_number(client: TestClient, desk: Desk):
    for number in ("13812345678", "11010519491231002X"):
        refused = post(client, desk, external_number=number)
        assert (refused.status_code, refused.json()["code"]) == (422, "personal_number")
        assert number not in refused.text


def test_a_border_is_a_question(client: TestClient, desk: Desk):
    made = post(client, desk, lon=ON_BORDER[0], lat=ON_BORDER[1]).json()
    assert (made["grid"], made["question"]) == (None, ["320924001001001", "320924001001002"])
    placed = step(client, desk, "grid_worker", made["number"], "place", grid="320924001001002").json()
    assert placed["case"]["properties"]["grid"] == "320924001001002"


def test_the_same_request_or_work_order_makes_one_case(client: TestClient, desk: Desk):
    headers = {**bearer(desk.tokens["grid_worker"]), "Idempotency-Key": "once"}
    first, again = (client.post("/api/v1/cases", json=REPORT, headers=headers) for _ in range(2))
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    other = client.post("/api/v1/cases", json={**REPORT, "text": "x"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (400, "idempotency_key_reused")
    order = {"channel": "12345", "external_number": "A-1"}
    one, two = post(client, desk, **order).json(), post(client, desk, **order).json()
    assert (one["created"], two["created"], one["number"] == two["number"]) == (True, False, True)
    with desk.store.owner.connect() as owner:
        assert owner.execute(text("SELECT count(*) FROM cases")).scalar_one() == 2


def test_a_browser_needs_its_csrf_token(client: TestClient, desk: Desk):
    from api.security import hash_password

    with desk.store.owner.begin() as owner:
        owner.execute(
            text("UPDATE users SET password_hash = :h WHERE name = 'grid_worker'"),
            {"h": hash_password(PASSWORD)},
        )
        owner.execute(
            text("INSERT INTO keys (token_sha256, user_id, kind, csrf_token, expires_at)"
                 " SELECT sha256('browser'), id, 'session', 'c', now() + interval '1 day' FROM users"
                 " WHERE name = 'grid_worker'")
        )  # fmt: skip
    client.cookies.set("weige_session", "browser")
    refused = client.post("/api/v1/cases", json=REPORT)
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf")
    assert client.post("/api/v1/cases", json=REPORT, headers={"X-CSRF-Token": "c"}).status_code == 201
    with desk.store.owner.connect() as owner:
        assert owner.execute(text("SELECT count(*) FROM cases")).scalar_one() == 1


def test_lists_are_filtered_and_paged_and_followed(client: TestClient, desk: Desk):
    headers = bearer(desk.tokens["viewer"])
    numbers = [post(client, desk).json()["number"] for _ in range(5)]
    other = post(client, desk, category="X9001").json()["number"]
    desk.take(numbers[1], ("dispatcher", "accept"))

    def listed(**query: object) -> list[str]:
        found = client.get("/api/v1/cases", params=query, headers=headers)
        assert found.status_code == 200, found.text
        return [one["id"] for one in found.json()["features"]]

    assert listed() == [*numbers, other]
    assert listed(state="accepted") == [numbers[1]]
    assert listed(category="X9001") == [other]
    assert listed(bbox="119,32,119.5,33") == []
    assert listed(community=desk.place.community_id) == [*numbers, other]
    since = client.get(f"/api/v1/cases/{other}", headers=headers).json()["case"]["properties"]["updated_at"]
    assert listed(updated_after=since) == [numbers[1]]
    seen = datetime.fromisoformat(since)
    assert listed(reported_from=seen + timedelta(seconds=1)) == []
    assert listed(reported_before=seen + timedelta(seconds=1)) == [*numbers, other]
    for query in (
        {},
        {"state": "accepted"},
        {"category": "X9001"},
        {"bbox": "119,32,119.5,33"},
        {"open": True},
    ):
        counted = client.get("/api/v1/cases/count", params=query, headers=headers).json()
        assert counted == {"count": len(listed(**query)), "most": 10_000}
    for after in ("abc", "-1", "/api/v1/cases?after=3"):
        for order in ("oldest", "due"):
            refused = client.get("/api/v1/cases", params={"after": after, "order": order}, headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (422, "cursor"), (after, order)
    page, walked = client.get("/api/v1/cases", params={"limit": 4}, headers=headers).json(), []
    while True:
        walked += [one["id"] for one in page["features"]]
        if page["next"] is None:
            break
        page = client.get(page["next"], headers=headers).json()
    assert walked == [*numbers, other]


def test_open_cases_of_the_same_class_nearby_are_shown_before_reporting(client: TestClient, desk: Desk):
    near = post(client, desk, lat=IN_FIRST[1] + 0.0001).json()["number"]
    post(client, desk, category="E0104")
    gone = post(client, desk).json()["number"]
    desk.take(gone, ("dispatcher", "refuse", {"note": "无", "reason": "not_found"}))
    asked = {"category": "E0102", "lon": IN_FIRST[0], "lat": IN_FIRST[1]}
    found = client.get("/api/v1/cases/nearby", params=asked, headers=bearer(desk.tokens["viewer"])).json()
    assert [one["case"]["id"] for one in found] == [near]
    assert found[0]["distance_m"] == pytest.approx(11.1, abs=0.2)
    assert client.get("/api/v1/cases/nearby", params={**asked, "within_m": 5},
                      headers=bearer(desk.tokens["viewer"])).json() == []  # fmt: skip


def test_a_draft_keeps_the_moment_it_was_seen_at(client: TestClient, desk: Desk):
    seen = datetime.now(UTC) - timedelta(days=2)
    made = post(client, desk, reported_at=seen.isoformat())
    assert datetime.fromisoformat(made.json()["reported_at"]) == seen
    for wrong in (seen - timedelta(days=60), seen + timedelta(days=4)):
        assert post(client, desk, reported_at=wrong.isoformat()).json()["code"] == "reported_at"


def test_parking_stops_the_clock_and_going_on_moves_the_deadline(client: TestClient, desk: Desk):
    number = post(client, desk).json()["number"]
    desk.take(number, ("dispatcher", "accept"))
    taken = step(client, desk, "dispatcher", number, "dispatch", to="water works").json()
    due = datetime.fromisoformat(taken["case"]["properties"]["due_at"])
    until = (datetime.now(UTC) + timedelta(days=9)).isoformat()
    parked = step(
        client, desk, "dispatcher", number, "park", until=until, reason="season", note="等天气"
    ).json()
    assert parked["case"]["properties"]["due_at"] is None
    gone_on = step(client, desk, "dispatcher", number, "resume").json()["case"]["properties"]
    assert (gone_on["state"], gone_on["parked_until"]) == ("dispatched", None)
    assert datetime.fromisoformat(gone_on["due_at"]) >= due
    again = step(client, desk, "dispatcher", number, "park", until=until, reason="season", note="再等")
    assert (again.status_code, again.json()["code"]) == (409, "case_parked_enough")
    longer = step(client, desk, "dispatcher", number, "extend", note="工程量大").json()["case"]["properties"]
    assert datetime.fromisoformat(longer["due_at"]) > due + timedelta(days=4)
    assert longer["extensions"] == 1


def test_a_step_on_what_somebody_changed_is_refused_where_it_says_so(client: TestClient, desk: Desk):
    number = post(client, desk).json()["number"]
    desk.take(number, ("dispatcher", "accept"))
    headers = {**bearer(desk.tokens["dispatcher"]), "If-Match": '"1"'}
    refused = client.post(
        f"/api/v1/cases/{number}/steps", json={"step": "note", "note": "x"}, headers=headers
    )
    assert (refused.status_code, refused.json()["present"]["properties"]["revision"]) == (412, 2)


@pytest.mark.parametrize(("sent", "status"), [({"If-Match": '"1"'}, 412), ({}, 409)])
def test_of_two_steps_at_the_same_time_the_slower_is_refused(
    client: TestClient, desk: Desk, sent: dict[str, str], status: int
):
    number = post(client, desk).json()["number"]
    headers = {**bearer(desk.tokens["dispatcher"]), **sent}
    body = {"step": "note", "note": "x"}
    with desk.store.owner.connect() as owner:
        grants = owner.execute(text("SELECT grants_of(:u)"), {"u": desk.ids["dispatcher"]}).scalar_one()
    with ThreadPoolExecutor(1) as slower, desk.store.acting(desk.ids["dispatcher"], grants) as quicker:
        quicker.execute(text("SELECT step_case(:n, 'accept', '{}')"), {"n": number}).one()
        asked = slower.submit(client.post, f"/api/v1/cases/{number}/steps", json=body, headers=headers)
        wait_until(lambda: _waits(desk.store), what="the slower step")
        quicker.commit()
        refused = asked.result()
    assert refused.status_code == status
    if status == 412:
        present = refused.json()["present"]["properties"]
        assert (present["revision"], present["state"]) == (2, "accepted")
    assert [event.step for event in desk.events(number)] == ["report", "accept"]


def _waits(store: Store) -> bool:
    with store.owner.connect() as owner:
        waiting = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
        return bool(owner.execute(text(waiting)).scalar_one())
