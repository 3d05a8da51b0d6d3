"""Address text to places: what is found, how it is scored, and what is never guessed."""

from __future__ import annotations

import pytest
import shapely

from geo.geocode import Addressed, Candidate, Gazetteer, Named, decided
from geo.synthetic import sample_city

WEST, EAST = 1, 2


def house(address: str, community: int = WEST, at: float = 0.0) -> Addressed:
    return Addressed(address, community, shapely.to_wkb(shapely.box(at, 0, at + 0.0002, 0.0001)))


def street(name: str, *, x: float | None = None, y: float | None = None) -> Named:
    line = shapely.LineString([(-0.01, y), (0.01, y)] if x is None else [(x, -0.01), (x, 0.01)])
    return Named(name, "street", (WEST,), shapely.to_wkb(line))


PLACES = Gazetteer(
    [
        house("东门大街68号楼1单元"), house("东门大街68号楼2单元", at=0.0002), house("东门大街68号", at=0.01),
        house("东门大街12号"), house("建华园2号楼甲单元"), house("建华园12号楼1单元"),
        house("实验小学教学楼"),
        house("新村3号楼", WEST), house("新村3号楼", EAST, at=0.02), house("北庄7号"), house("北庄9号"),
    ],
    [
        street("东门大街", y=0.0), street("东门大街", y=0.001), street("西门路", x=0.005),
        street("西门路南巷", x=0.009),
        Named("建华园", "compound", (WEST,), shapely.to_wkb(shapely.box(0, 0, 0.001, 0.001))),
    ],
)  # fmt: skip


def best(text: str) -> Candidate:
    return PLACES.find(text)[0]


def test_a_sentence_that_goes_on_behind_a_building_is_no_floor_of_a_door():
    found = PLACES.find("东门大街68号楼下水道盖板破损")
    assert [(one.name, one.score) for one in found] == [("东门大街68号楼", 1.0), ("东门大街68号", 0.8)]
    one = decided(found)
    assert one is found[0]
    assert one.point is not None
    assert one.shape.covers(one.point)


def test_a_street_without_a_number_is_its_whole_line_and_no_point():
    one = decided(PLACES.find("西门路沿街商户需要沙袋"))
    assert one is not None
    assert (one.kind, one.name, one.point) == ("street", "西门路", None)
    both = best("东门大街积水")
    assert both.shape.geom_type == "MultiLineString"


def test_a_number_that_is_not_there_leaves_the_street_and_decides_nothing():
    found = PLACES.find("东门大街999号")
    assert [(one.kind, one.score, one.rests_on) for one in found] == [
        ("street", 0.5, ("name", "number_unknown")),
    ]  # fmt: skip
    assert decided(found) is None


@pytest.mark.parametrize("said", ["建华园2号楼甲单元", "建华园小区２栋1单元", "某市某区建华园 2幢一单元漏水"])
def test_offices_write_one_stairwell_in_many_ways(said: str):
    one = decided(PLACES.find(said))
    assert one is not None
    assert (one.kind, one.name) == ("stairwell", "建华园2号楼甲单元")


def test_a_longer_number_or_name_is_another():
    assert best("建华园12号楼").name == "建华园12号楼"
    assert best("西门路南巷路灯不亮").name == "西门路南巷"


def test_a_stairwell_that_is_not_there_is_its_building_with_less_score():
    (one, *_) = PLACES.find("东门大街68号楼9单元")
    assert (one.kind, one.name, one.score) == ("building", "东门大街68号楼", 0.9)
    assert one.rests_on == ("name", "number", "stairwell_unknown")


def test_the_same_address_in_two_communities_is_a_question():
    found = PLACES.find("新村3号楼")
    assert [(one.communities, one.score) for one in found] == [((WEST,), 1.0), ((EAST,), 1.0)]
    assert decided(found) is None


def test_a_name_with_a_letter_wrong_is_shown_and_decides_nothing():
    found = PLACES.find("东们大街12号")
    assert [(one.name, one.score, one.rests_on) for one in found] == [
        ("东门大街12号", 0.7, ("name_misspelt", "number")),
    ]  # fmt: skip
    assert decided(found) is None


def test_two_streets_that_meet_are_their_crossing():
    one = decided(PLACES.find("东门大街与西门路口"))
    assert one is not None
    assert (one.kind, one.point) == ("crossing", shapely.Point(0.005, 0.0))


def test_names_without_number_and_names_that_stand_in_addresses_alone_are_found():
    assert best("实验小学教学楼门前").kind == "building"
    village = best("北庄路口堆放垃圾")
    assert (village.kind, village.name, village.point) == ("compound", "北庄", None)


@pytest.mark.parametrize("said", ["", "   ", "没有这个地方", "68号楼", "😀" * 50])
def test_what_names_no_place_of_the_project_finds_nothing(said: str):
    assert PLACES.find(said) == ()


def test_every_address_of_the_sample_city_finds_its_own_unit():
    units = sample_city().units.to_crs(4490)
    codes = {code: at for at, code in enumerate(sorted(units["community_id"].unique()))}
    homes = [
        Addressed(row.address, codes[row.community_id], shapely.to_wkb(row.geometry))
        for row in units.itertuples()
    ]
    places = Gazetteer(homes, [])
    for row, home in zip(units.itertuples(), homes, strict=True):
        found = places.find(row.address + "前垃圾无人清理")
        assert found[0].score == 1.0, row.address
        assert any(one.score == 1.0 and one.shape.covers(row.geometry) for one in found), row.address
        assert home.community in found[0].communities
