"""The planner page with a community as large as a city's: 5,000 units in 200 grids."""

from __future__ import annotations

from uuid import UUID

import pytest
from playwright.sync_api import BrowserContext
from sqlalchemy import text

from api.database import Store
from tests.api.place import Place
from tests.api.planner_page import Desk, grids_of, stored
from tests.api.town import build_town

COLUMNS, ROWS = 100, 50
# Cells of a grid along each axis; with 3 households to a cell its grids have 75, in band.
GRID = 5
HOUSEHOLDS = 3
# Two grids out of band, far from each other, and the households of their cells.
GRIDS_UP = ROWS // GRID
SICK, FAR = 9 * GRIDS_UP + 4, 2 * GRIDS_UP + 2
SICK_HOUSEHOLDS = 5


def _city(store: Store) -> Place:
    """A draft of grids of 75 households, but for two of 125."""
    (made,) = build_town(
        store, shape=(1, 1), community=(COLUMNS, ROWS), grid=(GRID,) * 2, households=HOUSEHOLDS, publish=False
    )
    with store.owner.begin() as owner:
        owner.execute(
            text("""UPDATE units u SET households = :h FROM assignments a
                    WHERE a.ground_id = u.ground_id AND a.unit_number = u.number
                      AND a.grid_number = ANY (:sick)"""),
            {"h": SICK_HOUSEHOLDS, "sick": [SICK, FAR]},
        )
        owner.execute(
            text("""UPDATE grids g SET households = c.households,
                      status = CASE WHEN c.households > 100 THEN 'too_large' ELSE 'ok' END
                    FROM (SELECT a.grid_number, sum(u.households) AS households
                          FROM assignments a JOIN units u
                            ON u.ground_id = a.ground_id AND u.number = a.unit_number GROUP BY 1) c
                    WHERE c.grid_number = g.number""")
        )
        owner.execute(text("UPDATE grounds SET households = (SELECT sum(households) FROM units)"))
        plan = owner.execute(text("SELECT plan_id FROM versions")).scalar_one()
    return Place(made.id, made.code, made.path, made.ground_id, plan, UUID(made.version_id))


def _code(place: Place, grid: int) -> str:
    return f"{place.code}{grid:03}"


@pytest.mark.slow
def test_mending_one_grid_of_a_city_changes_it_and_its_neighbours_alone(
    store: Store, signed_in: BrowserContext, served: str
):
    place = _city(store)
    sick, far = _code(place, SICK), _code(place, FAR)
    round_it = {_code(place, SICK + step) for step in (-GRIDS_UP, -1, 0, 1, GRIDS_UP)}
    desk = Desk(signed_in, served, place)
    before, units_before = desk.totals(), grids_of(store, place.version_id)
    assert len(before) == COLUMNS * ROWS // GRID**2
    assert {code for code, households in before.items() if not 50 <= households <= 100} == {sick, far}

    desk.choose(sick)
    desk.page.locator(".chosen .mend").click()
    proposed = desk.proposed()
    assert all(was == before[code] for code, (was, _) in proposed.items())
    shown = {code: after for code, (_, after) in proposed.items()}
    assert sick in shown
    assert set(shown) <= round_it
    assert desk.totals() == before

    desk.take_proposal()
    assert desk.totals() == {**before, **shown} == stored(store, place)
    out = {code for code, households in desk.totals().items() if not 50 <= households <= 100}
    assert out == {far}
    units_after = grids_of(store, place.version_id)
    moved = {unit for unit, code in units_before.items() if units_after[unit] != code}
    assert moved
    assert {units_before[unit] for unit in moved} | {units_after[unit] for unit in moved} == set(shown)
    assert desk.faults == []
