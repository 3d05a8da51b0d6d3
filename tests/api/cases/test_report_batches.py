"""Reports that wait at the same time: filed together, refused by themselves, never twice."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from sqlalchemy import text

from api.cases.case_log import verify_cases
from api.cases.report_batches import ReportBatches
from api.database import Store, require_open
from tests.api.accounts import bearer
from tests.api.cases.desk import LAT, LON, open_desk
from tests.api.processes import wait_until


def facts(**said: Any) -> str:
    return json.dumps(
        {
            "category": "E0102", "edition": "unverified-A", "channel": "courier", "text": "垃圾",
            "border_m": 5, "lon": LON + 0.0001, "lat": LAT + 0.0001, **said,
        }
    )  # fmt: skip


def pool_of(store: Store) -> AsyncConnectionPool[Any]:
    return AsyncConnectionPool(
        store.conninfo(), min_size=1, max_size=1, open=False, check=require_open, timeout=5,
        kwargs={"row_factory": dict_row, "autocommit": True},
    )  # fmt: skip


def together(store: Store, reports: list[tuple[bytes, str]]) -> list[Any]:
    """File reports at the same time; return a row or an error for each."""

    async def run() -> list[Any]:
        async with pool_of(store) as pool:
            await pool.wait()
            batches = ReportBatches(pool)
            return await asyncio.gather(
                *(batches.file(token, said) for token, said in reports), return_exceptions=True
            )

    return asyncio.run(run())


def key(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def filed(store: Store) -> list[Any]:
    with store.owner.connect() as owner:
        return list(
            owner.execute(
                text("SELECT c.number, u.name, l.xmin::text AS transaction FROM cases c"
                     " JOIN log l ON l.chain = c.number JOIN users u ON u.id = c.reported_by ORDER BY c.id")
            )
        )  # fmt: skip


def test_reports_share_a_transaction_and_each_is_of_its_own_reporter(store: Store) -> None:
    desk = open_desk(store)
    worker, dispatcher = key(desk.tokens["grid_worker"]), key(desk.tokens["dispatcher"])

    rows = together(store, [(worker, facts()), (dispatcher, facts()), (worker, facts())])

    found = filed(store)
    assert [json.loads(row["receipt"])["number"] for row in rows] == [case.number for case in found]
    assert [row["name"] for row in rows] == [case.name for case in found]
    assert found[0].name != found[1].name
    assert found[0].name == found[2].name
    assert len({case.transaction for case in found}) == 1
    assert not verify_cases(store).faults


def test_one_that_is_refused_takes_none_of_the_others_with_it(store: Store) -> None:
    worker = key(open_desk(store).tokens["grid_worker"])

    rows = together(store, [(worker, facts()), (worker, facts(lon=0.0, lat=0.0)), (worker, facts())])

    assert [type(row) is dict for row in rows] == [True, False, True]
    assert isinstance(rows[1], psycopg.Error)
    assert rows[1].diag.constraint_name == "outside_areas"
    assert [case.number for case in filed(store)] == [
        json.loads(rows[n]["receipt"])["number"] for n in (0, 2)
    ]
    assert not verify_cases(store).faults


def test_whoever_holds_no_valid_token_files_nothing_even_between_others(store: Store) -> None:
    worker = key(open_desk(store).tokens["grid_worker"])

    rows = together(store, [(worker, facts()), (b"\0" * 32, facts()), (worker, facts())])

    assert rows[1]["user_id"] is None
    assert rows[1]["receipt"] is None
    assert Counter(row["receipt"] is None for row in rows) == {False: 2, True: 1}
    assert len(filed(store)) == 2


def test_many_come_in_several_transactions_and_none_is_lost(store: Store) -> None:
    worker = key(open_desk(store).tokens["grid_worker"])

    rows = together(store, [(worker, facts())] * 100)

    numbers = {json.loads(row["receipt"])["number"] for row in rows}
    found = filed(store)
    assert numbers == {case.number for case in found}
    assert len(numbers) == 100
    assert 4 <= len({case.transaction for case in found}) <= 5


def test_a_connection_that_is_lost_files_nothing_twice(store: Store) -> None:
    worker = key(open_desk(store).tokens["grid_worker"])
    with store.owner.begin() as owner:
        owner.execute(text(
            "CREATE FUNCTION weige.die() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS"
            " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$"
        ))  # fmt: skip
        owner.execute(text("GRANT EXECUTE ON FUNCTION weige.die() TO weige_app"))
        owner.execute(text(
            "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON weige.cases DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION weige.die()"
        ))  # fmt: skip

    rows = together(store, [(worker, facts())] * 3)

    assert all(isinstance(row, psycopg.OperationalError) for row in rows)
    assert filed(store) == []


async def _beside_a_slow_one(store: Store, then: Callable[[ReportBatches], Awaitable[Any]]) -> Any:
    """Do something while another transaction keeps the only connection for a second."""
    async with pool_of(store) as pool:
        await pool.wait()

        async def keep() -> None:
            async with pool.connection() as connection:
                await connection.execute("SELECT pg_sleep(1)")

        kept = asyncio.create_task(keep())
        await asyncio.sleep(0.1)
        said = await then(ReportBatches(pool))
        await kept
        return said


def test_a_report_whose_asker_has_gone_is_not_filed(store: Store) -> None:
    worker = key(open_desk(store).tokens["grid_worker"])

    async def then(batches: ReportBatches) -> Any:
        gone, stays = (asyncio.create_task(batches.file(worker, facts())) for _ in range(2))
        await asyncio.sleep(0.1)
        gone.cancel()
        return await stays

    row = asyncio.run(_beside_a_slow_one(store, then))

    assert [case.number for case in filed(store)] == [json.loads(row["receipt"])["number"]]


def test_a_report_whose_turn_does_not_come_is_refused_and_not_filed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = key(open_desk(store).tokens["grid_worker"])
    monkeypatch.setattr("api.cases.report_batches.LONGEST_WAIT_S", 0.3)

    async def then(batches: ReportBatches) -> Any:
        return await asyncio.gather(batches.file(worker, facts()), return_exceptions=True)

    (said,) = asyncio.run(_beside_a_slow_one(store, then))

    assert isinstance(said, PoolTimeout)
    assert filed(store) == []


def test_a_rework_that_waits_for_a_step_holds_up_no_other_report(client: TestClient, store: Store) -> None:
    desk = open_desk(store)
    headers = bearer(desk.tokens["grid_worker"])
    report = {"category": "E0102", "lon": LON + 0.0001, "lat": LAT + 0.0001}
    number = client.post("/api/v1/cases", json=report, headers=headers).json()["number"]
    with ThreadPoolExecutor(1) as beside, store.owner.begin() as stepping:
        stepping.execute(text("SELECT FROM cases WHERE number = :n FOR UPDATE"), {"n": number})
        again = {**report, "rework_of": number}
        waits = beside.submit(client.post, "/api/v1/cases", json=again, headers=headers)
        wait_until(lambda: _waits(store), what="the rework")

        assert client.post("/api/v1/cases", json=report, headers=headers).status_code == 201
        assert not waits.done()
        stepping.commit()
        assert waits.result().status_code == 201


def _waits(store: Store) -> bool:
    with store.owner.connect() as owner:
        return bool(
            owner.execute(text("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")).scalar_one()
        )


@pytest.mark.parametrize("n", [1, 40])
def test_where_there_is_no_database_all_hear_it_at_once(store: Store, n: int) -> None:
    worker = key(open_desk(store).tokens["grid_worker"])

    async def run() -> tuple[list[Any], float]:
        pool = AsyncConnectionPool(
            "host=/nonexistent dbname=none", min_size=1, max_size=1, open=False, timeout=1,
            kwargs={"row_factory": dict_row, "autocommit": True},
        )  # fmt: skip
        async with pool:
            batches = ReportBatches(pool)
            started = asyncio.get_running_loop().time()
            said = await asyncio.gather(
                *(batches.file(worker, facts()) for _ in range(n)), return_exceptions=True
            )
            return said, asyncio.get_running_loop().time() - started

    said, waited = asyncio.run(run())

    assert all(isinstance(one, psycopg.OperationalError) for one in said)
    # One wait of a second, not one for each thirty-two.
    assert waited < 1.9
