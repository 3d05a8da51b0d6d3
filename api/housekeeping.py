"""What is not needed any more: removed once a day by whichever worker comes first."""

from __future__ import annotations

import logging

from sqlalchemy import text

from api.database import Store
from api.log import purge_audit
from api.settings import CONTACT_DAYS

logger = logging.getLogger(__name__)

DAY_S = 24 * 3600.0
# A request is sent again within minutes, a cut stream resumed within hours or after a holiday.
KEPT = {
    "idempotency_keys": ("created_at", 7),
    "events": ("at", 30),
    "keys": ("expires_at", 30),
}


def keep_house(store: Store, *, contact_days: int = CONTACT_DAYS) -> dict[str, int]:
    """Remove answers of repeated requests, told events, ended keys, contacts and old audit entries.

    Returns how many of each.

    Days are those of `KEPT`; audit entries are kept as long as `api.log.SHORTEST_KEPT` says.
    """
    removed = {"audit": purge_audit(store)}
    with store.owner.begin() as owner:
        for table, (column, days) in KEPT.items():
            told = " AND number IS NOT NULL" if table == "events" else ""
            done = owner.execute(
                text(
                    f"DELETE FROM weige.{table} WHERE {column} < now() - make_interval(days => :days){told}"
                ),
                {"days": days},
            )
            removed[table] = done.rowcount
        removed["contacts"] = owner.execute(
            text("SELECT weige.erase_contacts(:days)"), {"days": contact_days}
        ).scalar_one()
    logger.info("removed what is not needed any more: %s", removed)
    return removed
