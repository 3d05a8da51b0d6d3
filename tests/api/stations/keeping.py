"""Stations added and asked for as their keepers do it, and moments that tests ask about."""

from __future__ import annotations

from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import text

from tests.api.accounts import bearer
from tests.api.cases.desk import IN_FIRST, Desk

EIGHT = ["休息区", "学习区", "充电区", "微波炉", "饮水机", "冷暖电器", "便民医疗箱", "生活应急包"]
# Friday evening, National Day, and the Saturday that is worked for it.
FRIDAY, HOLIDAY, MAKE_UP = "2026-11-27T19:00+08:00", "2026-10-01T10:00+08:00", "2026-10-10T10:00+08:00"


def add(client: TestClient, desk: Desk, station: str, at: tuple[float, float] = IN_FIRST, **said: Any) -> int:
    body = {"station_id": station, "name": station, "lon": at[0], "lat": at[1], **said}
    made = client.post("/api/v1/stations", json=body, headers=bearer(desk.tokens["planner"]))
    assert made.status_code == 201, made.text
    return made.json()["id"]


def get(client: TestClient, desk: Desk, path: str, who: str = "viewer", **query: Any) -> Any:
    found = client.get(f"/api/v1/stations{path}", params=query, headers=bearer(desk.tokens[who]))
    assert found.status_code == 200, found.text
    return found.json()


def check(client: TestClient, desk: Desk, station: int, who: str = "grid_worker", **body: Any):
    return client.post(f"/api/v1/stations/{station}/checks", json=body, headers=bearer(desk.tokens[who]))


def grants(desk: Desk, who: str) -> dict[str, list[str]]:
    with desk.store.owner.connect() as owner:
        return owner.execute(text("SELECT grants_of(:u)"), {"u": desk.ids[who]}).scalar_one()
