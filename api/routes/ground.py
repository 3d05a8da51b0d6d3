"""What lies where somebody shows or finds a place: streets, water, compounds and buildings, with names."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlalchemy import text

from api.cases.anonymous import ReportingSessionDep
from api.errors import NotValidError
from api.routes.plans import read_box
from api.schemas import problems

router = APIRouter(prefix="/api/v1/ground", tags=["cases"])

# A box as wide as a screen at the zoom at which buildings can be told apart, in degrees.
WIDEST_DEG = 0.06
MOST_BUILDINGS = 5000


@router.get(
    "",
    response_class=Response,
    responses={
        200: {
            "description": "GeoJSON features in WGS 84 with `kind`, `name` and `class`",
            "content": {
                "application/json": {
                    "schema": {"type": "object"},
                    "example": {"type": "FeatureCollection", "features": []},
                }
            },
        },
        **problems(),
    },
)
def get_ground(
    session: ReportingSessionDep,
    bbox: Annotated[str, Query(description="min_lon,min_lat,max_lon,max_lat", max_length=120)],
) -> Response:
    """Return what lies in a small box, as far as it lies in communities that the actor sees or reports from.

    Names of buildings and streets as they stand outside; no counts of households.
    """
    box = read_box(bbox)
    if box.max_x - box.min_x > WIDEST_DEG or box.max_y - box.min_y > WIDEST_DEG:
        raise NotValidError("box_too_wide", f"a box is at most {WIDEST_DEG} degrees wide and high")
    features = session.execute(
        text("SELECT ground_in(ST_MakeEnvelope(:min_x, :min_y, :max_x, :max_y, 4490), :most)"),
        {**vars(box), "most": MOST_BUILDINGS},
    ).scalar_one()
    told = json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)
    return Response(told, media_type="application/json", headers={"Cache-Control": "private, max-age=300"})
