"""Plans that differ: each whole and as good in band as the first, none worse than another in everything."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from geo.alternatives import LEAST_APART, Alternative, alternatives, merits_of, pairs_apart
from geo.errors import InputError
from geo.metrics import plan_measures
from geo.plan_layers import PlanLayers, read_plan_layers
from geo.planning import compound_names, plan
from geo.synthetic import write_sample


@pytest.fixture(scope="module")
def layers(tmp_path_factory: pytest.TempPathFactory) -> PlanLayers:
    written = write_sample(tmp_path_factory.mktemp("sample"))
    return read_plan_layers(
        {kind: str(path) for kind, path in written.items() if kind not in ("stations", "incidents")}
    )


@pytest.fixture(scope="module")
def made(layers: PlanLayers) -> tuple[Alternative, ...]:
    return alternatives(layers, 4, effort="fast")


def test_each_is_a_whole_plan_with_as_few_faults_as_the_usual_one(layers, made):
    usual = plan(layers, effort="fast").partition
    assert len(made) >= 3
    for one in made:
        parts = one.plan.partition
        assert parts.contiguous.all()
        assert (parts.labels >= 0).tolist() == (usual.labels >= 0).tolist()
        assert parts.households_out_of_band <= usual.households_out_of_band
        assert len(one.plan.review.statuses) == len(one.plan.grid_ids)


def test_none_is_worse_than_another_in_everything_and_each_truly_differs(made):
    for one, other in combinations(made, 2):
        assert not one.merits.beats(other.merits)
        assert not other.merits.beats(one.merits)
        assert pairs_apart(one.plan.partition.labels, other.plan.partition.labels) >= LEAST_APART
    assert made[0].apart == 0


def test_what_they_are_compared_by_is_what_can_be_counted(layers, made):
    for one in made:
        ground, parts = one.plan.ground, one.plan.partition
        compounds = compound_names(layers, ground.order)
        measured = plan_measures(
            ground.adjacency, ground.households, parts.labels, band=parts.band, compounds=compounds
        )
        cut = parts.labels[ground.adjacency.left] != parts.labels[ground.adjacency.right]
        plain = ground.adjacency.crosses == 0
        border = ground.adjacency.border_m
        by_hand = border[cut & plain].sum() + 3 * border[~cut & ~plain].sum()
        assert one.merits.border_m == pytest.approx(by_hand, abs=0.01 * len(border))
        assert (one.merits.splits > 0) == (measured.split_compounds > 0)
        assert one.merits.splits >= measured.split_compounds
        assert merits_of(ground, parts, pd.factorize(compounds)[0]) == one.merits


def test_the_same_seed_gives_the_same_plans(layers, made):
    again = alternatives(layers, 4, effort="fast")
    assert [one.plan.unit_grid_ids().tolist() for one in again] == [
        one.plan.unit_grid_ids().tolist() for one in made
    ]


def test_who_stops_has_what_was_found_by_then(layers):
    asked = []

    def stop() -> bool:
        asked.append(True)
        return True

    found = alternatives(layers, 4, effort="fast", should_stop=stop)
    assert asked
    assert len(found) == 1
    assert found[0].plan.partition.contiguous.all()


@pytest.mark.parametrize(
    ("one", "two", "away"),
    [
        ([0, 0, 1, 1], [0, 0, 1, 1], 0.0),
        ([0, 0, 1, 1], [5, 5, 2, 2], 0.0),
        ([0, 0, 1, 1], [0, 1, 0, 1], 1.0),
        ([0, 0, 0, 1], [0, 0, 1, 1], 0.75),  # pairs 01, 02, 12 and 01, 23: one of four is in both
        ([0, 0, -1, 1], [0, 0, 1, -1], 0.0),
        ([0, 1, 2], [0, 1, 2], 0.0),
    ],
)
def test_pairs_apart_are_counted_by_hand(one, two, away):
    assert pairs_apart(np.array(one), np.array(two)) == pytest.approx(away)


@pytest.mark.parametrize("count", [-1, 0, 1, 10])
def test_a_count_that_cannot_be_is_refused(layers, count):
    with pytest.raises(InputError) as refused:
        alternatives(layers, count)
    assert refused.value.code == "alternatives_count"
