"""Many grids into one: four departments' layers of the sample town, and small maps that are drawn."""

from __future__ import annotations

from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.base_grids import Department, overlaid
from geo.errors import InputError
from geo.partition import Band
from geo.plan_layers import plan_layers
from geo.planning import plan
from geo.synthetic import sample_city

CRS = "EPSG:4549"
X, Y = 462_000.0, 3_542_000.0


def block(rows, columns, households=10):
    """Houses of so many households on a lattice of 30 m, in one community."""
    at = [(r, c) for r in range(rows) for c in range(columns)]
    houses = [shapely.box(X + 30 * c + 8, Y + 30 * r + 8, X + 30 * c + 22, Y + 30 * r + 22) for r, c in at]
    units = gpd.GeoDataFrame(
        {"unit_id": [f"{r}-{c}" for r, c in at], "households": households}, geometry=houses, crs=CRS
    )
    community = gpd.GeoDataFrame(
        {"community_id": ["321181001001"], "name": ["凤凰"]},
        geometry=[shapely.box(X, Y, X + 30 * columns, Y + 30 * rows)], crs=CRS,
    )  # fmt: skip
    return plan_layers(units=units, communities=community)


def boxes(name, *grids):
    """A department's grids as (id, first row, first column, last row, last column) of the lattice."""
    shapes = [
        shapely.box(X + 30 * c0, Y + 30 * r0, X + 30 * (c1 + 1), Y + 30 * (r1 + 1))
        for _, r0, c0, r1, c1 in grids
    ]
    frame = gpd.GeoDataFrame({"grid_id": [grid[0] for grid in grids]}, geometry=shapes, crs=CRS)
    return Department(name, frame)


def test_grids_that_all_departments_draw_become_base_grids():
    layers = block(4, 4)
    halves = [("S", 0, 0, 1, 3), ("N", 2, 0, 3, 3)]

    made = overlaid(layers, [boxes("party", *halves), boxes("police", *halves)], band=Band(50, 100))

    assert made.conflicts.empty
    assert made.departments["followed"].tolist() == [1.0, 1.0]
    new = made.old_to_new[made.old_to_new["department"] == "party"]
    assert new.groupby("old_grid_id")["households"].sum().to_dict() == {"N": 80, "S": 80}
    assert new["grid_id"].is_unique


def test_grids_that_lie_within_each_other_do_not_cross():
    layers = block(4, 4)
    quarters = [("A", 0, 0, 1, 1), ("B", 0, 2, 1, 3), ("C", 2, 0, 3, 1), ("D", 2, 2, 3, 3)]

    made = overlaid(
        layers, [boxes("civil", ("S", 0, 0, 1, 3), ("N", 2, 0, 3, 3)), boxes("police", *quarters)],
        band=Band(40, 40),
    )  # fmt: skip

    assert made.conflicts.empty
    assert made.departments["base_grids"].tolist() == [4, 4]


def test_halves_one_way_and_the_other_cross_and_the_least_move_is_told():
    layers = block(4, 4)

    made = overlaid(
        layers,
        [
            boxes("civil", ("S", 0, 0, 1, 3), ("N", 2, 0, 3, 3)),
            boxes("police", ("W", 0, 0, 3, 0), ("E", 0, 1, 3, 3)),
        ],
    )

    rows = made.conflicts.set_index(["grid_a", "grid_b"])
    assert rows["households"].to_dict() == {("S", "W"): 20, ("S", "E"): 60, ("N", "W"): 20, ("N", "E"): 60}
    # Of S (80) and E (120) 60 are in both: 20 of S would have to leave, or 60 of E.
    assert rows["moved"].to_dict() == {("S", "W"): 20, ("S", "E"): 20, ("N", "W"): 20, ("N", "E"): 20}
    assert rows.geometry.area.to_dict()["S", "W"] == pytest.approx(2 * 30 * 30, rel=0.03)


def test_a_border_that_is_drawn_draws_the_base_grids_border_to_it():
    layers = block(2, 8)
    # Without departments eight columns of 20 households are halved anywhere within the band.
    police = boxes("police", ("W", 0, 0, 1, 2), ("E", 0, 3, 1, 7))

    made = overlaid(
        layers, [police, boxes("party", ("all", 0, 0, 1, 7))], band=Band(50, 110), border_weight=10
    )

    assert made.departments.set_index("department").loc["police", "followed"] == 1.0


def test_households_in_no_grid_of_a_department_are_in_the_table_too():
    layers = block(4, 4)

    made = overlaid(layers, [boxes("civil", ("S", 0, 0, 1, 3)), boxes("police", ("E", 0, 2, 3, 3))])

    table = made.old_to_new
    assert table.groupby("department")["households"].sum().to_dict() == {"civil": 160, "police": 160}
    nowhere = table[table["old_grid_id"].isna()].groupby("department")["households"].sum()
    assert nowhere.to_dict() == {"civil": 80, "police": 80}


def test_a_layer_that_holds_nobody_is_refused_by_name():
    with pytest.raises(InputError, match="police") as caught:
        overlaid(block(4, 4), [boxes("civil", ("S", 0, 0, 1, 3)), boxes("police", ("far", 90, 90, 91, 91))])

    assert caught.value.code == "grids_hold_nobody"


def strips(communities, count, axis):
    rows = []
    for community in communities.itertuples():
        low, high = community.geometry.bounds[:2], community.geometry.bounds[2:]
        edges = np.linspace(low[axis], high[axis], count + 1)
        for number, (start, end) in enumerate(pairwise(edges)):
            across = (low[1 - axis], high[1 - axis])
            strip = (start, across[0], end, across[1]) if axis == 0 else (across[0], start, across[1], end)
            ground = community.geometry.intersection(shapely.box(*strip))
            if ground.area:
                rows.append((f"{community.community_id}-{number}", ground))
    return gpd.GeoDataFrame(
        {"grid_id": [row[0] for row in rows]}, geometry=[row[1] for row in rows], crs=communities.crs
    )


@pytest.fixture(scope="module")
def town():
    """The sample town and its party (by compounds), civil affairs (larger grids), police and enforcement."""
    city = sample_city(0)
    layers = plan_layers(
        units=city.units, communities=city.communities, roads=city.roads, water=city.water,
        barriers=city.barriers, gates=city.gates, compounds=city.compounds,
    )  # fmt: skip
    civil = plan(layers, band=Band(150, 300))
    units = layers.units
    party = pd.DataFrame(
        {"unit_id": units["unit_id"], "grid_id": units["community_id"] + units["compound_id"].fillna("街")}
    )
    working = layers.communities
    departments = [
        Department("party", gpd.GeoDataFrame(party, geometry=[None] * len(party))),
        Department("civil affairs", civil.micro_grids().to_crs(layers.working_crs)),
        Department("police", strips(working, 4, 0)),
        Department("enforcement", strips(working, 3, 1)),
    ]
    return layers, overlaid(layers, departments)


def test_every_household_of_the_town_is_in_one_base_grid(town):
    layers, made = town

    assert len(made.plan.ground.unit_ids) == len(layers.units)
    assert (made.plan.partition.labels >= 0).all()
    grids = made.plan.micro_grids()
    assert grids["households"].sum() == layers.units["households"].sum()
    assert shapely.coverage_is_valid(grids.geometry.to_numpy())
    assert made.plan.partition.contiguous.all()


def test_base_grids_of_the_town_are_in_band_or_have_a_finding(town):
    _, made = town

    out = [made.plan.grid_ids[part] for part in made.plan.partition.out_of_band]
    told = {each.grid_id for each in made.plan.findings if each.code in ("too_large", "too_small")}
    assert set(out) == told
    assert len(out) < 5


def test_the_table_of_old_to_new_adds_up_for_each_department(town):
    layers, made = town
    everyone = int(layers.units["households"].sum())
    new = made.plan.micro_grids().set_index("grid_id")["households"]

    for name, rows in made.old_to_new.groupby("department"):
        assert rows["households"].sum() == everyone, name
        assert rows["units"].sum() == len(layers.units)
        by_new = rows.groupby("grid_id")["households"].sum()
        assert by_new.to_dict() == new[new.index.isin(by_new.index)].to_dict()
        of_old = made.departments.set_index("department").loc[name]
        assert of_old["households"] + of_old["households_in_none"] == everyone


def test_conflicts_of_the_town_are_those_a_slow_look_finds(town):
    _, made = town
    households = made.plan.ground.households
    found = {
        tuple(row)
        for row in made.conflicts[["department_a", "grid_a", "department_b", "grid_b", "moved"]]
        .to_numpy()
        .tolist()
    }

    slow = set()
    names = list(made.grid_ids)
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            one, other = made.grid_ids[a], made.grid_ids[b]
            known = [k for k in range(len(households)) if one[k] is not None and other[k] is not None]
            for x in {one[k] for k in known}:
                for y in {other[k] for k in known}:
                    both = sum(households[k] for k in known if one[k] == x and other[k] == y)
                    only_x = sum(households[k] for k in known if one[k] == x and other[k] != y)
                    only_y = sum(households[k] for k in known if one[k] != x and other[k] == y)
                    if both and only_x and only_y:
                        slow.add((a, x, b, y, min(both, only_x, only_y)))
    assert found == slow
    assert found


def test_weighing_borders_keeps_more_of_them_than_a_plan_that_knows_of_none(town):
    layers, made = town
    alone = plan(layers).partition.labels
    pairs = made.plan.ground.adjacency

    usual_m = 0.0
    for ids in made.grid_ids.values():
        code = pd.factorize(ids)[0]
        border = (code[pairs.left] >= 0) & (code[pairs.right] >= 0) & (code[pairs.left] != code[pairs.right])
        usual_m += pairs.border_m[border & (alone[pairs.left] != alone[pairs.right])].sum()
    assert made.departments["followed_m"].sum() > usual_m


def listed_units(name, *rows):
    frame = pd.DataFrame(rows, columns=["unit_id", "grid_id"])
    return Department(name, gpd.GeoDataFrame(frame, geometry=[None] * len(frame), crs=CRS))


def test_a_table_that_lists_a_unit_in_two_grids_is_refused():
    party = listed_units("party", ("0-0", "G"), ("0-1", "G"), ("0-0", "H"))

    with pytest.raises(InputError, match="unit 0-0 is listed in several grids: G, H") as refused:
        overlaid(block(4, 4), [party, boxes("police", ("S", 0, 0, 3, 3))], band=Band(50, 100))
    assert refused.value.file == "party"


def test_units_of_a_table_that_are_nowhere_are_told():
    party = listed_units("party", ("0-0", "G"), ("nowhere", "H"))

    made = overlaid(block(4, 4), [party, boxes("police", ("S", 0, 0, 3, 3))], band=Band(50, 100))

    (told,) = (one for one in made.plan.findings if one.code == "department_units_unknown")
    assert told.unit_ids == ("nowhere",)
    assert (told.values["department"], told.values["units"], told.values["listed"]) == ("party", 1, 2)


def test_grids_of_one_department_that_overlap_are_told():
    party = boxes("party", ("S", 0, 0, 2, 3), ("N", 1, 0, 3, 3))

    made = overlaid(block(4, 4), [party, boxes("police", ("S", 0, 0, 3, 3))], band=Band(50, 100))

    (told,) = (one for one in made.plan.findings if one.code == "department_grids_overlap")
    assert {told.values["one"], told.values["other"]} == {"S", "N"}
    assert told.values["area_m2"] == pytest.approx(2 * 30 * 4 * 30)
