"""The pack of a version: what the planner page draws, and what redrawing grids takes.

Apart from the routes: geopandas takes a second to import, and API workers start without it.
"""

from __future__ import annotations

import gc
from uuid import UUID

import pandas as pd
from sqlalchemy import text
from sqlalchemy.orm import Session

from api.version_frames import version_frames
from maps.editor_layers import editor_layers
from maps.pack import pack

# The libraries stay for good. A search for cycles that walks over their objects too takes 150 ms, and a pack
# makes enough objects of its own to set one off.
gc.collect()
gc.freeze()

_TOLD = (
    "version_id", "plan_id", "plan", "community_id", "state", "valid_from", "valid_to", "revision",
    "min_households", "max_households",
)  # fmt: skip


def version_pack(session: Session, version_id: UUID) -> bytes:
    """Return the pack (`maps.pack_format`) of a version that the actor may read.

    Returns
    -------
    bytes
        The layers of `maps.editor_layers.editor_layers`, and a table `version` of one row: `version_id`,
        `plan_id`, `plan` (its name), `community_id` (id of the division), `state`, `valid_from`,
        `valid_to`, `revision`, `min_households` and `max_households`. No border is smoothed: a cell has the
        corners that its neighbours have, rounded to the step of the pack.
    """
    layers = editor_layers(version_frames(session, version_id))
    told = session.execute(
        text("SELECT v.id::text AS version_id, v.plan_id::text, p.name AS plan, v.community_id, v.state,"
             " v.valid_from::text, v.valid_to::text, v.revision, v.min_households, v.max_households"
             " FROM versions v JOIN plans p ON p.id = v.plan_id WHERE v.id = :id"),
        {"id": version_id},
    ).one()  # fmt: skip
    layers["version"] = pd.DataFrame({name: pd.Series([getattr(told, name)]) for name in _TOLD})
    return pack(layers)
