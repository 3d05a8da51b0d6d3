from __future__ import annotations

import re

import shapely
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.database import Store
from tests.api.place import Place, draw_community, token_for

# Two grids of 60 and 60 households in columns 0-1 and 2-3.
HOUSEHOLDS = [[10, 20, 20, 10], [10, 20, 20, 10]]


def place_and_planner(store: Store) -> tuple[Place, dict[str, str]]:
    place = draw_community(store, "320924001001", HOUSEHOLDS)
    return place, token_for(store, "planner", "planner", place.community_id)


def edit(client: TestClient, place: Place, headers: dict[str, str], etag: str, **body: object):
    return client.post(
        f"/api/v1/versions/{place.version_id}/edits",
        json={"action": "paint", **body},
        headers={**headers, "If-Match": etag},
    )


def test_the_api_answers_401_to_strangers(client: TestClient):
    answer = client.get("/api/v1/communities")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "not_signed_in"


def test_communities_are_geojson_with_counts(client: TestClient, store: Store):
    place, planner = place_and_planner(store)
    draw_community(store, "320924001002", [[60]], lon=121)
    collection = client.get("/api/v1/communities", headers=planner).json()
    (community,) = collection["features"]
    assert community["properties"]["code"] == place.code
    address = f"/api/v1/communities/{community['id']}"
    assert client.get(address, headers=planner).json() == community
    assert collection["features"][0]["properties"]["households"] == 120
    assert shapely.geometry.shape(collection["features"][0]["geometry"]).area > 0


def test_another_area_is_not_found(client: TestClient, store: Store):
    place, _ = place_and_planner(store)
    other = draw_community(store, "320924001002", [[60]], lon=121)
    stranger = token_for(store, "stranger", "admin", other.community_id)
    for address in (
        f"/api/v1/communities/{place.community_id}",
        f"/api/v1/communities/{place.community_id}/units",
        f"/api/v1/communities/{place.community_id}/plans",
        f"/api/v1/plans/{place.plan_id}",
        f"/api/v1/versions/{place.version_id}",
        f"/api/v1/versions/{place.version_id}/grids",
        f"/api/v1/versions/{place.version_id}/findings",
        f"/api/v1/versions/{place.version_id}/edits",
        f"/api/v1/divisions/{place.community_id}",
    ):
        assert client.get(address, headers=stranger).status_code == 404, address
    answer = edit(client, place, stranger, '"1"', moves=[{"unit_ids": ["u00"], "to": None}])
    assert answer.status_code == 404


def test_an_edit_moves_units_and_totals_borders_and_findings_follow(client: TestClient, store: Store):
    place, planner = place_and_planner(store)
    answer = edit(
        client,
        place,
        planner,
        '"1"',
        moves=[{"unit_ids": ["u02", "u06"], "to": "320924001001001"}],
        note="market",
    )
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert {grid["code"]: (grid["households"], grid["status"]) for grid in told["touched"]} == {
        "320924001001001": (100, "ok"),
        "320924001001002": (20, "too_small"),
    }
    assert answer.headers["etag"] == '"2"'
    grids = client.get(f"/api/v1/versions/{place.version_id}/grids", headers=planner).json()["features"]
    shapes = [shapely.geometry.shape(grid["geometry"]) for grid in grids]
    assert [round(shape.area / 0.001**2) for shape in shapes] == [6, 2]
    assert shapely.coverage_is_valid(shapes)
    findings = client.get(f"/api/v1/versions/{place.version_id}/findings", headers=planner).json()["items"]
    assert ("too_small", "320924001001002") in [(found["code"], found["grid"]) for found in findings]
    assert all(found["text_zh"] and found["text_en"] for found in findings)
    logged = client.get(f"/api/v1/versions/{place.version_id}/edits", headers=planner).json()["items"]
    assert [(entry["action"], entry["by"], entry["body"]["note"]) for entry in logged] == [
        ("paint", "planner", "market")
    ]


def test_undoing_an_edit_gives_the_first_state_back(client: TestClient, store: Store):
    place, planner = place_and_planner(store)
    grids = f"/api/v1/versions/{place.version_id}/grids"
    edit(client, place, planner, '"1"', moves=[{"unit_ids": ["u02"], "to": "320924001001001"}])
    once = client.get(grids, headers=planner).json()
    edit(client, place, planner, '"2"', moves=[{"unit_ids": ["u06"], "to": "320924001001001"}])
    edit(client, place, planner, '"3"', action="undo", moves=[{"unit_ids": ["u06"], "to": "320924001001002"}])
    assert client.get(grids, headers=planner).json() == once


def test_a_new_grid_gets_the_next_code_and_an_emptied_grid_ends(client: TestClient, store: Store):
    place, planner = place_and_planner(store)
    made = edit(client, place, planner, '"1"', moves=[{"unit_ids": ["u00", "u04"], "new": True}]).json()
    assert made["new_grids"] == ["320924001001003"]
    back = edit(client, place, planner, '"2"', moves=[{"unit_ids": ["u00", "u04"], "to": "320924001001001"}])
    assert back.json()["version"]["grids"] == 2
    again = edit(client, place, planner, '"3"', moves=[{"unit_ids": ["u00"], "new": True}]).json()
    assert again["new_grids"] == ["320924001001004"], "a code once given is not given again"


def test_a_name_stays_where_nothing_is_said_of_it_and_goes_where_it_is_null(client: TestClient, store: Store):
    place, planner = place_and_planner(store)
    code = "320924001001001"
    grids = f"/api/v1/versions/{place.version_id}/grids"
    named = []
    for revision, change in enumerate(({"name": "东里"}, {"kind": "special"}, {"name": None}), start=1):
        answer = edit(
            client, place, planner, f'"{revision}"', action="rename", grids=[{"code": code, **change}]
        )
        assert answer.status_code == 201, answer.text
        first = client.get(grids, headers=planner).json()["features"][0]["properties"]
        named.append((first["name"], first["kind"]))
    assert named == [("东里", "basic"), ("东里", "special"), (None, "special")]
    logged = client.get(f"/api/v1/versions/{place.version_id}/edits", headers=planner).json()["items"]
    assert [entry["body"]["grids"][0] for entry in logged][1:] == [
        {"code": code, "kind": "special"}, {"code": code, "name": None},
    ]  # fmt: skip


def test_a_stale_edit_is_refused_with_the_present_state(client: TestClient, store: Store):
    place, planner = place_and_planner(store)
    edit(client, place, planner, '"1"', moves=[{"unit_ids": ["u02"], "to": "320924001001001"}])
    answer = edit(client, place, planner, '"1"', moves=[{"unit_ids": ["u03"], "to": "320924001001001"}])
    assert answer.status_code == 412
    assert answer.json()["etag"] == '"2"'
    assert answer.json()["present"]["revision"] == 2
    missing = client.post(
        f"/api/v1/versions/{place.version_id}/edits", json={"action": "paint"}, headers=planner
    )
    assert missing.status_code == 428


def test_an_edit_that_names_a_stranger_changes_nothing(client: TestClient, store: Store):
    place, planner = place_and_planner(store)
    answer = edit(
        client, place, planner, '"1"',
        moves=[{"unit_ids": ["u02"], "to": "320924001001001"}, {"unit_ids": ["nobody"], "to": None}],
    )  # fmt: skip
    assert (answer.status_code, answer.json()["code"]) == (422, "unit_unknown")
    version = client.get(f"/api/v1/versions/{place.version_id}", headers=planner)
    assert version.headers["etag"] == '"1"'


def test_a_viewer_reads_but_does_not_edit(client: TestClient, store: Store):
    place, _ = place_and_planner(store)
    viewer = token_for(store, "viewer", "viewer", place.community_id)
    assert client.get(f"/api/v1/versions/{place.version_id}", headers=viewer).status_code == 200
    answer = edit(client, place, viewer, '"1"', moves=[{"unit_ids": ["u02"], "to": "320924001001001"}])
    assert answer.status_code == 403


def test_a_repeated_post_with_an_idempotency_key_does_nothing_twice(client: TestClient, store: Store):
    place, planner = place_and_planner(store)
    address = f"/api/v1/communities/{place.community_id}/plans"
    keyed = {**planner, "Idempotency-Key": "one"}
    first = client.post(address, json={"name": "2027"}, headers=keyed)
    again = client.post(address, json={"name": "2027"}, headers=keyed)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert len(client.get(address, headers=planner).json()["items"]) == 2
    other = client.post(address, json={"name": "2028"}, headers=keyed)
    assert other.json()["code"] == "idempotency_key_reused"


def test_a_fork_copies_grids_and_leaves_its_parent(client: TestClient, store: Store):
    place, planner = place_and_planner(store)
    made = client.post(f"/api/v1/versions/{place.version_id}/fork", headers=planner).json()
    assert (made["parent_id"], made["grids"], made["unassigned_units"]) == (str(place.version_id), 2, 0)
    deleted = client.delete(f"/api/v1/versions/{made['id']}", headers={**planner, "If-Match": '"1"'})
    assert deleted.status_code == 204
    assert client.get(f"/api/v1/versions/{place.version_id}", headers=planner).json()["grids"] == 2


def test_pages_follow_each_other_to_the_end(client: TestClient, store: Store):
    place, planner = place_and_planner(store)
    address: str | None = f"/api/v1/communities/{place.community_id}/units?limit=3"
    seen: list[str] = []
    while address:
        page = client.get(address, headers=planner).json()
        seen += [feature["id"] for feature in page["features"]]
        address = page["next"]
    assert seen == [f"u{number:02}" for number in range(8)]


def test_stations_are_kept_by_planners_of_their_place(client: TestClient, store: Store):
    place, planner = place_and_planner(store)
    body = {
        "station_id": "S1",
        "name": "红色驿站",
        "facilities": ["饮水", "充电"],
        "lon": 120.0015,
        "lat": 33.0005,
    }
    made = client.post("/api/v1/stations", json=body, headers=planner)
    assert made.status_code == 201, made.text
    assert made.json()["properties"]["community"] == place.code
    address = made.headers["location"]
    changed = client.put(address, json={**body, "name": "暖心驿站"}, headers={**planner, "If-Match": '"1"'})
    assert changed.json()["properties"]["name"] == "暖心驿站"
    far = client.post("/api/v1/stations", json={**body, "station_id": "S2", "lon": 10}, headers=planner)
    assert far.json()["code"] == "outside_communities"
    assert client.delete(address, headers={**planner, "If-Match": '"2"'}).status_code == 204
    with store.owner.connect() as owner:
        assert owner.execute(text("SELECT count(*) FROM stations")).scalar_one() == 0


def test_a_version_goes_from_draft_to_published_and_ends_its_predecessor(client: TestClient, store: Store):
    place, planner = place_and_planner(store)
    admin = token_for(store, "chief", "admin", place.community_id)

    def step(version: str, name: str, headers: dict[str, str], **body: str):
        etag = client.get(f"/api/v1/versions/{version}", headers=headers).headers["etag"]
        return client.post(
            f"/api/v1/versions/{version}/{name}", headers={**headers, "If-Match": etag}, json=body or None
        )

    first = str(place.version_id)
    assert step(first, "submit", planner).json()["state"] == "submitted"
    refused = step(first, "publish", planner, valid_from="2026-01-01")
    assert refused.status_code == 403, "a planner does not publish"
    assert step(first, "publish", admin, valid_from="2026-01-01").json()["state"] == "published"

    second = client.post(f"/api/v1/versions/{first}/fork", headers=planner).json()["id"]
    step(second, "submit", planner)
    clash = step(second, "publish", admin, valid_from="2026-01-01")
    assert (clash.status_code, clash.json()["code"]) == (409, "one_published_version_a_day")
    step(second, "publish", admin, valid_from="2026-06-01")
    old = client.get(f"/api/v1/versions/{first}", headers=planner).json()
    assert (old["state"], old["valid_to"]) == ("superseded", "2026-06-01")

    box = "/api/v1/grids?bbox=119.9,32.9,120.1,33.1&on="
    for day, version in (("2026-03-01", first), ("2026-06-01", second)):
        found = client.get(box + day, headers=planner).json()["features"]
        assert {grid["properties"]["version"] for grid in found} == {version}
    assert client.get(box + "2025-01-01", headers=planner).json()["features"] == []


def test_a_unit_in_no_grid_stops_publication_until_its_finding_is_accepted(client: TestClient, store: Store):
    place, planner = place_and_planner(store)
    admin = token_for(store, "chief", "admin", place.community_id)
    address = f"/api/v1/versions/{place.version_id}"
    edit(client, place, planner, '"1"', moves=[{"unit_ids": ["u00"]}])
    client.post(f"{address}/submit", headers={**planner, "If-Match": '"2"'})
    refused = client.post(
        f"{address}/publish", json={"valid_from": "2026-01-01"}, headers={**admin, "If-Match": '"3"'}
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "units_unassigned")
    findings = client.get(f"{address}/findings", headers=planner).json()["items"]
    [left_out] = [found for found in findings if found["code"] == "households_left_out"]
    accepted = client.post(
        f"{address}/findings/{left_out['id']}/accept", json={"note": "to be demolished"}, headers=planner
    )
    assert accepted.status_code == 200, accepted.text
    done = client.post(
        f"{address}/publish", json={"valid_from": "2026-01-01"}, headers={**admin, "If-Match": '"3"'}
    )
    assert done.status_code == 200, done.text


def test_geometries_are_of_rfc_7946_everywhere(client: TestClient, store: Store):
    place = draw_community(store, "320924001001", [[10, 20], [10, 20]])
    headers = token_for(store, "p", "planner")
    station = {"station_id": "s1", "name": "红色驿站", "lon": 120.0005, "lat": 33.0005}
    assert client.post("/api/v1/stations", json=station, headers=headers).status_code == 201
    for path in (
        "communities", f"communities/{place.community_id}/units", f"versions/{place.version_id}/grids",
        "stations",
    ):  # fmt: skip
        features = client.get(f"/api/v1/{path}", headers=headers).json()["features"]
        assert features, path
        assert all("crs" not in feature["geometry"] for feature in features), path


def test_refusals_say_nothing_in_the_databases_words(client: TestClient, store: Store):
    mine = draw_community(store, "320924001001", [[10, 20], [10, 20]])
    other = draw_community(store, "320924001002", [[60]], lon=121)
    admin = token_for(store, "a0", "admin", mine.community_id)
    elsewhere = token_for(store, "a1", "admin", other.community_id)
    viewer = token_for(store, "v", "viewer", mine.community_id)
    station = {"station_id": "s1", "name": "红色驿站", "lon": 121.0005, "lat": 33.0005}
    assert client.post("/api/v1/stations", json=station, headers=elsewhere).status_code == 201
    here = {**station, "lon": 120.0005}
    division = {"parent_id": mine.community_id, "level": "community", "code": "x"}
    refused = [
        (client.post("/api/v1/stations", json=here, headers=admin), 409),
        (client.post("/api/v1/stations", json={**here, "station_id": "s2"}, headers=viewer), 403),
        (client.post("/api/v1/users", json={"name": "a1"}, headers=admin), 409),
        (client.post("/api/v1/users", json={"name": "z"}, headers=viewer), 403),
        (client.post("/api/v1/divisions", json=division, headers=admin), 409),
    ]
    for answer, status in refused:
        told = answer.json()
        assert answer.status_code == status, told
        assert not re.search(r"violates|policy|row|constraint|relation|duplicate", told["detail"]), told
        assert "told" not in told
