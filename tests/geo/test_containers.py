import struct
from pathlib import Path

import pytest
import shapely

from geo.containers import source_of
from geo.errors import InputError
from geo.formats.raw import one_line, shapes_from_wkb


@pytest.mark.parametrize(
    ("argument", "path", "layer"),
    [
        ("units.gpkg", "units.gpkg", None),
        ("units.gpkg:houses", "units.gpkg", "houses"),
        ("dir.gpkg/units.gpkg:a:b", "dir.gpkg/units.gpkg", "a:b"),
        ("C:\\data\\units.gpkg", "C:\\data\\units.gpkg", None),
        ("C:\\data\\units.gpkg:houses", "C:\\data\\units.gpkg", "houses"),
        ("D:/x.GPKG:单元", "D:/x.GPKG", "单元"),
        ("book.xlsx:Sheet 2", "book.xlsx", "Sheet 2"),
        ("all.zip:units", "all.zip", "units"),
        ("units.shp", "units.shp", None),
    ],
)
def test_a_layer_argument_is_a_file_and_perhaps_a_layer(argument: str, path: str, layer: str | None) -> None:
    source = source_of(argument)

    assert (str(source.path), source.layer) == (path, layer)


def test_a_file_whose_name_holds_a_colon_is_itself(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg:b.gpkg"
    path.touch()

    assert source_of(str(path)).path == path


@pytest.mark.parametrize(
    "argument", ["http://x/a.gpkg", "s3://x/a.gpkg", "/vsicurl/http://x/a.gpkg", "PG:dbname=x"]
)
def test_addresses_are_refused(argument: str) -> None:
    with pytest.raises(InputError) as caught:
        source_of(argument)

    assert caught.value.code == "is_address"


def nested(depth: int) -> bytes:
    return b"\x01\x07\x00\x00\x00\x01\x00\x00\x00" * depth + shapely.to_wkb(shapely.Point(1, 2))


def test_a_collection_nested_without_end_is_refused_before_it_is_read() -> None:
    with pytest.raises(InputError, match="nested too deeply"):
        shapes_from_wkb([nested(1_000_000)], "f.gpkg", None)


def test_large_ordinary_geometries_are_not_taken_for_nested_ones() -> None:
    ring = shapely.Point(0, 0).buffer(1, quad_segs=3000)
    shapes = [
        ring,
        shapely.MultiPolygon([shapely.affinity.translate(ring, 3 * at) for at in range(3)]),
        shapely.GeometryCollection([ring, shapely.LineString(ring.exterior), shapely.Point(0, 0)]),
        shapely.force_3d(ring),
        shapely.MultiPoint(shapely.get_coordinates(ring)),
    ]
    for flavor in ("iso", "extended"):
        for order in (0, 1):
            wkb = [shapely.to_wkb(shape, flavor=flavor, byte_order=order) for shape in shapes]

            assert list(shapes_from_wkb(wkb, "f", None)) == shapes


@pytest.mark.parametrize("kind", range(8, 18))
def test_curves_and_surfaces_are_named(kind: int) -> None:
    with pytest.raises(InputError) as caught:
        shapes_from_wkb([None, struct.pack("<BII", 1, kind, 0)], "f.gpkg", "units")

    assert (caught.value.code, caught.value.feature) == ("geometry_type", "#2")


def test_a_reason_is_one_line_of_moderate_length() -> None:
    assert one_line("a\n\tb\x1b[31m  c") == "a b [31m c"
    assert len(one_line("x" * 1000)) <= 120
