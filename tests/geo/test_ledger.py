from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.codes import grid_codes
from geo.errors import InputError
from geo.ledger import Ledger, carried_codes, ledger
from geo.partition import Band
from geo.planning import bare_communities, stand
from geo.reconciliation import Reconciliation, reconcile
from geo.replanning import LockList, Replanned, replan
from tests.geo.town import block, box, communities, grids, houses, listed, town

DAY = "2026-01-31"
# Two standing grids of 60 households side by side in a community of 6 x 2 houses.
WEST_EAST = {f"{x}-{y}": "C001" if x < 3 else "C002" for x in range(6) for y in range(2)}


def standing(
    units: dict[str, int], before: dict[str, str | None], width: int = 6, height: int = 2
) -> Reconciliation:
    layers = town(houses(units), communities(C=box(0, 0, width, height)), listed(list(before.items())))
    return reconcile(layers, stand(layers))


def told(
    old: Reconciliation, after: dict[str, str], retired: dict[str, tuple[str, str]] | None = None
) -> Ledger:
    """Write the ledger for units put into new grids, which have names already."""
    unit_ids = old.partition.adjacency.unit_ids
    part = old.partition.with_labels([sorted(set(after.values())).index(after[unit]) for unit in unit_ids])
    codes = np.full(part.n_parts, None, object)
    for unit, label in zip(unit_ids, part.labels, strict=True):
        codes[label] = after[unit]
    none = np.array([], np.int64)
    return ledger(
        old, part, codes, none, community_ids=np.array(["C"], object), ended=DAY, retired=retired
    )  # fmt: skip


def test_nothing_moves_where_nothing_changes():
    old = standing(block(6, 2), WEST_EAST)
    found = told(old, WEST_EAST)

    assert found.moves.empty
    assert found.retired.empty
    assert found.moved_households == 0
    assert found.grids_by_change() == {"kept": 2, "changed": 0, "ended": 0, "new": 0}


def test_a_unit_that_moves_is_written_down_with_from_and_to():
    found = told(standing(block(6, 2), WEST_EAST), WEST_EAST | {"2-0": "C002"})

    assert found.moves.to_dict("records") == [
        {
            "unit_id": "2-0", "community_id": "C", "households": 10, "from_grid": "C001", "to_grid": "C002",
            "cause": "mended",
        }
    ]  # fmt: skip
    grid = found.grids.set_index("grid_id")
    assert grid["change"].tolist() == ["changed", "changed"]
    assert grid["households_before"].tolist() == [60, 60]
    assert grid["moved_out"].tolist() == [10, 0]
    assert grid["moved_in"].tolist() == [0, 10]
    assert grid["households_after"].tolist() == [50, 70]


def test_units_in_a_grid_for_the_first_time_move_nobody():
    old = standing(block(6, 2), {unit: grid for unit, grid in WEST_EAST.items() if unit != "5-1"})
    found = told(old, WEST_EAST)

    assert found.moved_households == 0
    assert found.households_by_cause() == {"mended": 0, "community_edge": 0, "arrived": 10}
    assert found.grids["change"].tolist() == ["kept", "changed"]


def test_a_grid_that_ends_is_retired_and_names_its_successor():
    found = told(
        standing(block(6, 2), WEST_EAST), dict.fromkeys(WEST_EAST, "C001"), {"C009": ("C", "2025-01-31")}
    )

    assert found.retired.values.tolist() == [["C002", "C", DAY], ["C009", "C", "2025-01-31"]]
    ended = found.grids.set_index("grid_id").loc["C002"]
    assert (ended["change"], ended["follows"], ended["households_after"]) == ("ended", "C001", 0)


def test_a_code_follows_the_largest_part_of_its_households():
    old = standing(block(6, 2), WEST_EAST)
    unit_ids = old.partition.adjacency.unit_ids
    # The west keeps four of its houses; two go east, where a third grid is cut off.
    after = old.partition.with_labels(
        [{"0": 0, "1": 0, "2": 1, "3": 1, "4": 1, "5": 2}[unit[0]] for unit in unit_ids]
    )

    assert carried_codes(old, after, np.array([], np.int64)).tolist() == ["C001", "C002", None]


def test_households_not_units_decide_where_a_code_goes():
    units = block(6, 2) | {"2-0": 100}
    old = standing(units, WEST_EAST)
    after = old.partition.with_labels([0 if unit < "2" else 1 for unit in old.partition.adjacency.unit_ids])

    # 40 households stay in the west, 110 go; the east is taken along by what was the west.
    assert carried_codes(old, after, np.array([], np.int64)).tolist() == [None, "C001"]


def test_new_serials_go_on_after_the_highest_ever_used():
    place = np.arange(2, dtype=float)
    codes = grid_codes(
        np.array(["C", "C"], object), place, place * 0, place + 1, used=["C002", "C017", "D044", "East"]
    )

    assert codes.tolist() == ["C018", "C019"]


def town_of(units: dict[str, int], before: dict[str, str | None], **more: object) -> Replanned:
    layers = town(houses(units), communities(C=box(0, 0, 6, 2)), listed(list(before.items())))
    return replan(layers, ended=DAY, **more)  # type: ignore[arg-type]


def test_a_grid_too_large_is_divided_and_the_new_code_was_never_used():
    units = block(6, 2, 20)  # 120 and 120
    made = town_of(
        units, WEST_EAST, retired={"C003": ("C", "2025-01-31"), "C007": ("C", None)}, band=Band(50, 100)
    )

    assert made.plan.partition.households_out_of_band == 0
    new = made.ledger.grids.query("change == 'new'")["grid_id"].tolist()
    assert new == ["C008"]
    assert {"C001", "C002"} < set(made.plan.grid_ids)


def test_no_moves_allowed_changes_nothing_and_leaves_what_is_broken():
    units = block(6, 2, 20)
    made = town_of(units, WEST_EAST, max_moved=0)

    assert made.ledger.moves.empty
    assert made.curve == ()
    assert {finding.code for finding in made.plan.review.findings} >= {"too_large"}
    assert set(made.change.left.values()) == {"limit"}


def test_locked_grids_and_units_stay():
    units = block(6, 2, 20)
    grid = town_of(units, WEST_EAST, locked=LockList(grids=frozenset({"C001"})))
    unit = town_of(units, WEST_EAST, locked=LockList(units={"2-0": None, "2-1": "C001"}))

    assert grid.ledger.grids.set_index("grid_id").loc["C001", "change"] == "kept"
    assert not set(unit.ledger.moves["unit_id"]) & {"2-0", "2-1"}


@pytest.mark.parametrize(
    ("locked", "code"),
    [
        (LockList(grids=frozenset({"C099"})), "locked_grid_unknown"),
        (LockList(units={"9-9": None}), "locked_unit_unknown"),
        (LockList(units={"0-0": "C002"}), "locked_unit_elsewhere"),
        (LockList(units={"5-1": None}), "locked_unit_without_grid"),
    ],
)
def test_locks_on_what_is_not_there_are_refused(locked, code):
    before = {unit: grid for unit, grid in WEST_EAST.items() if unit != "5-1"}
    with pytest.raises(InputError) as refused:
        town_of(block(6, 2), before, locked=locked)

    assert refused.value.code == code


def test_special_grids_stay_whole_and_are_exempt():
    layers = town(
        houses(block(6, 2, 20) | {"5-1": 0}),
        communities(C=box(0, 0, 6, 2)),
        grids({"S": "special"}, S=box(5, 0, 6, 2), W=box(0, 0, 3, 2), E=box(3, 0, 5, 2)),
    )
    made = replan(layers, ended=DAY)
    rows = made.plan.micro_grids().set_index("grid_id")

    assert (rows.loc["S", "kind"], rows.loc["S", "status"], rows.loc["S", "units"]) == (
        "special",
        "exempt",
        2,
    )
    assert set(rows.loc[rows["kind"] == "basic", "status"]) == {"ok"}


def test_the_map_of_before_shows_every_standing_grid():
    units = block(6, 2, 20)
    of_table = town_of(units, WEST_EAST).micro_grids_before()
    layers = town(
        houses(units),
        communities(C=box(0, 0, 6, 2)),
        grids(A=box(0, 0, 3, 2), B=box(3, 0, 6, 2), X=box(8, 8, 9, 9)),
    )
    of_polygons = replan(layers, ended=DAY).micro_grids_before()

    assert of_table[["grid_id", "households", "status"]].values.tolist() == [
        ["C001", 120, "too_large"], ["C002", 120, "too_large"],
    ]  # fmt: skip
    assert of_polygons["grid_id"].tolist() == ["A", "B", "X"]
    assert of_polygons.geometry.area.round().tolist() == [5400.0, 5400.0, 900.0]


@settings(max_examples=10, deadline=None)
@given(
    counts=st.lists(st.integers(0, 45), min_size=12, max_size=12),
    before=st.lists(st.sampled_from(["C001", "C002", "C005", "East", None]), min_size=12, max_size=12),
    ended=st.sets(st.sampled_from(["C003", "C004", "C031"])),
    max_moved=st.one_of(st.none(), st.integers(0, 60)),
    split=st.integers(1, 6),
)
def test_totals_add_up_and_codes_are_never_used_again(counts, before, ended, max_moved, split):
    names = list(block(4, 3))
    homes = (
        communities(C=box(0, 0, 4, 3))
        if split > 3
        else communities(C=box(0, 0, split, 3), D=box(split, 0, 4, 3))
    )
    table = listed(list(zip(names, before, strict=True)))
    layers = town(houses(dict(zip(names, counts, strict=True))), homes, table)
    made = replan(
        layers, ended=DAY, band=Band(50, 100), max_moved=max_moved,
        retired=dict.fromkeys(ended, ("C", None)),
    )  # fmt: skip
    rows, moves, balance = (
        made.ledger.grids,
        made.ledger.moves,
        made.standing.balance.set_index("item")["households"],
    )

    assert rows["households_after"].sum() == sum(counts) - balance["outside_communities"]
    assert (
        rows["households_before"].sum() + moves.query("cause == 'arrived'")["households"].sum()
        == rows["households_after"].sum()
    )
    assert rows["moved_in"].sum() == rows["moved_out"].sum() == made.ledger.moved_households
    now = made.plan.grid_ids.tolist()
    assert len(set(now)) == len(now)
    fresh = set(now) - set(filter(None, before))
    highest = max(
        (int(code[1:]) for code in {*before, *ended} if code and code[0] == "C" and len(code) == 4), default=0
    )
    assert all(int(code[1:]) > highest for code in fresh if code[0] == "C")
    assert set(made.ledger.retired["grid_id"]) >= ended
    assert not set(made.ledger.retired["grid_id"]) & set(now)
    if max_moved is not None:
        assert made.change.moved_households <= max_moved
    assert len(bare_communities(layers, made.plan.ground)) == 0


def test_the_grid_of_a_community_where_nobody_lives_keeps_its_code():
    homes = communities(C=box(0, 0, 6, 2), D=box(0, 2, 6, 4))
    drawn = grids(C001=box(0, 0, 3, 2), C002=box(3, 0, 6, 2), D004=box(0, 2, 6, 4))
    made = replan(town(houses(block(6, 2)), homes, drawn), ended=DAY)

    assert sorted(made.plan.grid_ids) == ["C001", "C002", "D004"]
    assert made.ledger.grids["change"].tolist() == ["kept"] * 3


def test_a_standing_grid_with_a_retired_code_is_told_and_no_longer_retired():
    made = town_of(block(6, 2), WEST_EAST, retired={"C002": ("C", "2025-01-31")})

    assert "retired_code_in_use" in {finding.code for finding in made.plan.findings}
    assert made.ledger.retired.empty


def test_names_of_grids_go_on_with_their_codes():
    drawn = grids(C001=box(0, 0, 3, 2), C002=box(3, 0, 6, 2)).assign(name=["West", None])
    made = replan(town(houses(block(6, 2)), communities(C=box(0, 0, 6, 2)), drawn), ended=DAY)

    assert made.plan.micro_grids()["name"].fillna("").tolist() == ["West", ""]
