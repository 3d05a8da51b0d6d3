import numpy as np
import pytest

from geo.errors import InputError
from geo.partition import Band, Locks, Partition, merge, nest, split
from tests.builders import draw_adjacency, lattice, related


def row(households: list[int], labels: list[int], band: Band | None = None) -> Partition:
    n = len(households)
    return Partition(lattice(1, n), households, np.zeros(n, np.int64), labels, band or Band())


def code_of(call) -> str:
    with pytest.raises(InputError) as refused:
        call()
    return refused.value.code


def test_a_part_is_split_into_as_many_as_asked():
    plan = row([30, 30, 30, 30, 60, 30], [0, 0, 0, 0, 0, 1])

    two, three = split(plan, 0, 2), split(plan, 0, 3)

    assert two.n_parts == 3
    assert three.n_parts == 4
    assert three.labels.tolist() == [0, 0, 1, 1, 2, 3]
    assert two.contiguous.all()
    assert two.labels[5] not in two.labels[:5]


def test_a_large_part_is_split_by_search():
    n = 120
    plan = Partition(lattice(10, 12), np.full(n, 3), np.zeros(n, np.int64), np.zeros(n, np.int64))

    for k in (4, 5, 7):
        made = split(plan, 0, k)
        assert made.n_parts == k
        assert made.contiguous.all()
        assert len(made.out_of_band) == 0


def test_a_split_that_is_impossible_says_why():
    plan = row([30, 30, 30, 30], [0, 0, 0, 0])

    assert code_of(lambda: split(plan, 1, 2)) == "part_not_found"
    assert code_of(lambda: split(plan, 0, 2, locks=Locks(parts=[0]))) == "part_locked"
    assert code_of(lambda: split(plan, 0, 3)) == "split_count"
    assert code_of(lambda: split(row([80], [0]), 0, 2)) == "split_count_none"
    assert code_of(lambda: split(row([160], [0]), 0, 2)) == "split_units"
    assert code_of(lambda: split(row([45, 60, 45], [0, 0, 0]), 0, 2)) == "split_impossible"
    assert code_of(lambda: split(row([20, 110, 20], [0, 0, 0]), 0, 2)).startswith("split_")
    assert code_of(lambda: split(plan, 0, 2, locks=Locks(units=[0, 3]))) == "split_impossible"


def test_locked_units_stay_together_and_keep_their_part():
    plan = row([30, 30, 30, 30, 60], [0, 0, 0, 0, 0])

    made = split(plan, 0, 3, locks=Locks(units=[0, 1]))

    assert made.labels[0] == made.labels[1]


def test_two_neighbours_merge():
    plan = row([30, 30, 40, 60], [0, 0, 1, 2])

    assert merge(plan, 0, 1).labels.tolist() == [0, 0, 0, 1]
    assert merge(plan, 1, 2, special=[1]).labels.tolist() == [0, 0, 1, 1]


def test_a_merge_that_is_impossible_says_why():
    plan = row([30, 30, 40, 60], [0, 0, 1, 2])
    river = related(["a", "b"], [(0, 1, 10.0)], apart={(0, 1)})

    assert code_of(lambda: merge(plan, 0, 0)) == "merge_same"
    assert code_of(lambda: merge(plan, 0, 9)) == "part_not_found"
    assert code_of(lambda: merge(plan, 0, 1, locks=Locks(parts=[1]))) == "part_locked"
    assert code_of(lambda: merge(plan, 0, 1, locks=Locks(units=[0, 2]))) == "merge_units_locked"
    assert code_of(lambda: merge(plan, 0, 2)) == "merge_apart"
    assert code_of(lambda: merge(row([60, 60], [0, 1]), 0, 1)) == "merge_too_large"
    assert code_of(lambda: merge(Partition(river, [30, 30], [0, 0], [0, 1]), 0, 1)) == "merge_apart"
    other = Partition(draw_adjacency("A B"), [30, 30], [0, 1], [0, 1])
    assert code_of(lambda: merge(other, 0, 1)) == "merge_communities"


def test_other_bounds_inside_each_part():
    plan = row([6, 6, 6, 6, 60, 8], [0, 0, 0, 0, 1, 1])

    inner = nest(plan, lower=5, upper=12)

    assert inner.band == Band(5, 12)
    assert inner.part_community.tolist() == sorted(inner.part_community.tolist())
    for sub in range(inner.n_parts):
        assert len(set(plan.labels[inner.members(sub)].tolist())) == 1
    assert {proof.code for proof in inner.proofs.values()} == {"unit_too_large"}


def test_bounds_above_every_part_are_refused():
    plan = row([30, 30], [0, 0])

    assert code_of(lambda: nest(plan, lower=70, upper=80)) == "nest_bounds"
    assert code_of(lambda: nest(plan, lower=10, upper=5)) == "band_invalid"


def test_locks_must_belong_to_the_partition():
    plan = row([30, 30, 60], [0, 0, -1])

    for locks, code in (
        (Locks(parts=[3]), "part_not_found"),
        (Locks(units=[7]), "unit_not_found"),
        (Locks(units=[2]), "locked_unit_without_part"),
    ):
        assert code_of(lambda locks=locks: merge(plan, 0, 0, locks=locks)) == code
