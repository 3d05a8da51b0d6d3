"""Towers divided by floors in a draft: a ground of its own, exact, taken back; other versions keep theirs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from api.database import Store
from api.dividing import ground_with
from api.loading import load_plan_as_owner
from geo.floors import FloorBand, with_floors
from geo.planning import stand
from tests.api.place import Place, draw_community, token_for
from tests.api.plans import one, rows, silent, town_layers, write_town_plan
from tests.builders import even_bands

# Two grids of two columns: 200 and 120 households; u01 is a tower.
HOUSEHOLDS = [[20, 140, 30, 30], [20, 20, 30, 30]]
CODE = "320924001001"
BANDS = [{"lowest": 1, "highest": 16, "households": 64}, {"lowest": 17, "highest": 33, "households": 76}]


@pytest.fixture
def place(store: Store) -> Place:
    return draw_community(store, CODE, HOUSEHOLDS)


@pytest.fixture
def planner(store: Store) -> dict[str, str]:
    return {**token_for(store, "planner", "planner"), "If-Match": "*"}


def divide(client: TestClient, place: Place, headers: dict[str, str], status: int = 201, **body: Any) -> Any:
    said = client.post(f"/api/v1/versions/{place.version_id}/divisions", json=body, headers=headers)
    assert said.status_code == status, said.text
    return said.json()


def state(store: Store, place: Place) -> list[Any]:
    """Everything a version holds, byte by byte."""
    return [
        rows(store, query, v=place.version_id)
        for query in (
            "SELECT ground_id FROM versions WHERE id = :v",
            "SELECT unit_number, grid_number, ground_id FROM assignments WHERE version_id = :v ORDER BY 1",
            "SELECT number, code, households, units, status, ST_AsText(ST_Normalize(geom)) FROM grids"
            " WHERE version_id = :v ORDER BY 1",
        )
    ]


def cells(store: Store, ground: int) -> dict[str, shapely.Geometry]:
    found = rows(store, "SELECT unit_id, ST_AsBinary(cell) FROM units WHERE ground_id = :g", g=ground)
    return {unit: shapely.from_wkb(bytes(wkb)) for unit, wkb in found}


def test_bands_are_units_of_their_own_and_other_versions_keep_theirs(client, store, place, planner):
    other = client.post(f"/api/v1/versions/{place.version_id}/fork", headers=planner).json()["id"]
    before = cells(store, place.ground_id)
    done = divide(client, place, planner, unit_id="u01", floors=BANDS, note="超过上限")

    ground = one(store, "SELECT ground_id FROM versions WHERE id = :v", v=place.version_id)
    after = cells(store, ground)
    low, high = (after[f"u01/F{floors}"] for floors in ("1-16", "17-33"))
    assert after.keys() == (before.keys() - {"u01"}) | {"u01/F1-16", "u01/F17-33"}
    assert shapely.coverage_is_valid([*after.values()])
    both = shapely.coverage_union(low, high)
    assert shapely.symmetric_difference(both, before["u01"]).area < 1e-17
    assert low.area / before["u01"].area == pytest.approx(64 / 140, rel=1e-4)
    grids = [shapely.from_wkb(bytes(wkb)) for (wkb,) in rows(
        store, "SELECT ST_AsBinary(geom) FROM grids WHERE version_id = :v", v=place.version_id
    )]  # fmt: skip
    assert shapely.coverage_is_valid(grids)
    assert done["version"]["unassigned_units"] == 0
    assert [each["households"] for each in done["touched"]] == [200, 120]
    logged = client.get(f"/api/v1/versions/{place.version_id}/edits", headers=planner).json()["items"][-1]
    assert (logged["action"], logged["by"], logged["body"]["note"]) == ("divide", "planner", "超过上限")
    assert logged["body"]["after"] == BANDS
    assert one(store, "SELECT ground_id FROM versions WHERE id = :v", v=other) == place.ground_id
    assert cells(store, place.ground_id) == before
    # A plan begun anew stands on what was loaded.
    fresh = client.post(
        f"/api/v1/communities/{place.community_id}/plans", json={"name": "new"}, headers=planner
    ).json()
    assert one(store, "SELECT ground_id FROM versions WHERE id = :v", v=fresh["id"]) == place.ground_id
    units = {
        each["properties"]["code"]: each["properties"]["units"]
        for each in client.get(f"/api/v1/versions/{place.version_id}/grids", headers=planner).json()[
            "features"
        ]
    }
    assert units == {f"{CODE}001": 5, f"{CODE}002": 4}


def test_made_whole_again_all_is_as_before_though_bands_had_grids_of_their_own(client, store, place, planner):
    edits = f"/api/v1/versions/{place.version_id}/edits"
    # What was drawn by hand is measured once, as every edit does.
    client.post(edits, json={"action": "paint", "moves": [{"unit_ids": ["u02"], "to": f"{CODE}001"}]},
                headers=planner)  # fmt: skip
    client.post(edits, json={"action": "undo", "moves": [{"unit_ids": ["u02"], "to": f"{CODE}002"}]},
                headers=planner)  # fmt: skip
    before = state(store, place)
    divide(client, place, planner, unit_id="u01", floors=BANDS)
    moved = client.post(
        edits, json={"action": "paint", "moves": [{"unit_ids": ["u01/F17-33"], "new": True}]}, headers=planner
    ).json()
    (new,) = moved["new_grids"]
    assert {each["code"]: each["households"] for each in moved["touched"]} == {f"{CODE}001": 124, new: 76}
    # Other bands: those there were go, their grids get what is named so still.
    three = [
        {"lowest": 1, "highest": 16, "households": 64}, {"lowest": 17, "highest": 20, "households": 16},
        {"lowest": 21, "highest": 33, "households": 60},
    ]  # fmt: skip
    divide(client, place, planner, unit_id="u01", floors=three)
    joined = divide(client, place, planner, unit_id="u01", floors=[], into=f"{CODE}001")

    assert state(store, place) == before
    assert joined["version"]["grids"] == 2


def test_the_same_division_is_the_same_ground(client, store, place, planner):
    divide(client, place, planner, unit_id="u01", floors=BANDS)
    first = one(store, "SELECT ground_id FROM versions WHERE id = :v", v=place.version_id)
    divide(client, place, planner, unit_id="u01", floors=[])
    divide(client, place, planner, unit_id="u01", floors=BANDS[::-1])

    assert one(store, "SELECT ground_id FROM versions WHERE id = :v", v=place.version_id) == first


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"unit_id": "u99", "floors": BANDS}, "unit_unknown"),
        ({"unit_id": "u00", "floors": BANDS}, "floors_sum"),
        ({"unit_id": "u01", "floors": BANDS[:1]}, "floors_single"),
        ({"unit_id": "u01", "floors": [BANDS[0], {**BANDS[1], "lowest": 18}]}, "floors_gap"),
        ({"unit_id": "u01", "floors": [BANDS[0], {**BANDS[1], "lowest": 16}]}, "floors_overlap"),
        ({"unit_id": "u01", "floors": []}, "unit_is_whole"),
    ],
)
def test_what_is_no_division_is_refused_and_changes_nothing(client, store, place, planner, body, code):
    before = state(store, place)

    assert divide(client, place, planner, 422, **body)["code"] == code
    assert state(store, place) == before


def test_a_page_is_told_in_its_language_why_a_tower_is_not_divided(client, place, planner):
    chinese = {**planner, "Accept-Language": "zh-CN"}
    gap = [BANDS[0], {**BANDS[1], "lowest": 18}]

    assert divide(client, place, chinese, 422, unit_id="u01", floors=gap)["detail"] == (
        "要素 u01：第17层不属于任何一段；请使各段首尾相接"
    )
    assert divide(client, place, chinese, 422, unit_id="u99", floors=BANDS)["detail"] == "该社区没有单元u99。"
    stale = {**chinese, "If-Match": '"9"'}
    assert "重新载入" in divide(client, place, stale, 412, unit_id="u01", floors=BANDS)["detail"]


def test_a_draft_is_divided_by_its_planners_only_and_nothing_handed_in(client, store, place, planner):
    viewer = {**token_for(store, "viewer", "viewer"), "If-Match": "*"}
    divide(client, place, viewer, 403, unit_id="u01", floors=BANDS)
    stale = divide(client, place, {**planner, "If-Match": '"9"'}, 412, unit_id="u01", floors=BANDS)
    assert stale["code"] == "changed"
    client.post(f"/api/v1/versions/{place.version_id}/submit", headers=planner)
    divide(client, place, planner, 409, unit_id="u01", floors=BANDS)


def test_what_the_service_divides_is_what_the_command_line_divides(store: Store, tmp_path: Path):
    layers = town_layers(tmp_path / "layers")
    load_plan_as_owner(store, write_town_plan(layers, tmp_path / "plan.gpkg"), report=silent)
    chance = np.random.default_rng(1)
    units = layers.units[layers.units["community_id"].notna()]
    chosen = units.iloc[np.sort(chance.choice(len(units), 24, replace=False))]
    bands: dict[str, list[FloorBand]] = {
        unit: even_bands(int(chance.integers(4, 34)), int(count), int(chance.integers(2, 5)))
        for unit, count in zip(chosen["unit_id"], chosen["households"], strict=True)
    }
    home = dict(zip(chosen["unit_id"], chosen["community_id"], strict=True))
    expected = stand(replace(layers, units=with_floors(layers.units, bands, file="floors.csv")))
    ids = expected.unit_ids
    pairs = {
        (ids[left], ids[right]): (border_m, crosses, joins)
        for left, right, border_m, crosses, joins in zip(
            expected.adjacency.left, expected.adjacency.right, expected.adjacency.border_m.tolist(),
            expected.adjacency.crosses.tolist(), expected.adjacency.joins.tolist(), strict=True,
        )
        if expected.community[left] == expected.community[right] >= 0
    }  # fmt: skip
    found: dict[tuple[str, str], tuple[float, int, bool]] = {}
    for community in sorted(set(home.values())):
        root = one(store, "SELECT g.id FROM grounds g JOIN divisions d ON d.id = g.community_id"
                          " WHERE d.code = :c", c=community)  # fmt: skip
        mine = {unit: bands[unit] for unit in bands if home[unit] == community}
        with Session(store.owner) as session, session.begin():
            ground = ground_with(session, root, mine)
        shapes = cells(store, ground)
        assert shapely.coverage_is_valid([*shapes.values()])
        assert shapely.is_valid([*shapes.values()]).all()
        before = shapely.coverage_union_all([*cells(store, root).values()])
        after = shapely.coverage_union_all([*shapes.values()])
        assert shapely.symmetric_difference(before, after).area < 1e-12
        named = [unit for (unit,) in rows(
            store, "SELECT unit_id FROM units WHERE ground_id = :g ORDER BY number", g=ground
        )]  # fmt: skip
        assert named == sorted(named)
        ((left, right, *told),) = rows(
            store,
            "SELECT pair_left, pair_right, border_m, crosses, joins FROM grounds WHERE id = :g",
            g=ground,
        )
        for a, b, *each in zip(left, right, *told, strict=True):
            found[named[a], named[b]] = tuple(each)
    pairs = {
        pair: told for pair, told in pairs.items() if _community(expected, pair[0]) in set(home.values())
    }
    # Where a cell is as wide as long, rounding decides which way it is cut: seldom, and then the bands of a
    # tower share its neighbours otherwise; what the tower as a whole borders on is the same.
    far = {pair for pair, (border_m, _, _) in pairs.items() if border_m > 0.05}
    apart = {unit.split("/")[0] for pair in far ^ {p for p in found if found[p][0] > 0.05} for unit in pair}
    assert len(apart & bands.keys()) <= 2
    borders: list[dict[tuple[str, str], float]] = [{}, {}]
    for whole, told in zip(borders, (pairs, found), strict=True):
        for pair, (border_m, _, _) in told.items():
            towers = tuple(sorted({unit.split("/")[0] for unit in pair}))
            if len(towers) == 2:
                whole[towers] = whole.get(towers, 0) + border_m
    assert borders[0] == pytest.approx(borders[1], abs=0.05)
    for pair in far & found.keys():
        if not apart & {unit.split("/")[0] for unit in pair} and min(pairs[pair][0], found[pair][0]) > 2:
            assert found[pair][1:] == pairs[pair][1:], pair


def _community(ground: Any, unit: str) -> str:
    at = int(np.flatnonzero(ground.unit_ids == unit)[0])
    return ("320706001001", "320706001007", "320706011004")[int(ground.community[at])]
