"""The pack gives back what went in, rounded to its step, and shares what neighbours share."""

from __future__ import annotations

import gzip
import json
import struct

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from maps.pack import PackError, decode_varints, encode_varints, pack, unpack


def header(data: bytes) -> dict:
    raw = gzip.decompress(data)
    (length,) = struct.unpack("<I", raw[4:8])
    return json.loads(raw[8 : 8 + length])


def arcs_by_bank(described: dict) -> list[int]:
    return [described["blocks"][bank["points"]][3] for bank in described["arcs"]]


def layer(shapes, **columns) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs="EPSG:4326")


def squares(columns: int, rows: int, side: float = 0.001) -> list[shapely.Polygon]:
    return [
        shapely.box(119 + i * side, 32 + j * side, 119 + (i + 1) * side, 32 + (j + 1) * side)
        for j in range(rows)
        for i in range(columns)
    ]


@given(st.lists(st.integers(min_value=-(2**62), max_value=2**62)))
def test_whole_numbers_survive_the_varints(numbers):
    assert decode_varints(encode_varints(numbers)).tolist() == numbers


def test_small_numbers_take_one_byte():
    assert len(encode_varints([0, -1, 1, 63, -64])) == 5


def test_columns_of_every_type_come_back_with_their_gaps():
    frame = pd.DataFrame(
        {
            "households": pd.array([3, None, -7], dtype="Int64"),
            "share": [0.125, float("nan"), 2.0],
            "bridge": pd.array([True, None, False], dtype="boolean"),
            "name": ["秦东门大街", None, "秦东门大街"],
            "unit_id": ["1", "2", "3"],
        }
    )

    back = unpack(pack({"roads": frame}))["roads"]

    assert back["households"].tolist() == [3, pd.NA, -7]
    assert back["share"].tolist() == [0.125, pd.NA, 2.0]
    assert back["bridge"].tolist() == [True, pd.NA, False]
    assert back["name"].tolist() == ["秦东门大街", None, "秦东门大街"]
    assert back["unit_id"].tolist() == ["1", "2", "3"]


def test_texts_and_what_is_drawn_near_are_stored_apart_to_be_read_when_asked_for():
    inside = shapely.transform(squares(3, 1, side=0.0001), lambda points: points + 0.0003).tolist()
    frames = {
        "units": layer(inside, unit_id=["单元-1", "单元-2", "单元-3"]),
        "grids": layer(squares(2, 1), grid_id=["网格-1", "网格-2"]),
        "roads": layer([shapely.LineString([(119, 32), (119.001, 32.002)])]),
    }

    data = pack(frames)

    described = header(data)
    assert "单元" not in json.dumps(described, ensure_ascii=False)
    assert arcs_by_bank(described) == [3, 6, 1]  # two grids, three units, a line
    back = unpack(data)
    assert back["units"]["unit_id"].tolist() == ["单元-1", "单元-2", "单元-3"]
    for name, frame in frames.items():
        drawn = back[name].geometry
        assert (drawn.geom_type == frame.geom_type).all()
        assert shapely.hausdorff_distance(drawn.to_numpy(), frame.geometry.to_numpy()).max() < 2e-6


def test_an_empty_layer_stays_a_layer():
    back = unpack(pack({"water": layer([]), "grids": layer(squares(1, 1))}))

    assert len(back["water"]) == 0
    assert len(back["grids"]) == 1


def test_every_kind_of_geometry_comes_back():
    ring = shapely.box(119, 32, 119.01, 32.01)
    holed = ring.difference(shapely.box(119.002, 32.002, 119.003, 32.003))
    shapes = [
        holed,
        shapely.MultiPolygon([ring, shapely.box(119.02, 32, 119.03, 32.01)]),
        shapely.LineString([(119, 32), (119.001, 32.002), (119.004, 32)]),
        shapely.MultiLineString([[(119, 32), (119.1, 32)], [(119, 32.1), (119.1, 32.1)]]),
        shapely.Point(119.5, 32.25),
        None,
    ]

    back = unpack(pack({"context": layer(shapes)}))["context"].geometry

    for shape, returned in zip(shapes[:5], back[:5], strict=True):
        assert returned.geom_type == shape.geom_type
        assert shapely.equals_exact(returned.normalize(), shape.normalize(), 1e-6)
    assert back[5] is None


def test_neighbours_share_one_arc_and_grids_are_made_of_the_arcs_of_their_cells():
    cells = layer(squares(2, 2))
    grids = layer([shapely.unary_union(cells.geometry[:2]), shapely.unary_union(cells.geometry[2:])])
    grids.geometry = shapely.segmentize(grids.geometry.to_numpy(), 0.00101)  # the corners of the cells

    alone, both = header(pack({"cells": cells})), header(pack({"cells": cells, "grids": grids}))

    n_arcs = [sum(arcs_by_bank(each)) for each in (alone, both)]
    assert n_arcs == [8, 8]  # 4 corners of two edges, 4 borders between neighbours


def test_two_equal_rings_are_one_arc_wherever_they_begin():
    ring = shapely.box(119, 32, 119.01, 32.01)
    again = shapely.Polygon([*ring.exterior.coords[2:-1], *ring.exterior.coords[:3]][::-1])

    described = header(pack({"a": layer([ring]), "b": layer([again])}))

    assert arcs_by_bank(described) == [1]


def test_smoothing_takes_points_from_cells_but_not_from_buildings():
    wavy = [(119.0, 32.0), (119.001, 32.0000004), (119.002, 32.0), (119.002, 32.001), (119.0, 32.001)]
    cells, buildings = layer([shapely.Polygon(wavy)]), layer([shapely.Polygon(wavy).buffer(0)])
    buildings.geometry = buildings.translate(1.0)

    back = unpack(pack({"cells": cells, "units": buildings}, step=1e-7, smooth={"cells": 1e-6}))

    assert len(back["cells"].geometry[0].exterior.coords) == 5
    assert len(back["units"].geometry[0].exterior.coords) == 6


def test_a_coverage_is_still_one_after_smoothing():
    rng = np.random.default_rng(0)
    sites = shapely.MultiPoint(rng.uniform((119, 32), (119.01, 32.01), (60, 2)))
    cells = shapely.voronoi_polygons(sites, extend_to=shapely.box(119, 32, 119.01, 32.01)).geoms
    fine = shapely.segmentize(np.array(list(cells)), 0.0003)

    back = unpack(pack({"cells": layer(fine)}, smooth={"cells": 5e-6}))["cells"]

    assert shapely.coverage_is_valid(back.geometry.to_numpy())
    assert (
        shapely.get_num_coordinates(back.geometry.to_numpy()).sum() < shapely.get_num_coordinates(fine).sum()
    )


def test_a_spike_and_a_turning_back_ring_survive():
    spike = shapely.Polygon([(0, 0), (2, 0), (2, 2), (2, 0), (4, 0), (4, -2), (0, -2)])
    mate = shapely.Polygon([(0, 0), (2, 0), (2, 2), (0, 2)])

    back = unpack(pack({"a": layer([spike]), "b": layer([mate])}))

    assert back["a"].geometry[0].exterior.coords[:] != []
    assert back["b"].geometry[0].area == pytest.approx(4)


def test_the_same_layers_give_the_same_bytes():
    assert pack({"grids": layer(squares(3, 3))}) == pack({"grids": layer(squares(3, 3))})


def test_many_shapes_are_packed_in_pieces_as_few_are_at_once(monkeypatch):
    fine = shapely.segmentize(np.array(squares(4, 3)), 0.0003)
    holed = shapely.difference(fine[0], shapely.box(119.0002, 32.0002, 119.0004, 32.0004))
    layers = {"cells": layer(fine), "grids": layer([holed, *fine[5:]])}
    at_once = pack(layers, smooth={"cells": 5e-6, "grids": 5e-6})

    monkeypatch.setattr("maps.pack._SHAPES_AT_A_TIME", 2)
    monkeypatch.setattr("maps.arcs._ARCS_AT_A_TIME", 3)

    assert pack(layers, smooth={"cells": 5e-6, "grids": 5e-6}) == at_once


def test_rings_come_back_in_their_direction_however_they_were_drawn():
    shell, hole = [(0, 0), (4, 0), (4, 4), (0, 4)], [(1, 1), (1, 2), (2, 2), (2, 1)]
    drawn = [shapely.Polygon(shell[::a], [hole[::b]]) for a in (1, -1) for b in (1, -1)]

    back = unpack(pack({"a": layer(drawn)}))["a"].geometry

    assert [shape.exterior.is_ccw for shape in back] == [True] * 4
    assert [shape.interiors[0].is_ccw for shape in back] == [False] * 4
    assert shapely.area(back.to_numpy()).tolist() == pytest.approx([15] * 4)


def test_a_step_too_fine_for_short_numbers_still_holds_every_place():
    far = [shapely.box(119, 32, 119.001, 32.001), shapely.box(-170, -60, -169, -59)]

    back = unpack(pack({"grids": layer(far)}, step=1e-8))["grids"].geometry.to_numpy()

    assert shapely.equals_exact(shapely.normalize(back), shapely.normalize(far), 1e-8).all()


@pytest.mark.parametrize(
    "data", [b"", b"<html>", gzip.compress(b"other bytes", mtime=0), gzip.compress(b"x", mtime=0)]
)
def test_bytes_that_are_no_pack_are_refused(data):
    with pytest.raises(PackError, match="not a pack"):
        unpack(data)


def test_a_later_version_is_refused_by_name():
    raw = gzip.decompress(pack({}))
    later = gzip.compress(raw.replace(b'"version":2', b'"version":3'))

    with pytest.raises(PackError, match="version 3"):
        unpack(later)
