from __future__ import annotations

import numpy as np

from geo.partition import Band, Partition
from geo.plan_layers import plan_layers
from geo.planning import bare_communities, region_codes, stand
from tests.geo.town import block, box, communities, houses


def test_a_ragged_grid_has_the_place_of_its_middle_in_the_reading_order():
    # One row of grids: C in the west, B in the east, and A below both and up the eastern edge. A's middle
    # lies west of B's, though the widest place at half its height lies in the far east.
    drawing = """
        C C C B B A
        C C C B B A
        C C C B B A
        A A A A A A
    """
    rows = [line.split() for line in drawing.split("\n") if line.strip()][::-1]
    layers = plan_layers(units=houses(block(6, 4)), communities=communities(c=box(0, 0, 6, 4)))
    ground = stand(layers)
    spots = [tuple(map(int, unit.split("-"))) for unit in ground.unit_ids]
    labels = np.array(["ABC".index(rows[y][x]) for x, y in spots])
    parts = Partition(ground.adjacency, ground.households, ground.community, labels, Band())

    codes = region_codes(layers, ground, parts, bare_communities(layers, ground))

    by_letter = {"ABC"[letter]: codes[part] for letter, part in zip(labels, parts.labels, strict=True)}
    assert by_letter == {"C": "c001", "A": "c002", "B": "c003"}
