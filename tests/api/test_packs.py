"""The pack of a version: what the planner page draws and redraws."""

from __future__ import annotations

import hashlib

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.database import Store
from maps import pack_format
from maps.pack import unpack
from tests.api.place import Place, draw_community, token_for

HOUSEHOLDS = [[30, 30, 30, 10], [20, 20, 20, 5]]


@pytest.fixture
def place(store: Store) -> Place:
    made = draw_community(store, "320924001001", HOUSEHOLDS)
    with store.owner.begin() as owner:
        owner.execute(
            text("INSERT INTO findings (version_id, community_id, code, severity, unit_ids)"
                 " VALUES (:v, :c, 'units_left_out', 'info', ARRAY['u05'])"),
            {"v": made.version_id, "c": made.community_id},
        )  # fmt: skip
        owner.execute(text("DELETE FROM assignments WHERE unit_number = 5"))
        owner.execute(text("UPDATE units SET cell = NULL WHERE number = 7"))
    return made


@pytest.fixture
def planner(store: Store, place: Place) -> dict[str, str]:
    return token_for(store, "p", "planner", place.community_id)


def address(place: Place) -> str:
    return f"/api/v1/versions/{place.version_id}/pack"


def test_it_holds_units_grids_pairs_and_the_version_itself(client: TestClient, place: Place, planner):
    answer = client.get(address(place), headers=planner)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/octet-stream"
    layers = unpack(answer.content)

    units, grids, cells = layers["units"], layers["grids"], layers["cells"]
    assert units["number"].tolist() == list(range(8))
    assert units["unit_id"].tolist() == [f"u{number:02}" for number in range(8)]
    assert units["households"].tolist() == [*HOUSEHOLDS[0], *HOUSEHOLDS[1]]
    assert units["grid"].fillna(-1).tolist() == [0, 0, 1, 1, 0, -1, 1, 1]
    assert grids["grid_id"].tolist() == [f"{place.code}001", f"{place.code}002"]
    assert grids["households"].tolist() == [100, 65]
    assert {"name", "kind", "units", "status", "reason", "area_m2", "compactness"} <= set(grids.columns)
    assert len(cells) == len(units)
    assert cells.geometry.isna().tolist() == 7 * [False] + [True]
    for row in range(7):
        assert cells.geometry[row].contains(units.geometry[row])
    pairs = layers["pairs"]
    assert list(zip(pairs["left"], pairs["right"], strict=True)) == [
        (0, 1), (0, 4), (1, 2), (1, 5), (2, 3), (2, 6), (3, 7), (4, 5), (5, 6), (6, 7),
    ]  # fmt: skip
    assert pairs["border_m"].tolist() == [100.0] * 10
    assert pairs["crosses"].tolist() == [0] * 10
    assert pairs["joins"].all()
    (version,) = layers["version"].to_dict("records")
    assert version["version_id"] == str(place.version_id)
    assert (version["plan"], version["community_id"]) == ("drawn", place.community_id)
    assert (version["state"], version["revision"], version["valid_from"]) == ("draft", 1, None)
    assert (version["min_households"], version["max_households"]) == (50, 100)
    (finding,) = layers["findings"].to_dict("records")
    assert (finding["code"], finding["units"], finding["accepted"]) == ("units_left_out", "5", False)


def test_what_it_names_can_be_changed_under_its_revision(client: TestClient, place: Place, planner, store):
    hostile = "u01\u202e<script>"
    with store.owner.begin() as owner:
        owner.execute(text("UPDATE units SET unit_id = :id WHERE number = 1"), {"id": hostile})
    layers = unpack(client.get(address(place), headers=planner).content)
    assert layers["units"]["unit_id"][1] == hostile
    move = {"unit_ids": [layers["units"]["unit_id"][1]], "to": layers["grids"]["grid_id"][1]}
    revision = layers["version"]["revision"][0]
    done = client.post(
        f"/api/v1/versions/{place.version_id}/edits",
        json={"action": "paint", "moves": [move]}, headers={**planner, "If-Match": f'"{revision}"'},
    )  # fmt: skip
    assert done.status_code == 201, done.text
    after = unpack(client.get(address(place), headers=planner).content)
    assert after["units"]["grid"].fillna(-1).tolist() == [0, 1, 1, 1, 0, -1, 1, 1]
    assert after["version"]["revision"].tolist() == [revision + 1]
    told = {grid["code"]: grid["households"] for grid in done.json()["touched"]}
    assert dict(zip(after["grids"]["grid_id"], after["grids"]["households"], strict=True)) == told


def test_it_is_sent_once_for_each_state(client: TestClient, place: Place, planner, store: Store):
    first = client.get(address(place), headers=planner)
    tag = first.headers["ETag"]
    again = client.get(address(place), headers={**planner, "If-None-Match": f'"other", W/{tag}'})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    tags = {tag}
    for change in (
        "INSERT INTO gates (geom) VALUES ('SRID=4490;POINT(120.001 33.001)')",
        "UPDATE findings SET accepted_by = 1, accepted_at = now()",
        "UPDATE divisions SET name = '新名', revision = revision + 1 WHERE level = 'community'",
        "UPDATE versions SET revision = revision + 1",
    ):
        with store.owner.begin() as owner:
            owner.execute(text("INSERT INTO users (name) VALUES ('somebody') ON CONFLICT DO NOTHING"))
            owner.execute(text(change))
        answer = client.get(address(place), headers={**planner, "If-None-Match": tag})
        assert answer.status_code == 200, change
        tag = answer.headers["ETag"]
        tags.add(tag)
        assert hashlib.sha256(answer.content).digest() != hashlib.sha256(first.content).digest()
        first = answer
    assert len(tags) == 5
    with store.owner.begin() as owner:
        owner.execute(text("INSERT INTO gates (geom) VALUES ('SRID=4490;POINT(121 33)')"))
    far = client.get(address(place), headers={**planner, "If-None-Match": tag})
    assert far.status_code == 304


def test_a_pack_of_another_form_is_never_taken_for_this_one(
    client: TestClient, place: Place, planner, monkeypatch: pytest.MonkeyPatch
):
    tag = client.get(address(place), headers=planner).headers["ETag"]
    monkeypatch.setattr(pack_format, "VERSION", pack_format.VERSION + 1)
    assert client.get(address(place), headers={**planner, "If-None-Match": tag}).status_code == 200


def test_it_is_not_there_for_who_may_not_read_it(client: TestClient, place: Place, planner, store: Store):
    other = draw_community(store, "320924001002", [[30, 30]], lon=121.0)
    foreign = token_for(store, "f", "planner", other.community_id)
    tag = client.get(address(place), headers=planner).headers["ETag"]
    assert client.get(address(place), headers={**foreign, "If-None-Match": tag}).status_code == 404
    assert client.get(address(place)).status_code == 401
