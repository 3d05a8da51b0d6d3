"""Two versions of a community side by side: what each is like, and what moved from one to the other.

Apart from the routes: pandas and geopandas take a second to import, and API workers start without them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from api.drafts import Draft, read_draft
from api.version_frames import version_frames
from geo.comparison import Assigned, Comparison, compare
from geo.metrics import split_compounds
from maps.export import page_pack

_MEASURES = """
    SELECT count(*) AS grids,
           count(*) FILTER (WHERE status = 'ok') AS in_band,
           count(*) FILTER (WHERE status = 'too_small') AS too_small,
           count(*) FILTER (WHERE status = 'too_large') AS too_large,
           count(*) FILTER (WHERE status = 'exempt') AS exempt,
           avg(compactness) AS compactness
    FROM grids WHERE version_id = :version"""


def assigned(draft: Draft) -> Assigned:
    """Return the units of a version with their grids."""
    codes = tuple(grid.code for grid in draft.grids.values())
    return Assigned(draft.adjacency.unit_ids, draft.households, draft.grid_ids(), codes)


def measures(session: Session, draft: Draft) -> dict[str, Any]:
    """Return what one version is like: its units and grids counted, their shape, compounds they split."""
    row = session.execute(text(_MEASURES), {"version": draft.version_id}).one()
    without = draft.labels < 0
    return {
        **row._mapping,
        "version": draft.version_id,
        "units": len(draft.labels),
        "households": int(draft.households.sum()),
        "unassigned_units": int(without.sum()),
        "unassigned_households": int(draft.households[without].sum()),
        "split_compounds": len(split_compounds(draft.labels, draft.households, draft.compounds, draft.band)),
    }


def compare_versions(
    session: Session, before: Row[Any], after: Row[Any]
) -> tuple[dict[str, Any], dict[str, Any], Comparison]:
    """Return the measures of two versions (rows of `queries.version`) and what moved between them."""
    first, second = read_draft(session, before), read_draft(session, after)
    return (
        measures(session, first),
        measures(session, second),
        compare(assigned(first), assigned(second)),
    )


def comparison_pack(session: Session, before: Row[Any], after: Row[Any]) -> bytes:
    """Return the map of a version with the grids of another before it, as a pack (`maps.pack_format`).

    Its layers are those of an exported map of a rebalanced plan: `grids_before` and the table `changes`
    besides what `maps.layers.page_layers` says of every plan.
    """
    frames = version_frames(session, after.id)
    frames["micro_grids_before"] = version_frames(session, before.id)["micro_grids"]
    moves = compare(assigned(read_draft(session, before)), assigned(read_draft(session, after))).moves
    frames["ledger"] = moves.assign(cause="mended")
    return page_pack(frames)
