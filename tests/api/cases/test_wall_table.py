"""The table of a wall: clusters add up at every zoom, and what is late is late."""

from __future__ import annotations

import math
import random

import pytest

from api.cases.wall_table import CELL_PX, HEAT_PX, OPEN_STATES, STATES, CaseRow, Reader, WallTable, Wanted

NOW = 1_780_000_000.0
EVERYTHING = Reader(1, ("1",))
CITY = (119.9, 32.9, 120.3, 33.2)


def row(number: int = 1, **said: object) -> CaseRow:
    told: dict[str, object] = {
        "number": f"{number:019d}", "state": "reported", "kind": "incident", "category": "E0102",
        "mode": "routine", "area": "1.2", "community_id": 2, "lon": 120.0, "lat": 33.0, "reported_by": None,
        "receivers": (), "reported": NOW - 60, "due": math.inf, "response_due": math.inf,
        "responded": math.inf, "closed": math.inf, **said,
    }  # fmt: skip
    return CaseRow(**told)  # type: ignore[arg-type]


def town(n: int, seed: int) -> list[CaseRow]:
    """Cases all over a town, some on one point, some without any, in all states."""
    chance = random.Random(seed)
    rows = []
    for number in range(n):
        place = {"lon": chance.uniform(*CITY[::2]), "lat": chance.uniform(*CITY[1::2])}
        if number % 7 == 0:
            place = {"lon": 120.0, "lat": 33.0}
        if number % 11 == 0:
            place = {"lon": None, "lat": None}  # type: ignore[dict-item]
        rows.append(row(
            number, state=chance.choice(STATES), kind=chance.choice(("incident", "wish")),
            category=chance.choice(("E0102", "E0402")), area=chance.choice(("1.2", "1.3", "1.30")),
            due=NOW + chance.choice((-3600, 600, 86_400)), **place,
        ))  # fmt: skip
    return rows


FILTERS = [
    Wanted(), Wanted(states=("reported", "handling")), Wanted(category="E0402"), Wanted(kind="wish"),
    Wanted(area="1.3"), Wanted(overdue=True), Wanted(category="none"), Wanted(community=9),
]  # fmt: skip


@pytest.mark.parametrize("wanted", FILTERS, ids=str)
def test_the_numbers_of_clusters_add_up_to_the_filtered_count_at_every_zoom(wanted: Wanted):
    rows = town(3000, seed=5)
    table = WallTable(rows)
    mask = table.seen(EVERYTHING, NOW) & table.about(wanted) & table.open(wanted, NOW)
    counted = [
        one for one in rows
        if one.state in (wanted.states or OPEN_STATES) and one.state in OPEN_STATES
        and wanted.category in (None, one.category) and wanted.kind in (None, one.kind)
        and wanted.community in (None, one.community_id) and wanted.area in (None, one.area)
        and not (wanted.overdue and (one.due >= NOW or one.state in ("handled", "verified")))
    ]  # fmt: skip
    on_map = sum(one.lon is not None for one in counted)

    assert int(mask.sum()) == len(counted)
    for zoom in range(23):
        for side_px in (CELL_PX, HEAT_PX):
            cells = table.cells(mask, CITY, zoom, side_px, NOW)
            assert int(cells.n.sum()) == on_map
            assert len({*zip(cells.x.tolist(), cells.y.tolist(), strict=True)}) == len(cells.n)
            assert (cells.overdue <= cells.n).all()


def test_boxes_of_whole_cells_share_out_the_cases():
    table = WallTable(town(2000, seed=6))
    mask = table.seen(EVERYTHING, NOW) & table.open(Wanted(), NOW)
    whole = table.cells(mask, CITY, 12, CELL_PX, NOW)
    n, inside = 2**12 * 256 / CELL_PX, 1e-9

    def lon(column: float) -> float:
        return (column / n - 0.5) * 360

    middle = (whole.box[0] + whole.box[2]) // 2
    west = table.cells(mask, (CITY[0], CITY[1], lon(middle) - inside, CITY[3]), 12, CELL_PX, NOW)
    east = table.cells(mask, (lon(middle) + inside, CITY[1], CITY[2], CITY[3]), 12, CELL_PX, NOW)

    assert west.n.sum() > 0 < east.n.sum()
    assert west.n.sum() + east.n.sum() == whole.n.sum()


def test_a_cluster_lies_in_the_middle_of_its_cases_and_a_single_case_is_named():
    table = WallTable([row(1, lon=120.0), row(2, lon=120.0004), row(3, lon=120.2, due=NOW - 1)])
    mask = table.seen(EVERYTHING, NOW) & table.open(Wanted(), NOW)

    cells = table.cells(mask, CITY, 14, CELL_PX, NOW)

    assert cells.n.tolist() == [2, 1]
    assert cells.lon[0] == pytest.approx(120.0002)
    assert cells.lat == pytest.approx([33.0, 33.0])
    assert cells.overdue.tolist() == [0, 1]
    assert cells.row[0] == -1
    assert table.told(int(cells.row[1]))["number"] == f"{3:019d}"


def test_what_is_done_waits_for_its_check_and_is_not_late():
    late = [row(n, state=state, due=NOW - 1) for n, state in enumerate(STATES)]
    table = WallTable(late)

    found = {table.told(n)["state"] for n in table.overdue(NOW).nonzero()[0].tolist()}

    assert found == {*OPEN_STATES} - {"handled", "verified"}


def test_a_changed_case_takes_the_place_of_what_it_was():
    table = WallTable(row(n) for n in range(3000))
    table.put([row(7, state="closed"), row(5000), row(5001, area="1.9.4")])
    mask = table.seen(EVERYTHING, NOW) & table.open(Wanted(), NOW)

    assert len(table) == 3002
    assert int(mask.sum()) == 3001
    assert int((mask & table.about(Wanted(area="1.9"))).sum()) == 1


def test_a_reader_sees_his_areas_what_he_reported_and_what_his_department_received():
    table = WallTable([
        row(1, area="1.2"), row(2, area="1.20"), row(3, area="1.3", reported_by=4),
        row(4, area="1.3.5", receivers=("roads", "water")), row(5, area="1.6", receivers=("water",)),
        row(6, area="1.2.7", mode="drill"),
    ])  # fmt: skip

    seen = table.seen(Reader(4, ("1.2",), (("water", "1.3"),)), NOW)

    assert seen.tolist() == [True, False, True, True, False, False]
    assert table.seen(Reader(4, ("1.2",), own=False), NOW).tolist() == [True] + 5 * [False]


def test_nothing_is_no_case():
    table = WallTable()
    mask = table.seen(EVERYTHING, NOW) & table.open(Wanted(), NOW)

    assert int(mask.sum()) == 0
    assert table.extent(mask) is None
    assert table.cells(mask, CITY, 12, CELL_PX, NOW).n.tolist() == []
