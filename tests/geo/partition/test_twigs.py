import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from geo.partition import Band, partition
from geo.partition.twigs import _fullest
from tests.builders import related


def star(*blocks: tuple[int, ...], middle: int = 0):
    """A street unit in the middle; each block is a row of units, the first of them on the street."""
    households, pairs, names = [middle], [], ["street"]
    for number, block in enumerate(blocks):
        first = len(households)
        pairs.append((0, first, 10.0))
        pairs += [(first + k, first + k + 1, 10.0) for k in range(len(block) - 1)]
        households += block
        names += [f"{number:02}-{k}" for k in range(len(block))]
    order = np.argsort(names)
    position = np.argsort(order)
    moved = [(min(position[a], position[b]), max(position[a], position[b]), m) for a, b, m in pairs]
    adjacency = related([names[k] for k in order], [(int(a), int(b), m) for a, b, m in moved])
    return partition(
        adjacency, np.array(households)[order], np.zeros(len(names), np.int64), band=Band(50, 100)
    )


def test_blocks_that_hang_on_one_street_unit_are_explained_by_it():
    made = star(*[(20, 16)] * 9, (30, 30, 30))

    assert made.contiguous.all()
    totals = sorted(made.part_households.tolist())
    assert totals == [36] * 7 + [72, 90]
    proofs = [made.proofs[part] for part in made.out_of_band.tolist()]
    assert {proof.code for proof in proofs} == {"behind_unit"}
    assert proofs[0].values["unit"] == "street"
    assert proofs[0].values["places"] == 9
    assert proofs[0].values["places_households"] == 324


def test_blocks_that_fit_into_one_grid_are_no_reason():
    made = star(*[(5, 4)] * 9)

    assert made.part_households.tolist() == [81]


def test_a_few_households_behind_a_tower_that_is_nearly_full_are_explained_by_it():
    adjacency = related(["cottage", "house", "tower"], [(0, 2, 10.0), (1, 2, 10.0)])
    made = partition(adjacency, np.array([3, 80, 98]), np.zeros(3, np.int64), band=Band(50, 100))

    assert sorted(made.part_households.tolist()) == [3, 80, 98]
    (proof,) = made.proofs.values()
    assert proof.code in {"behind_unit", "no_legal_division"}


@given(values=st.lists(st.integers(0, 30), min_size=1, max_size=8), room=st.integers(0, 60))
def test_the_fullest_choice_is_the_best_of_all(values, room):
    chosen = _fullest(np.array(values), room)

    sums = [sum(c) for size in range(len(values) + 1) for c in itertools.combinations(values, size)]
    assert sum(values[k] for k in chosen) == max(s for s in sums if s <= room)
    assert len(set(chosen.tolist())) == len(chosen)


def test_a_heavy_unit_with_a_leaf_shows_that_two_parts_cannot_be():
    # 49 and 16 belong together and leave 47 of 112: too few for a second part.
    adjacency = related(
        [f"u{k}" for k in range(9)],
        [(0, 1, 10.0), (1, 2, 10.0), (2, 3, 10.0), (3, 4, 10.0), (4, 5, 10.0), (2, 5, 9.0), (5, 6, 10.0),
         (6, 7, 10.0), (7, 8, 10.0), (4, 8, 10.0)],
    )  # fmt: skip
    households = np.array([16, 49, 7, 8, 7, 6, 7, 6, 6])
    made = partition(adjacency, households, np.zeros(9, np.int64), band=Band(50, 100))

    assert households.sum() == 112
    assert len(made.out_of_band) == 1
    assert made.proofs[int(made.out_of_band[0])].code == "no_legal_division"
