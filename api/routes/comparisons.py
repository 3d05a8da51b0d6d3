"""Two versions of a community compared: figures, grids and codes, and both on one map."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Path, Response
from pydantic import BaseModel, Field
from sqlalchemy import Row
from sqlalchemy.orm import Session

from api import queries
from api.dependencies import SessionDep
from api.errors import ConflictError
from api.routes.packs import MEDIA_TYPE, made_by
from api.routes.plans import require_version
from api.schemas import problems

if TYPE_CHECKING:
    from geo.comparison import Comparison

router = APIRouter(prefix="/api/v1", tags=["plans"])

OtherId = Annotated[UUID, Path(description="The version that is compared with it")]


class VersionMeasures(BaseModel):
    """What one version is like."""

    version: UUID
    units: int
    households: int
    grids: int
    in_band: int
    too_small: int
    too_large: int
    exempt: int
    unassigned_units: int
    unassigned_households: int
    compactness: float | None = Field(description="Mean of 4 pi area / perimeter^2; null without grids")
    split_compounds: int = Field(description="Compounds in more grids than their households need")


class UnitSum(BaseModel):
    """Units and their households."""

    units: int
    households: int


class ComparedGrid(BaseModel):
    """What became of one grid; the figures from `households_before` to `households_after` add up."""

    code: str
    change: Literal["kept", "changed", "ended", "new"]
    households_before: int
    recounted: int = Field(description="More households of its units than before")
    moved_out: int
    left: int = Field(description="To no grid, or in units that are not there after")
    moved_in: int
    arrived: int = Field(description="From no grid, or in units that were not there before")
    households_after: int
    units_before: int
    units_after: int
    follows: str | None = Field(
        description="Of a new grid where most households came from, of one that ended where most went"
    )


class Flow(BaseModel):
    """Units that went from one grid to another; null for none."""

    from_code: str | None
    to_code: str | None
    units: int
    households: int


class ComparisonOut(BaseModel):
    """What moved from the first version to the second, over the units that both have."""

    before: VersionMeasures
    after: VersionMeasures
    moved_units: int
    moved_households: int
    renumbered_households: int = Field(
        description="Of `moved_households`, those that only changed because grids have other codes"
    )
    kept: int
    changed: int
    ended: int
    new: int
    only_before: UnitSum
    only_after: UnitSum
    recounted_units: int
    grids: list[ComparedGrid]
    flows: list[Flow]


@router.get("/versions/{version_id}/comparison/{other_id}", responses=problems(404, 409))
def compare_with(version_id: UUID, other_id: OtherId, session: SessionDep) -> ComparisonOut:
    """Compare a version with another of the same community: what each is like, and what moved.

    Units are matched by their ids; those that only one version has are counted apart. Households are those
    that the second version counts.
    """
    before, after = both_versions(session, version_id, other_id)
    # The libraries behind it take a second to load: only who compares waits for them, and only once.
    from api.comparing import compare_versions

    return comparison_out(*compare_versions(session, before, after))


@router.get("/versions/{version_id}/comparison/{other_id}/pack", response_class=Response,
            responses=problems(404, 409) | {
                200: {"content": {MEDIA_TYPE: {}}, "description": "The pack, as of a version"},
                304: {"description": "The pack is as If-None-Match says"},
            })  # fmt: skip
def get_comparison_pack(
    version_id: UUID,
    other_id: OtherId,
    session: SessionDep,
    if_none_match: Annotated[str | None, Header(alias="If-None-Match", max_length=1000)] = None,
) -> Response:
    """Send the map of the second version with the grids of the first (`grids_before`), as one pack."""
    before, after = both_versions(session, version_id, other_id)
    editions = [f"{row.revision} {queries.version_edition(session, row.id)}" for row in (before, after)]
    edition = f"{made_by()} {' '.join(editions)}"
    tag = f'"{hashlib.sha256(edition.encode()).hexdigest()[:24]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie"}
    if tag in [said.strip().removeprefix("W/") for said in (if_none_match or "").split(",")]:
        return Response(status_code=304, headers=headers)
    from api.comparing import comparison_pack

    return Response(comparison_pack(session, before, after), headers=headers, media_type=MEDIA_TYPE)


def both_versions(session: Session, one: UUID, other: UUID) -> tuple[Row[Any], Row[Any]]:
    """Return two versions that the actor may read.

    Raises
    ------
    NotFoundError
        One is not there, or not for the actor to know.
    ConflictError
        They are of two communities.
    """
    before, after = require_version(session, one), require_version(session, other)
    if before.community_id != after.community_id:
        raise ConflictError("other_community", "only versions of one community can be compared")
    return before, after


def comparison_out(before: dict[str, Any], after: dict[str, Any], found: Comparison) -> ComparisonOut:
    """Return a comparison as the service tells it."""
    grids = found.grids.rename(columns={"grid_id": "code"}).to_dict("records")
    flows = found.flows.rename(columns={"from_grid": "from_code", "to_grid": "to_code"}).to_dict("records")
    return ComparisonOut(
        before=VersionMeasures.model_validate(before),
        after=VersionMeasures.model_validate(after),
        moved_units=found.moved_units,
        moved_households=found.moved_households,
        renumbered_households=found.renumbered_households,
        **found.grids_by_change(),
        only_before=UnitSum(units=found.only_before[0], households=found.only_before[1]),
        only_after=UnitSum(units=found.only_after[0], households=found.only_after[1]),
        recounted_units=found.recounted_units,
        grids=[ComparedGrid.model_validate(row) for row in grids],
        flows=[Flow.model_validate(row) for row in flows],
    )
