"""A second weight made even among the parts in band, whose band, pieces and proofs stay."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import InputError
from geo.partition import Partition, Weights, partition
from geo.partition.work import MOST_WORK, whole_work
from tests.builders import lattice

ROWS, COLUMNS = 12, 12


def town(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    chance = np.random.default_rng(seed)
    households = chance.integers(4, 14, ROWS * COLUMNS)
    return households, np.arange(ROWS * COLUMNS) // 18, chance.poisson(households * chance.gamma(1, 0.2, 144))


def planned(seed: int, **options: object) -> Partition:
    households, compound, _ = town(seed)
    community = np.zeros(len(households), int)
    return partition(
        lattice(ROWS, COLUMNS), households, community, compound=compound, effort="fast", **options
    )


def spread(plan: Partition, work: np.ndarray) -> float:
    load = np.delete(np.bincount(plan.labels, weights=work), plan.out_of_band)
    return float(load.std() / load.mean())


@pytest.mark.parametrize("seed", range(4))
def test_work_is_more_even_and_everything_else_holds(seed: int):
    work = town(seed)[2]
    before, after = planned(seed), planned(seed, work=work)

    assert spread(after, work) < 0.75 * spread(before, work)
    assert after.contiguous.all()
    assert len(after.out_of_band) == len(before.out_of_band) == 0
    assert after.n_parts == before.n_parts


def test_who_pays_more_for_even_work_gets_it_more_even():
    seeds = range(4)
    spreads = [
        sum(
            spread(planned(seed, work=town(seed)[2], weights=Weights(work=price)), town(seed)[2])
            for seed in seeds
        )
        for price in (0.0, 100.0, 5000.0)
    ]
    assert spreads[0] > spreads[1] > spreads[2]


def test_compiled_and_interpreted_give_the_same_plan(monkeypatch: pytest.MonkeyPatch):
    work = town(1)[2]
    plain = planned(1, work=work)
    monkeypatch.setattr("geo.partition.plan.COMPILED_FROM_UNITS", 1)
    assert planned(1, work=work).labels.tolist() == plain.labels.tolist()


@settings(max_examples=30)
@given(
    households=st.lists(st.integers(0, 130), min_size=20, max_size=20),
    work=st.lists(st.one_of(st.integers(0, 50), st.floats(0, 1e12)), min_size=20, max_size=20),
    cut=st.integers(0, 5),
)
def test_no_part_leaves_the_band_or_falls_apart_for_work(households, work, cut):
    pairs = lattice(4, 5)
    community = (np.arange(20) % 5 < cut).astype(int)
    before = partition(pairs, households, community, effort="fast")
    after = partition(pairs, households, community, effort="fast", work=work)

    assert after.contiguous.all()
    assert after.n_parts == before.n_parts
    assert sorted(after.part_households[after.out_of_band]) == sorted(
        before.part_households[before.out_of_band]
    )
    assert {proof.code for proof in after.proofs.values()} == {proof.code for proof in before.proofs.values()}
    for part in range(after.n_parts):
        assert len(set(community[after.members(part)])) == 1


@pytest.mark.parametrize(
    ("work", "code"),
    [
        ([1.0] * 143, "units_mismatch"),
        ([[1.0]] * 144, "units_mismatch"),
        ([-1.0] + [1.0] * 143, "work_invalid"),
        ([np.nan] * 144, "work_invalid"),
    ],
)
def test_what_is_no_work_is_refused(work, code):
    with pytest.raises(InputError) as refused:
        planned(0, work=work)
    assert refused.value.code == code


def test_work_of_any_size_is_whole_numbers_of_the_same_shares():
    assert whole_work(np.array([3.0, 0.0, 7.0])).tolist() == [3, 0, 7]
    for scale in (1e-9, 0.001, 1e15):
        work = np.array([1.5, 0.0, 4.5, 3.0]) * scale
        whole = whole_work(work)
        assert whole.sum() <= MOST_WORK
        assert whole / whole.sum() == pytest.approx(work / work.sum(), abs=1e-6)
    assert whole_work(np.zeros(3)).tolist() == [0, 0, 0]
