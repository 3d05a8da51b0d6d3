from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.adjacency import Adjacency, Crossing
from geo.balancer import review
from geo.findings import Finding
from geo.partition import Band, Proof, partition
from geo.remedies import Remedy
from geo.review import Review
from tests.builders import draw_adjacency, lattice, related
from tests.strategies import DrawnMap, drawn_maps


def reviewed(
    drawing: str | Adjacency,
    households: str,
    grids: str,
    *,
    communities: str | None = None,
    compounds: str | None = None,
    band: tuple[int, int] = (50, 100),
    everywhere: tuple[str, ...] = (),
    **options: object,
) -> Review:
    """Review a drawing; households, grids and communities are words in the order of the units' names."""
    adjacency = draw_adjacency(drawing) if isinstance(drawing, str) else drawing
    return review(
        adjacency,
        np.array(households.split(), dtype=np.int64),
        None if communities is None else named(communities),
        named(grids),
        band=Band(*band),
        compounds=None if compounds is None else named(compounds),
        communities=everywhere,
        **options,  # type: ignore[arg-type]
    )


def named(words: str) -> np.ndarray:
    """Return words as ids; `-` is none."""
    return np.array([None if word == "-" else word for word in words.split()], dtype=object)


def only(found: Review) -> Finding:
    """Return the one finding, but for how many grids would be legal."""
    findings = [finding for finding in found.findings if finding.code != "grid_count_not_legal"]
    assert len(findings) == 1, findings
    return findings[0]


def remedy_of(found: Review) -> Remedy:
    remedy = Remedy.from_values(only(found).values)
    assert remedy is not None
    return remedy


def codes(found: Review) -> list[tuple[str, str | None]]:
    return [(finding.code, finding.grid_id) for finding in found.findings]


# -- flags ---------------------------------------------------------------------------------------------


def test_grids_in_band_and_in_one_piece_have_no_finding():
    found = reviewed("A B C D", "30 40 45 20", "x x y y")

    assert found.findings == ()
    assert [status.status for status in found.statuses.values()] == ["ok", "ok"]
    assert [status.reason for status in found.statuses.values()] == ["", ""]


def test_1340_households_allow_14_to_26_grids():
    adjacency = lattice(1, 14)
    households = np.array([96] * 13 + [92])
    found = review(
        adjacency, households, named("c " * 14), named(" ".join(f"g{i:02}" for i in range(14))), band=Band()
    )

    assert found.communities["c"].legal == range(14, 27)
    assert found.findings == ()
    assert found.communities_frame().to_dict("records") == [
        {
            "community_id": "c", "households": 1340, "special_households": 0, "left_out": 0,
            "households_too_large": 0, "grids": 14, "special_grids": 0, "least_grids": 14, "most_grids": 26,
        }
    ]  # fmt: skip


def test_a_community_where_no_number_of_grids_is_legal_is_named():
    found = reviewed("A B", "60 50", "x y", communities="c c", band=(80, 100))

    assert not found.communities["c"].legal
    assert codes(found)[0] == ("no_legal_count", None)
    assert found.communities_frame()["least_grids"].isna().all()


def test_too_few_grids_are_told_with_the_legal_range():
    found = reviewed("A B C", "100 100 100", "x x x", communities="c c c")

    first = found.findings[0]
    assert (first.code, first.values["least"], first.values["most"]) == ("grid_count_not_legal", 3, 6)


def test_bounds_belong_to_the_band():
    found = reviewed("A B C D", "50 49 100 101", "a b c d")

    assert [status.status for status in found.statuses.values()] == ["ok", "too_small", "ok", "too_large"]


def test_a_special_grid_is_exempt_and_its_households_do_not_count_for_the_legal_range():
    found = reviewed("A B", "300 60", "school x", communities="c c", special={"school"})

    assert found.statuses["school"].status == "exempt"
    assert found.findings == ()
    assert found.communities["c"].legal == range(1, 2)


def test_a_community_tells_all_its_households_and_those_in_special_grids_apart():
    (row,) = (
        reviewed("A B C", "300 60 7", "school x -", communities="c c c", special={"school"})
        .communities_frame()
        .to_dict("records")
    )

    assert (row["households"], row["special_households"], row["left_out"]) == (367, 300, 7)
    assert (row["grids"], row["special_grids"]) == (1, 1)
    assert (row["least_grids"], row["most_grids"]) == (1, 1)


def test_a_unit_above_the_maximum_is_a_grid_beside_those_that_the_others_allow():
    found = reviewed("A B C D T", "60 60 60 60 131", "a b c d t", communities="c " * 5)

    count = found.communities["c"]
    # 371 households divided at will would make 4 to 7; but 240 make 3 or 4, and the tower is one more.
    assert (count.in_band, count.legal) == (range(3, 5), range(4, 6))
    assert (count.too_large, count.too_large_households) == (("T",), 131)
    assert [finding.code for finding in found.findings] == ["too_large"]
    assert [told.values["most"] for told in found.grid_counts_told(Band())] == [5]


def test_more_grids_than_units_too_large_leave_possible_are_not_legal():
    found = reviewed("A B C D T", "99 0 0 0 149", "a b c d t", communities="c " * 5, band=(50, 100))
    told = next(finding for finding in found.findings if finding.code == "grid_count_not_legal")

    # Divided at will, 248 households would make 3 or 4 grids.
    assert (told.values["least"], told.values["most"], told.values["grids"]) == (2, 2, 5)
    assert told.values["too_large_unit_ids"] == ["T"]


def test_what_units_too_large_leave_may_allow_no_number_of_grids():
    found = reviewed("A T", "20 131", "t t", communities="c c")

    assert codes(found)[0] == ("no_legal_count", None)
    assert found.findings[0].values["other_households"] == 20


def test_a_community_without_units_is_counted_like_the_others():
    found = reviewed("A B", "60 60", "x y", communities="c c", everywhere=("c", "bare"))

    assert found.counts()["communities"] == 2
    assert found.communities["bare"].households == 0
    assert found.findings == ()


def test_a_grid_of_a_community_where_nobody_lives_is_held_to_no_band():
    found = reviewed("A B", "60 0", "x y", communities="c d")

    assert found.statuses["y"].status == "exempt"
    assert found.statuses["y"].reason == "community_empty"
    assert found.counts()["too_small"] == 0
    assert [(one.code, one.severity) for one in found.findings] == [("community_without_households", "info")]


def test_a_grid_in_two_pieces_names_the_units_apart_from_the_main_one():
    found = reviewed("A B C D", "60 55 6 5", "x y x x")
    finding = only(found)

    assert finding.code == "not_contiguous"
    assert finding.unit_ids == ("C", "D")
    assert finding.values["pieces"] == 2
    assert finding.values["piece_households"] == [60, 11]
    assert found.statuses["x"].reason == "not_contiguous"


def test_units_side_by_side_across_water_are_not_contiguous():
    river = related(["A", "B"], [(0, 1, 10.0)], crossings={(0, 1): Crossing.WATER}, apart={(0, 1)})

    assert codes(reviewed(river, "60 20", "x x")) == [("not_contiguous", "x")]


def test_a_grid_in_two_communities_is_told_with_the_units_outside_its_own():
    finding = only(reviewed("A B C D", "60 25 60 5", "x x y y", communities="c1 c2 c2 c2"))

    assert finding.code == "spans_communities"
    assert finding.community_id == "c1"
    assert finding.unit_ids == ("B",)
    assert finding.values["communities"] == ["c1", "c2"]


def test_households_in_no_grid_are_told_for_each_place_apart():
    found = reviewed("A B C D E", "10 60 0 7 3", "- x - - -", communities="c c c c c")

    assert [(finding.code, finding.unit_ids, finding.values["households"]) for finding in found.findings] == [
        ("households_left_out", ("A",), 10),
        ("households_left_out", ("C", "D", "E"), 10),
    ]


def test_units_without_households_in_no_grid_are_only_worth_knowing():
    assert only(reviewed("A B", "60 0", "x -")).severity == "info"


def test_households_outside_every_community_that_no_grid_serves_break_a_rule():
    found = reviewed("A B C D E", "60 9 4 0 7", "x - - - -", communities="c - - - c")
    outside = [finding for finding in found.findings if finding.community_id is None]

    assert [(finding.code, finding.severity, finding.unit_ids) for finding in outside] == [
        ("households_outside_communities", "error", ("B", "C"))
    ]
    assert outside[0].values["households"] == 13
    counts = found.counts()
    assert (counts["households"], counts["households_in_grids"]) == (80, 60)
    assert (counts["households_left_out"], counts["households_outside_communities"]) == (20, 13)
    assert found.communities_frame()["left_out"].tolist() == [7]


def test_all_households_are_in_grids_or_left_out_where_no_community_is_known():
    counts = reviewed("A B C", "60 9 55", "x - y").counts()

    assert (counts["households"], counts["households_in_grids"], counts["households_left_out"]) == (
        124,
        115,
        9,
    )
    assert counts["households_outside_communities"] == 0


def test_a_grid_outside_every_community_is_named_so_and_not_as_cut_off_or_in_pieces():
    found = reviewed("A B C D", "60 20 15 5", "x y y y", communities="c - - -")

    assert [(finding.code, finding.severity) for finding in found.findings if finding.grid_id == "y"] == [
        ("too_small", "error"),
        ("grid_outside_communities", "error"),
    ]
    assert {finding.values.get("reason") for finding in found.findings if finding.grid_id == "y"} == {None}
    assert found.statuses["y"].reason == "outside_communities"
    assert found.remedies["y"][0].reason == "outside_communities"


def test_a_grid_that_reaches_beyond_every_community_is_told_with_the_units_there():
    finding = only(reviewed("A B C", "60 10 9", "x x x", communities="c c -"))

    assert (finding.code, finding.severity, finding.unit_ids) == ("grid_partly_outside", "warning", ("C",))
    assert finding.values["outside_households"] == 9


def test_a_grid_without_units_is_told_and_counted():
    found = reviewed("A", "60", "x", communities="c", empty={"y": "c", "z": "bare"})

    assert codes(found) == [
        ("community_without_units", "z"),
        ("grid_count_not_legal", None),
        ("grid_without_units", "y"),
    ]
    assert (found.statuses["y"].status, found.statuses["y"].reason) == ("too_small", "grid_without_units")
    assert found.statuses["z"].reason == "community_empty"
    assert found.communities["bare"].legal == range(1)
    assert (found.statuses["z"].status, found.communities["bare"].grids) == ("exempt", 1)


def test_findings_fly_to_the_units_they_speak_of():
    points = np.array([[0.0, 0], [10, 0], [20, 0], [30, 0]])
    finding = only(reviewed("A B C D", "60 55 6 5", "x y x x", points=points))

    assert finding.point in {(20.0, 0.0), (30.0, 0.0)}


def test_nothing_at_all_is_in_order():
    nothing = related([], [])
    found = review(nothing, np.array([], dtype=np.int64), None, np.array([], dtype=object), band=Band())

    assert found.findings == ()
    assert found.grids_frame().empty


# -- reasons -------------------------------------------------------------------------------------------


def test_a_unit_above_the_upper_bound_is_the_reason_and_wants_floor_bands():
    found = reviewed("A B", "132 60", "x y")
    finding = only(found)

    assert finding.values["reason"] == "unit_too_large"
    assert finding.values["reason_unit_id"] == "A"
    assert finding.values["reason_households"] == 132
    assert remedy_of(found) == Remedy(
        "floors", ("x",), ("A",), before=(132,), after=(66, 66), solves=True, reason="unit_too_large"
    )
    assert found.statuses["x"].reason == "unit_too_large"


def test_an_island_without_a_bridge_is_the_reason_with_the_side_it_lies_on():
    adjacency = related(
        list("ABCD"), [(0, 1, 10), (1, 2, 10), (2, 3, 10)], crossings={(1, 2): Crossing.WATER}, apart={(1, 2)}
    )
    points = np.array([[0.0, 100], [0, 80], [0, 10], [0, 0]])
    finding = only(reviewed(adjacency, "60 25 20 11", "x x y y", communities="c c c c", points=points))

    assert finding.values["reason"] == "pocket_too_small"
    assert finding.values["reason_households"] == 31
    assert finding.values["reason_cut_by"] == "water"
    assert finding.values["reason_side"] == "south"
    assert finding.values["remedy"] == "none"


def test_a_community_of_30_households_is_the_reason():
    found = reviewed("A B C", "10 20 70", "x x y", communities="c1 c1 c2")

    grid = next(finding for finding in found.findings if finding.code == "too_small")
    assert (grid.values["reason"], grid.values["reason_households"]) == ("community_too_small", 30)
    assert codes(found)[0] == ("no_legal_count", None)


def test_a_proof_of_our_own_plan_is_the_reason_and_stands_against_any_remedy():
    proof = Proof("no_legal_division", {"households": 130, "part_households": 40, "lower": 50, "upper": 100})
    found = reviewed("A B C D", "30 10 45 45", "x x y y", proofs={"x": proof})

    assert only(found).values["reason"] == "no_legal_division"
    assert remedy_of(found).kind == "none"
    assert found.statuses["x"].reason == "no_legal_division"


# -- remedies ------------------------------------------------------------------------------------------


def test_a_large_grid_is_split_where_both_halves_are_in_band():
    remedy = remedy_of(reviewed("A B C D", "20 40 35 45", "x x x x"))

    assert (remedy.kind, remedy.before, sorted(remedy.after)) == ("split", (140,), [60, 80])
    assert remedy.solves
    assert dict(zip(remedy.unit_ids, remedy.parts, strict=True)) == {"A": 1, "B": 1, "C": 0, "D": 0}


def test_a_very_large_grid_is_split_in_as_many_as_it_takes():
    adjacency = lattice(6, 6)
    found = review(adjacency, np.full(36, 23), None, np.full(36, "x", dtype=object), band=Band())
    flagged = next(finding for finding in found.findings if finding.code == "too_large")
    remedy = Remedy.from_values(flagged.values)

    assert remedy is not None
    assert remedy.solves
    assert len(remedy.after) in Band().legal_counts(36 * 23)
    assert sum(remedy.after) == 36 * 23


def test_a_small_grid_is_merged_with_the_neighbour_of_the_same_compound():
    remedy = remedy_of(reviewed("A B C", "60 30 60", "x y z", compounds="- yard yard"))

    assert (remedy.kind, remedy.grid_ids, remedy.before, remedy.after) == (
        "merge",
        ("y", "z"),
        (30, 60),
        (90,),
    )


def test_a_small_grid_is_merged_over_the_longest_border():
    remedy = remedy_of(
        reviewed(
            """
            A B C
            A D C
            """,
            "60 15 60 15",
            "x y z y",
        )
    )
    assert remedy.grid_ids == ("y", "x")  # equal borders: the smaller id

    remedy = remedy_of(
        reviewed(
            """
            A B C
            A B C
            E E C
            """,
            "60 30 60 0",
            "x y z z",
        )
    )
    assert remedy.grid_ids == ("y", "z")


def test_a_small_grid_takes_the_fewest_households_that_mend_it():
    remedy = remedy_of(reviewed("A B C D", "45 6 20 40", "x y y y"))

    assert (remedy.kind, remedy.grid_ids, remedy.unit_ids) == ("move", ("y", "x"), ("B",))
    assert (remedy.before, remedy.after) == ((66, 45), (60, 51))
    assert remedy.moved_households == 6


def test_a_grid_in_two_pieces_gives_the_smaller_to_its_neighbour():
    remedy = remedy_of(reviewed("A B C D", "60 25 60 5", "x y y x"))

    assert (remedy.kind, remedy.grid_ids, remedy.unit_ids) == ("move", ("x", "y"), ("D",))
    assert remedy.after == (60, 90)


def test_a_grid_in_two_pieces_is_joined_by_the_unit_between():
    remedy = remedy_of(
        reviewed(
            """
            A B C
            D E F
            """,
            "40 2 45 30 28 30",
            "x y x y y y",
        )
    )

    assert (remedy.kind, remedy.grid_ids, remedy.unit_ids) == ("move", ("y", "x"), ("B",))
    assert remedy.after == (88, 87)


def test_the_pieces_of_a_grid_become_grids_of_their_own_cut_where_they_are_too_large():
    river = related(
        list("ABCD"), [(0, 1, 10), (1, 2, 10), (2, 3, 10)], crossings={(2, 3): Crossing.WATER}, apart={(2, 3)}
    )
    found = reviewed(river, "60 30 40 55", "x x x x")
    remedies = {Remedy.from_values(finding.values) for finding in found.findings if finding.grid_id == "x"}

    assert [finding.code for finding in found.findings if finding.grid_id] == ["too_large", "not_contiguous"]
    assert {(remedy.kind, remedy.after, remedy.solves) for remedy in remedies if remedy} == {
        ("split", (70, 60, 55), True)
    }


def test_a_unit_too_large_alone_is_parted_from_what_can_be_in_band():
    remedy = remedy_of(reviewed("A B C", "132 30 25", "x x x", communities="c c c"))

    assert (remedy.kind, remedy.after, remedy.solves) == ("split", (132, 55), False)
    assert remedy.reason == "unit_too_large"


def test_where_nothing_helps_the_grid_is_said_to_need_its_neighbours():
    # 40 + 90 on a street: it can only be cut 30 | 100, 40 | 90 or 85 | 45.
    found = reviewed("A B C D", "31 10 45 45", "x x y y")

    assert remedy_of(found).kind == "none"
    assert remedy_of(found).reason == "needs_neighbours"


def test_left_out_households_join_the_neighbour_that_has_room():
    remedy = remedy_of(reviewed("A B C", "95 20 60", "x - y"))

    assert (remedy.kind, remedy.grid_ids, remedy.unit_ids, remedy.after) == ("move", ("y",), ("B",), (80,))


def test_left_out_households_without_room_beside_them_become_a_grid():
    remedy = remedy_of(reviewed("A B C", "95 60 95", "x - y"))

    assert (remedy.kind, remedy.after, remedy.solves) == ("new", (60,), True)


def test_no_remedy_touches_a_special_grid():
    found = reviewed("A B C", "60 40 90", "school x y", special={"school"})

    assert remedy_of(found).kind == "none"


def test_a_remedy_never_joins_two_communities():
    found = reviewed("A B", "60 30", "x y", communities="c1 c2")

    assert [finding.values.get("remedy") for finding in found.findings] == [None, "none"]


def test_a_district_drawn_as_one_grid_is_to_be_planned_anew():
    n = 2_500
    found = review(lattice(50, 50), np.full(n, 8), None, np.full(n, "all", dtype=object), band=Band())

    flagged = next(finding for finding in found.findings if finding.code == "too_large")
    assert flagged.values["remedy_reason"] == "plan_anew"


# -- remedies together ---------------------------------------------------------------------------------


def proposed(found: Review) -> dict[str | None, Remedy]:
    remedies = {finding.grid_id: Remedy.from_values(finding.values) for finding in found.findings}
    return {grid: remedy for grid, remedy in remedies.items() if remedy is not None}


def test_a_grid_that_another_is_merged_with_has_the_same_remedy():
    # Alone, y would rather be merged with z, which mends more households.
    found = reviewed("A B C", "30 40 45", "x y z")

    assert found.remedies["y"][0].grid_ids == ("y", "z")
    assert proposed(found)["x"].grid_ids == ("x", "y")
    assert proposed(found)["y"] == proposed(found)["x"]


def test_a_remedy_gives_way_to_another_where_its_neighbour_is_taken():
    # x and z would both be merged with y; z can take D from w instead.
    found = reviewed("A B C D E", "30 60 30 30 60", "x y z w w", communities="c c c c c")

    assert proposed(found)["x"].grid_ids == ("x", "y")
    assert (proposed(found)["z"].kind, proposed(found)["z"].grid_ids) == ("move", ("w", "z"))


def test_a_remedy_that_others_leave_no_room_for_comes_after_them():
    found = reviewed("A B C", "30 60 30", "x y z")

    assert proposed(found)["x"].grid_ids == ("x", "y")
    assert proposed(found)["z"] == Remedy(
        "none", ("z", "y"), before=(30,), after=(30,), reason="after_others"
    )
    assert found.statuses["z"].reason == "mendable"


def test_left_out_households_do_not_join_a_grid_that_another_remedy_changes():
    found = reviewed("A B C", "30 40 10", "x y -")

    assert proposed(found)["x"].grid_ids == ("x", "y")
    assert proposed(found)[None] == Remedy("none", ("y",), reason="after_others")


# -- properties ----------------------------------------------------------------------------------------


def walkable_pieces(adjacency: Adjacency, community: np.ndarray, units: set[int]) -> int:
    """Count contiguous pieces over pairs that join inside one community, the slow way."""
    rest, pieces = set(units), 0
    pairs = [
        (a, b)
        for a, b, joins in zip(adjacency.left, adjacency.right, adjacency.joins, strict=True)
        if joins and community[a] == community[b]
    ]
    while rest:
        pieces += 1
        reached = {rest.pop()}
        while True:
            ahead = {b for a, b in pairs if a in reached and b in rest}
            ahead |= {a for a, b in pairs if b in reached and a in rest}
            if not ahead:
                break
            reached |= ahead
            rest -= ahead
    return pieces


def applied(remedy: Remedy, grid_of: Mapping[str, str | None]) -> tuple[dict[str, str | None], list[str]]:
    """Apply a remedy by its words; return the new plan and the grids it made or changed, in order."""
    after = dict(grid_of)
    if remedy.kind in ("split", "new"):
        names = [f"new{part}" for part in range(len(remedy.after))]
        after |= {unit: names[part] for unit, part in zip(remedy.unit_ids, remedy.parts, strict=True)}
        return after, names
    target = remedy.grid_ids[-1]
    after |= dict.fromkeys(remedy.unit_ids, target)
    return after, [target] if remedy.kind == "merge" else list(remedy.grid_ids)


@st.composite
def drawn_plans(draw: st.DrawFn) -> tuple[DrawnMap, np.ndarray]:
    """Draw a map and any assignment of its units to a few grids or to none."""
    place = draw(drawn_maps(max_side=4))
    n = len(place.households)
    names = draw(
        st.lists(st.sampled_from(["g1", "g1", "g2", "g2", "g3", "g4", None]), min_size=n, max_size=n)
    )
    return place, np.array(names, dtype=object)


@settings(deadline=None)
@given(drawn_plans())
def test_a_remedy_has_the_effect_it_states(plan):
    place, grid_ids = plan
    units = place.adjacency.unit_ids.tolist()
    households = dict(zip(units, place.households.tolist(), strict=True))
    grid_of = dict(zip(units, grid_ids.tolist(), strict=True))
    community_ids = np.array([f"c{code}" for code in place.community], dtype=object)
    band = Band(50, 100)
    found = review(place.adjacency, place.households, community_ids, grid_ids, band=band)

    for finding in found.findings:
        remedy = Remedy.from_values(finding.values)
        if remedy is not None and remedy.kind == "floors":
            (unit,) = remedy.unit_ids
            assert remedy.before == (households[unit],)
            assert sum(remedy.after) == households[unit] > 100
            assert len(remedy.after) == -(-households[unit] // 100)
            assert [name for name in units if grid_of[name] == remedy.grid_ids[0]] == [unit]
            continue
        if remedy is None or remedy.kind == "none":
            continue
        plan_after, changed = applied(remedy, grid_of)
        members = {grid: [unit for unit in units if plan_after[unit] == grid] for grid in changed}
        totals = tuple(sum(households[unit] for unit in members[grid]) for grid in changed)
        pieces = [
            walkable_pieces(place.adjacency, community_ids, {units.index(unit) for unit in members[grid]})
            for grid in changed
        ]
        assert totals == remedy.after
        assert remedy.before == tuple(
            sum(households[unit] for unit in units if grid_of[unit] == grid) for grid in remedy.grid_ids
        )
        in_order = all(50 <= total <= 100 for total in totals) and pieces == [1] * len(pieces)
        assert remedy.solves == in_order


@settings(deadline=None)
@given(drawn_plans())
def test_a_grid_is_flagged_exactly_when_it_breaks_a_rule(plan):
    place, grid_ids = plan
    community_ids = np.array([f"c{code}" for code in place.community], dtype=object)
    found = review(place.adjacency, place.households, community_ids, grid_ids, band=Band(50, 100))

    everywhere = np.zeros(len(place), dtype=np.int64)
    for grid in set(grid_ids.tolist()) - {None}:
        members = set(np.flatnonzero(grid_ids == grid).tolist())
        total = int(place.households[list(members)].sum())
        expected = set()
        if found.statuses[grid].status == "exempt":
            homes = {community_ids[unit] for unit in members}
            assert any(place.households[community_ids == home].sum() == 0 for home in homes)
            assert total == 0
            expected.add("community_without_households")
        elif not 50 <= total <= 100:
            expected.add("too_small" if total < 50 else "too_large")
        if walkable_pieces(place.adjacency, everywhere, members) > 1:
            expected.add("not_contiguous")
        if len({community_ids[unit] for unit in members}) > 1:
            expected.add("spans_communities")
        assert {finding.code for finding in found.findings if finding.grid_id == grid} == expected
        assert (found.statuses[grid].reason == "") == (not expected)


@settings(deadline=None)
@given(
    st.integers(2, 4).flatmap(lambda side: st.lists(st.integers(5, 60), min_size=2 * side, max_size=2 * side))
)
def test_a_split_is_found_wherever_there_is_one(households):
    n = len(households)
    adjacency = lattice(2, n // 2)
    total = sum(households)
    grids = np.full(n, "x", dtype=object)
    found = review(adjacency, np.array(households), None, grids, band=Band(50, 100))
    community = np.zeros(n, dtype=np.int64)
    exists = total > 100 and any(
        50 <= (part := sum(households[unit] for unit in range(n) if sides[unit])) <= 100
        and 50 <= total - part <= 100
        and all(
            walkable_pieces(adjacency, community, {unit for unit in range(n) if sides[unit] == side}) == 1
            for side in (0, 1)
        )
        for sides in product((0, 1), repeat=n)
        if 0 < sum(sides) < n
    )

    remedies = found.remedies.get("x", ())
    if exists:
        assert remedies[0].solves


@settings(deadline=None)
@given(drawn_maps(max_side=4))
def test_grids_of_our_own_plan_are_only_flagged_with_a_reason(place):
    made = partition(place.adjacency, place.households, place.community, band=Band(50, 100))
    grid_ids = np.array([f"g{label:02}" for label in made.labels], dtype=object)
    proofs = {f"g{part:02}": proof for part, proof in made.proofs.items()}
    community_ids = np.array([f"c{code}" for code in place.community], dtype=object)
    found = review(place.adjacency, place.households, community_ids, grid_ids, band=made.band, proofs=proofs)

    flagged = [finding for finding in found.findings if finding.grid_id]
    assert {finding.grid_id for finding in flagged} == set(proofs)
    assert all(finding.values["reason"] == proofs[str(finding.grid_id)].code for finding in flagged)


@settings(deadline=None)
@given(drawn_plans())
def test_remedies_go_together(plan):
    place, grid_ids = plan
    units = place.adjacency.unit_ids.tolist()
    households = dict(zip(units, place.households.tolist(), strict=True))
    before = dict(zip(units, grid_ids.tolist(), strict=True))
    community_ids = np.array([f"c{code}" for code in place.community], dtype=object)
    found = review(place.adjacency, place.households, community_ids, grid_ids, band=Band(50, 100))
    remedies = {Remedy.from_values(finding.values) for finding in found.findings} - {None}
    remedies = sorted((remedy for remedy in remedies if remedy.moves_units), key=repr)

    assert len({grid for remedy in remedies for grid in remedy.grid_ids}) == sum(
        len(remedy.grid_ids) for remedy in remedies
    )
    together = dict(before)
    made = []
    for number, remedy in enumerate(remedies):
        after, changed = applied(remedy, before)
        renamed = {grid: f"{number}:{grid}" for grid in changed}
        moved = {unit for unit in units if after[unit] in renamed and before[unit] != after[unit]}
        touched = moved | {unit for unit in units if before[unit] in remedy.grid_ids}
        together |= {unit: renamed[after[unit]] for unit in touched}
        made.append((remedy, list(renamed.values())))
    for remedy, changed in made:
        totals = [sum(households[unit] for unit in units if together[unit] == grid) for grid in changed]
        assert tuple(totals) == remedy.after
