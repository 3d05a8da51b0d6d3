"""Days are those of the city: a plan is in force from midnight there, not from that of Greenwich."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.database import Store
from tests.api.accounts import bearer
from tests.api.cases.desk import IN_FIRST, Desk, open_desk
from tests.api.cases.test_importing import bring, sheet
from tests.api.place import SIDE_DEG

CITY = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def desk(store: Store) -> Desk:
    return open_desk(store)


def renamed_from(desk: Desk, day: date) -> None:
    """Put a copy of the version in force from a day on, with `N` before the codes of its grids."""
    with desk.store.owner.begin() as owner:
        old = {"v": desk.place.version_id, "day": day}
        owner.execute(text("UPDATE versions SET state = 'superseded', valid_to = :day WHERE id = :v"), old)
        new = owner.execute(
            text("INSERT INTO versions (plan_id, community_id, ground_id, min_households, max_households)"
                 " SELECT plan_id, community_id, ground_id, 50, 100 FROM versions WHERE id = :v"
                 " RETURNING id"), old,
        ).scalar_one()  # fmt: skip
        owner.execute(
            text("INSERT INTO grids (version_id, number, community_id, code, households, units, status, geom)"
                 " SELECT :new, number, community_id, 'N' || code, households, units, status, geom"
                 " FROM grids WHERE version_id = :v"), {**old, "new": new},
        )  # fmt: skip
        owner.execute(
            text("INSERT INTO assignments (version_id, unit_number, grid_number, community_id, ground_id)"
                 " SELECT :new, unit_number, grid_number, community_id, ground_id"
                 " FROM assignments WHERE version_id = :v"), {**old, "new": new},
        )  # fmt: skip
        owner.execute(text("UPDATE versions SET state = 'submitted' WHERE id = :new"), {"new": new})
        owner.execute(
            text("UPDATE versions SET state = 'published', valid_from = :day WHERE id = :new"),
            {"new": new, "day": day},
        )


def test_a_case_is_placed_by_the_plan_of_its_day_in_the_city(desk: Desk):
    day = datetime.now(CITY).date() - timedelta(days=1)
    renamed_from(desk, day)
    midnight = datetime.combine(day, time(), CITY).astimezone(UTC)

    grids = [
        desk.report(reported_at=(midnight + timedelta(minutes=minutes)).isoformat())["grid"]
        for minutes in (-1, 1, 60 * 9)
    ]

    assert [grid.startswith("N") for grid in grids] == [False, True, True]


def test_imported_orders_are_placed_by_the_plan_of_their_day_too(desk: Desk, tmp_path: Path):
    day = datetime.now(CITY).date() - timedelta(days=1)
    renamed_from(desk, day)
    evening = day - timedelta(days=1)

    bring(desk.store, sheet(
        tmp_path / "orders.csv",
        ["W1", "暴露垃圾", "", "", *IN_FIRST, f"{evening} 23:59"],
        ["W2", "暴露垃圾", "", "", *IN_FIRST, f"{day} 00:01"],
    ))  # fmt: skip

    with desk.store.owner.connect() as owner:
        grids = owner.execute(text("SELECT grid FROM cases ORDER BY external_number")).scalars().all()
    assert [grid.startswith("N") for grid in grids] == [False, True]


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-11-30T15:59:59Z", date(2026, 11, 30)),
        ("2026-11-30T16:00:00Z", date(2026, 12, 1)),
        ("2026-12-01T00:00:00Z", date(2026, 12, 1)),
    ],
)
def test_a_day_of_the_store_begins_at_midnight_in_the_city(store: Store, moment: str, day: date):
    with store.owner.connect() as owner:
        assert owner.execute(text("SELECT city_day(:at)"), {"at": moment}).scalar_one() == day


@pytest.mark.parametrize(("days", "is_new"), [(0, True), (1, False)])
def test_what_everybody_sees_is_what_is_in_force_today_in_the_city(
    client: TestClient, desk: Desk, days: int, is_new: bool
):
    renamed_from(desk, datetime.now(CITY).date() + timedelta(days=days))

    box = f"{IN_FIRST[0] - SIDE_DEG},{IN_FIRST[1] - SIDE_DEG},{IN_FIRST[0]},{IN_FIRST[1]}"
    told = client.get("/api/v1/grids", params={"bbox": box}, headers=bearer(desk.tokens["viewer"])).json()
    with desk.store.owner.connect() as owner:
        shown = owner.execute(
            text("SELECT grid_id FROM published.micro_grids ORDER BY 1 LIMIT 1")
        ).scalar_one()
    assert told["features"][0]["properties"]["code"].startswith("N") is is_new
    assert shown.startswith("N") is is_new
