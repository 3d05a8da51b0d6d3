import numpy as np
import pytest
from hypothesis import given, settings

import geo.partition.plan as plan_module
from geo.adjacency import Adjacency
from geo.errors import InputError
from geo.partition import Band, Partition, Weights, partition
from tests.builders import draw_adjacency, lattice, related
from tests.geo.partition.oracle import fewest_faults
from tests.strategies import DrawnMap, drawn_maps, seeds


def parts(plan: Partition) -> set[str]:
    return {"".join(plan.adjacency.unit_ids[plan.members(part)]) for part in range(plan.n_parts)}


def codes(plan: Partition) -> list[str]:
    return [plan.proofs[part].code for part in sorted(plan.proofs)]


def planned(drawn: DrawnMap, *, band: Band | None = None, seed: int = 0) -> Partition:
    return partition(
        drawn.adjacency, drawn.households, drawn.community, compound=drawn.compound, band=band, seed=seed
    )


def village(rows: int, columns: int, seed: int) -> tuple[Adjacency, np.ndarray]:
    households = np.random.default_rng(seed).integers(0, 31, rows * columns)
    return lattice(rows, columns), households


@settings(max_examples=80, deadline=None)
@given(drawn=drawn_maps(), seed=seeds())
def test_every_unit_has_a_contiguous_part_within_its_community(drawn, seed):
    plan = planned(drawn, seed=seed)

    assert (plan.labels >= 0).all()
    assert plan.contiguous.all()
    assert all(len(set(drawn.community[plan.members(part)])) == 1 for part in range(plan.n_parts))


@settings(max_examples=150, deadline=None)
@given(drawn=drawn_maps(), seed=seeds())
def test_no_plan_has_fewer_households_and_parts_out_of_band(drawn, seed):
    plan = planned(drawn, seed=seed)

    faults = sum(max(1, int((drawn.households[plan.members(part)] > 100).sum())) for part in plan.out_of_band)
    assert (plan.households_out_of_band, faults) == fewest_faults(drawn, 50, 100)


@settings(max_examples=60, deadline=None)
@given(drawn=drawn_maps(), seed=seeds())
def test_in_a_narrow_band_no_plan_has_fewer_households_out_of_it(drawn, seed):
    plan = planned(drawn, band=Band(50, 60), seed=seed)

    assert plan.households_out_of_band == fewest_faults(drawn, 50, 60)[0]


@settings(max_examples=80, deadline=None)
@given(drawn=drawn_maps(), seed=seeds())
def test_every_part_out_of_band_has_a_proof_and_no_other(drawn, seed):
    plan = planned(drawn, seed=seed)

    assert set(plan.proofs) == set(plan.out_of_band.tolist())
    assert "not_proved" not in codes(plan)


def test_units_are_joined_into_parts_within_the_band():
    plan = partition(draw_adjacency("A B C D"), [30, 30, 30, 30], [0, 0, 0, 0])

    assert parts(plan) == {"AB", "CD"}
    assert plan.proofs == {}


def test_parts_are_numbered_by_their_first_unit():
    plan = partition(draw_adjacency("D C B A"), [60, 60, 60, 60], [0, 0, 0, 0])

    assert plan.labels.tolist() == [0, 1, 2, 3]


def test_an_empty_adjacency_has_no_parts():
    plan = partition(related([], []), [], [])

    assert plan.n_parts == 0
    assert plan.labels.shape == (0,)


def test_a_unit_outside_every_community_is_in_no_part():
    plan = partition(draw_adjacency("A B C"), [60, 60, 60], [0, -1, 0])

    assert plan.labels.tolist() == [0, -1, 1]


def test_units_without_households_belong_to_the_part_they_stand_in():
    plan = partition(draw_adjacency("A B C"), [30, 0, 30], [0, 0, 0])

    assert parts(plan) == {"ABC"}


def test_a_unit_above_the_upper_bound_is_out_of_band_alone():
    plan = partition(draw_adjacency("A B C"), [60, 132, 70], [0, 0, 0])

    assert parts(plan) == {"A", "B", "C"}
    assert plan.proofs[1].code == "unit_too_large"
    assert plan.proofs[1].values["unit"] == "B"
    assert plan.proofs[1].values["households"] == 132


def test_a_pocket_behind_a_unit_too_large_joins_its_part():
    plan = partition(draw_adjacency("A B C"), [60, 132, 31], [0, 0, 0])

    assert parts(plan) == {"A", "BC"}
    assert codes(plan) == ["unit_too_large"]


def test_two_units_too_large_stay_apart():
    plan = partition(draw_adjacency("A B"), [132, 140], [0, 0])

    assert parts(plan) == {"A", "B"}
    assert codes(plan) == ["unit_too_large", "unit_too_large"]


def test_an_island_without_a_bridge_is_a_pocket():
    island = draw_adjacency("A B ~ C")

    plan = partition(island, [40, 40, 31], [0, 0, 0])

    assert plan.proofs[1].code == "pocket_too_small"
    assert plan.proofs[1].values["households"] == 31


def test_a_community_below_the_lower_bound_says_so_on_every_part():
    plan = partition(draw_adjacency("A B ~ C"), [10, 10, 10], [0, 0, 0])

    assert codes(plan) == ["community_too_small", "community_too_small"]
    assert plan.proofs[0].values["households"] == 30


def test_a_community_without_households_is_empty():
    plan = partition(draw_adjacency("A B"), [0, 0], [0, 0])

    assert parts(plan) == {"AB"}
    assert codes(plan) == ["community_empty"]


def test_a_total_between_the_legal_counts_has_no_legal_division():
    plan = partition(draw_adjacency("A B C"), [20, 15, 35], [0, 0, 0], band=Band(50, 60))

    assert codes(plan) == ["no_legal_division"]
    assert plan.proofs[int(plan.out_of_band[0])].values["households"] == 70


def test_units_that_have_no_total_in_the_band_say_which_are_next_and_make_parts_as_near_as_they_can():
    plan = partition(lattice(5, 5), [12] * 25, [0] * 25, band=Band(75, 75))

    assert set(codes(plan)) == {"no_total_in_band"}
    assert sorted(plan.part_households) == [72, 72, 72, 84]
    assert (plan.proofs[0].values["below"], plan.proofs[0].values["above"]) == (72, 84)


def test_totals_that_do_not_add_up_say_how_much_is_left_over():
    plan = partition(lattice(5, 5), [12] * 25, [0] * 25, band=Band(70, 73))

    assert codes(plan) == ["totals_leave_rest"]
    assert plan.households_out_of_band == plan.proofs[int(plan.out_of_band[0])].values["left_over"] == 12


def test_a_narrow_band_is_met_where_units_are_small():
    households = np.random.default_rng(0).integers(1, 4, 2000)

    plan = partition(lattice(40, 50), households, np.zeros(2000, int), band=Band(74, 76))

    assert plan.contiguous.all()
    assert plan.part_households.min() >= 74
    assert plan.part_households.max() <= 76


def test_lumps_that_fit_nowhere_have_no_legal_division():
    plan = partition(draw_adjacency("A B C"), [45, 60, 45], [0, 0, 0])

    assert codes(plan) == ["no_legal_division", "no_legal_division"]
    assert plan.households_out_of_band == 90


def test_what_is_left_between_units_too_large_says_so():
    plan = partition(draw_adjacency("A B C D E"), [70, 55, 15, 55, 70], [0] * 5, band=Band(50, 60))

    assert codes(plan) == ["unit_too_large", "split_by_units_too_large", "unit_too_large"]
    assert plan.proofs[2].values["households"] == 125


def test_walls_inside_parts_are_avoided():
    road = related(
        ["A", "B", "C", "D"],
        [(0, 1, 10.0), (1, 2, 10.0), (2, 3, 10.0), (0, 3, 10.0)],
        crossings={(0, 1): 2, (2, 3): 2},
    )

    assert parts(partition(road, [40, 40, 40, 40], [0, 0, 0, 0])) == {"AD", "BC"}


def test_compounds_stay_whole_before_borders_are_short():
    square = draw_adjacency("A B / C D")

    across = partition(square, [40, 40, 40, 40], [0, 0, 0, 0], compound=[0, 1, 0, 1])
    along = partition(square, [40, 40, 40, 40], [0, 0, 0, 0], compound=[0, 0, 1, 1])

    assert parts(across) == {"AC", "BD"}
    assert parts(along) == {"AB", "CD"}


def test_weights_can_be_chosen():
    square = draw_adjacency("A A B / A A B / C C D")
    even = Weights(cut=0.0, compound_split=0.0, evenness=1.0, target=100)

    plan = partition(square, [25, 25, 75, 75], [0, 0, 0, 0], weights=even)

    assert parts(plan) == {"AC", "BD"} or sorted(plan.part_households) == [100, 100]


def test_a_group_shares_a_part():
    row = draw_adjacency("A B C D")

    plan = partition(row, [50, 25, 25, 50], [0, 0, 0, 0], kept_whole=[0, 0, -1, -1])

    assert plan.labels[0] == plan.labels[1]
    assert plan.proofs == {}


def test_a_group_in_two_places_takes_along_what_lies_between():
    plan = partition(draw_adjacency("A B C D"), [20, 20, 20, 60], [0] * 4, kept_whole=[0, -1, 0, -1])

    assert parts(plan) == {"ABC", "D"}


def test_a_group_too_large_says_so():
    plan = partition(draw_adjacency("A B"), [60, 60], [0, 0], kept_whole=[3, 3])

    assert codes(plan) == ["group_too_large"]


def test_a_group_on_two_islands_is_refused():
    with pytest.raises(InputError, match="A and C must share a part"):
        partition(draw_adjacency("A B ~ C"), [60, 60, 60], [0, 0, 0], kept_whole=[1, -1, 1])


@pytest.mark.parametrize(
    ("households", "community"), [([60], [0, 0]), ([60, 60], [0]), ([60.5, 60], [0, 0]), ([60, -1], [0, 0])]
)
def test_what_does_not_fit_the_units_is_refused(households, community):
    with pytest.raises(InputError):
        partition(draw_adjacency("A B"), households, community)


@pytest.mark.parametrize("seed", [0, 1])
def test_interpreted_and_compiled_give_the_same_plan(monkeypatch, seed):
    adjacency, households = village(13, 13, seed)
    interpreted = partition(adjacency, households, np.zeros(169, int), seed=seed)

    monkeypatch.setattr(plan_module, "COMPILED_FROM_UNITS", 0)
    compiled = partition(adjacency, households, np.zeros(169, int), seed=seed)

    assert interpreted.proofs == {}
    np.testing.assert_array_equal(interpreted.labels, compiled.labels)


def test_the_same_seed_gives_the_same_plan_and_another_seed_another():
    adjacency, households = village(20, 20, 5)
    plans = [partition(adjacency, households, np.zeros(400, int), seed=seed).labels for seed in (4, 4, 5)]

    np.testing.assert_array_equal(plans[0], plans[1])
    assert (plans[0] != plans[2]).any()


def test_a_community_gets_the_same_parts_alone_as_inside_the_city():
    adjacency, households = village(12, 24, 6)
    community = np.arange(288) % 24 // 12
    city = partition(adjacency, households, community, seed=3)

    inside = np.flatnonzero(community == 1)
    position = np.cumsum(community == 1) - 1
    both = (community[adjacency.left] == 1) & (community[adjacency.right] == 1)
    alone = partition(
        Adjacency(
            adjacency.unit_ids[inside],
            position[adjacency.left[both]],
            position[adjacency.right[both]],
            adjacency.border_m[both],
            adjacency.crosses[both],
            adjacency.joins[both],
        ),
        households[inside],
        np.zeros(144, int),
        seed=3,
    )

    same = city.labels[inside][:, None] == city.labels[inside]
    np.testing.assert_array_equal(same, alone.labels[:, None] == alone.labels)


def test_codes_of_communities_and_compounds_do_not_matter():
    adjacency, households = village(10, 20, 7)
    community, compound = np.arange(200) % 20 // 10, np.arange(200) // 40
    one = partition(adjacency, households, community, compound=compound)
    two = partition(adjacency, households, 7 - community, compound=9 - compound)

    np.testing.assert_array_equal(one.labels, two.labels)


def test_the_order_of_the_pairs_does_not_matter():
    adjacency, households = village(10, 10, 11)
    turn = np.random.default_rng(0).permutation(len(adjacency))
    turned = Adjacency(
        adjacency.unit_ids,
        adjacency.left[turn],
        adjacency.right[turn],
        adjacency.border_m[turn],
        adjacency.crosses[turn],
        adjacency.joins[turn],
    )

    plans = [partition(given, households, np.zeros(100, int)).labels for given in (adjacency, turned)]

    np.testing.assert_array_equal(*plans)


def test_stopping_at_once_still_gives_a_complete_contiguous_plan():
    adjacency, households = village(20, 20, 8)
    plan = partition(adjacency, households, np.zeros(400, int), should_stop=lambda: True)

    assert (plan.labels >= 0).all()
    assert plan.contiguous.all()
    assert set(plan.proofs) == set(plan.out_of_band.tolist())


def test_progress_ends_with_every_unit_done():
    calls: list[tuple[int, int]] = []
    adjacency, households = village(10, 20, 9)
    partition(adjacency, households, np.arange(200) % 20 // 10, on_progress=lambda *call: calls.append(call))

    assert calls == [(100, 200), (200, 200)]


def test_inputs_are_left_as_they_were():
    adjacency, households = village(5, 5, 10)
    before = households.copy()
    plan = partition(adjacency, households, np.zeros(25, int))

    np.testing.assert_array_equal(households, before)
    assert households.flags.writeable
    assert not plan.labels.flags.writeable


def test_interpreted_and_compiled_give_the_same_plan_where_faults_remain(monkeypatch):
    households = np.random.default_rng(3).choice([30, 45, 60, 75], 144)
    adjacency = lattice(12, 12)
    interpreted = partition(adjacency, households, np.zeros(144, int))

    monkeypatch.setattr(plan_module, "COMPILED_FROM_UNITS", 0)
    compiled = partition(adjacency, households, np.zeros(144, int))

    assert len(interpreted.proofs) > 0
    assert interpreted.proofs == compiled.proofs
    np.testing.assert_array_equal(interpreted.labels, compiled.labels)


@pytest.mark.parametrize("seed", range(3))
def test_lumps_that_fit_only_in_pairs_are_paired(seed):
    households = np.random.default_rng(seed).integers(40, 50, 144)
    plan = partition(lattice(12, 12), households, np.zeros(144, int), seed=seed)

    assert plan.n_parts == 72
    assert plan.proofs == {}


def test_a_path_of_units_is_proved_to_be_cut_as_well_as_can_be():
    households = np.random.default_rng(1).integers(20, 70, 200)
    plan = partition(lattice(1, 200), households, np.zeros(200, int))

    assert codes(plan).count("no_legal_division") == len(plan.proofs) > 0
