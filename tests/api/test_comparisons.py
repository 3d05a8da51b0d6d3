"""Versions compared over the API: what each is like, what moved, and who may see it."""

from __future__ import annotations

import gzip

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.database import Store
from maps import pack_format
from tests.api.accounts import add_person, bearer
from tests.api.place import Place, draw_community, token_for

CODE = "320924001001"
FIRST, SECOND = f"{CODE}001", f"{CODE}002"
# Two grids of two columns: 60 and 100 households.
HOUSEHOLDS = [[10, 20, 30, 20], [10, 20, 30, 20]]


@pytest.fixture
def place(store: Store) -> Place:
    return draw_community(store, CODE, HOUSEHOLDS)


@pytest.fixture
def planner(store: Store) -> dict[str, str]:
    return {**token_for(store, "planner", "planner"), "If-Match": "*"}


@pytest.fixture
def draft(client: TestClient, place: Place, planner: dict[str, str]) -> str:
    """A draft of the drawn version: u02 (30) went to the first grid, u03 (20) to a new one."""
    made = client.post(f"/api/v1/versions/{place.version_id}/fork", headers=planner).json()["id"]
    edit = {
        "action": "paint",
        "moves": [{"unit_ids": ["u02"], "to": FIRST}, {"unit_ids": ["u03"], "new": True}],
    }
    said = client.post(f"/api/v1/versions/{made}/edits", json=edit, headers=planner)
    assert said.status_code == 201, said.text
    return made


def test_what_moved_between_two_versions_is_told_in_figures_grids_and_codes(client, place, planner, draft):
    said = client.get(f"/api/v1/versions/{place.version_id}/comparison/{draft}", headers=planner)

    assert said.status_code == 200, said.text
    told = said.json()
    assert (told["moved_units"], told["moved_households"], told["renumbered_households"]) == (2, 50, 0)
    assert {name: told[name] for name in ("kept", "changed", "ended", "new")} == {
        "kept": 0, "changed": 2, "ended": 0, "new": 1,
    }  # fmt: skip
    assert (told["before"]["in_band"], told["after"]["in_band"], told["after"]["too_small"]) == (2, 2, 1)
    assert told["before"]["households"] == 160
    assert 0.4 < told["after"]["compactness"] < 0.8
    assert told["before"]["compactness"] is None  # the drawn grids were never measured
    third = next(grid for grid in told["grids"] if grid["change"] == "new")
    assert (third["moved_in"], third["follows"]) == (20, SECOND)
    assert told["flows"] == [
        {"from_code": SECOND, "to_code": FIRST, "units": 1, "households": 30},
        {"from_code": SECOND, "to_code": third["code"], "units": 1, "households": 20},
    ]


def test_versions_over_other_units_are_compared_over_what_both_have(client, store, place, planner, draft):
    with store.owner.begin() as owner:
        # A newer ground: u00 is torn down, u99 is built, u01 has three households more.
        ground = owner.execute(
            text("INSERT INTO grounds (community_id, n_units, households, sha256, pair_left, pair_right,"
                 " border_m, crosses, joins) SELECT community_id, n_units, households, sha256('newer'),"
                 " pair_left, pair_right, border_m, crosses, joins FROM grounds RETURNING id")
        ).scalar_one()  # fmt: skip
        owner.execute(
            text("INSERT INTO units (ground_id, number, community_id, unit_id, households, geom, cell)"
                 " SELECT :ground, number, community_id, CASE unit_id WHEN 'u00' THEN 'u99' ELSE unit_id END,"
                 " households + CASE unit_id WHEN 'u01' THEN 3 ELSE 0 END, geom, cell FROM units"),
            {"ground": ground},
        )  # fmt: skip
        newer = owner.execute(
            text("INSERT INTO versions (plan_id, community_id, ground_id, min_households, max_households)"
                 " SELECT plan_id, community_id, :ground, 50, 100 FROM versions WHERE id = :v RETURNING id"),
            {"ground": ground, "v": place.version_id},
        ).scalar_one()  # fmt: skip
        for table, columns in (
            ("grids", "number, community_id, code, households, units, status, geom"),
            ("assignments", "unit_number, grid_number, community_id"),
        ):
            more = ", ground_id" if table == "assignments" else ""
            value = ", :ground" if more else ""
            owner.execute(
                text(f"INSERT INTO {table} (version_id, {columns}{more})"
                     f" SELECT :new, {columns}{value} FROM {table} WHERE version_id = :v"),
                {"new": newer, "v": place.version_id, "ground": ground},
            )  # fmt: skip

    told = client.get(f"/api/v1/versions/{place.version_id}/comparison/{newer}", headers=planner).json()

    assert told["moved_households"] == 0
    assert told["only_before"] == {"units": 1, "households": 10}
    assert told["only_after"] == {"units": 1, "households": 10}
    assert told["recounted_units"] == 1
    assert client.get(f"/api/v1/versions/{draft}/comparison/{newer}/pack", headers=planner).status_code == 200


def test_the_pack_of_a_comparison_holds_the_grids_of_both(client, place, planner, draft):
    address = f"/api/v1/versions/{place.version_id}/comparison/{draft}/pack"
    said = client.get(address, headers=planner)

    assert said.status_code == 200, said.text
    content = gzip.decompress(said.content)
    assert b"grids_before" in content
    assert b"changes" in content
    again = client.get(address, headers={**planner, "If-None-Match": said.headers["ETag"]})
    assert again.status_code == 304
    with pytest.MonkeyPatch.context() as other:
        other.setattr(pack_format, "VERSION", pack_format.VERSION + 1)
        anew = client.get(address, headers={**planner, "If-None-Match": said.headers["ETag"]})
    assert anew.status_code == 200
    client.post(
        f"/api/v1/versions/{draft}/edits", headers=planner,
        json={"action": "paint", "moves": [{"unit_ids": ["u02"], "to": SECOND}]},
    )  # fmt: skip
    assert client.get(address, headers={**planner, "If-None-Match": said.headers["ETag"]}).status_code == 200


def test_both_versions_must_be_the_readers_to_see_and_of_one_community(client, store, place, planner, draft):
    far = draw_community(store, "320924001002", HOUSEHOLDS, lon=121)
    _, token = add_person(store, "viewer", ("viewer", place.community_id))

    for one, other in ((place.version_id, far.version_id), (far.version_id, place.version_id)):
        for rest in ("", "/pack"):
            address = f"/api/v1/versions/{one}/comparison/{other}{rest}"
            assert client.get(address, headers=bearer(token)).status_code == 404
            assert client.get(address, headers=planner).json()["code"] == "other_community"
    assert client.get(
        f"/api/v1/versions/{place.version_id}/comparison/{draft}", headers=bearer(token)
    ).status_code == 200  # fmt: skip
