"""Open311 GeoReport v2 under /open311/v2: services, requests in and out, tokens, discovery; XML and JSON.

It speaks as its specification says and not as `/api/v1` does: errors are its own, a key comes as `api_key`.
Without a key only what an area shows to everybody is told (`public_cases`).
"""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from sqlalchemy import Row, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from api.cases.categories import Category, Edition, limit_text
from api.cases.filing import BORDER_M, condition_of, first_deadlines
from api.cases.masking import masked
from api.dependencies import PresentedKey, SessionDep, key_hash
from api.errors import NotAllowedError, NotFoundError, NotSignedInError, ServiceError
from api.open311.answers import FORMATS, MEDIA_TYPES, SPECIFICATION, Format, answer, moment, refusal
from api.open311.asked import STATUSES, Asked, AskedWronglyError, asked
from api.problems import database_problem
from api.routes.cases import calendar_of, editions_of
from api.routes.dispatch import RowId
from api.routes.places import gazetteers_of
from api.schemas import Body, problems
from geo.geocode import decided

logger = logging.getLogger(__name__)

router = APIRouter(prefix="/open311", include_in_schema=False)
publication = APIRouter(prefix="/api/v1", tags=["cases"])

LONGEST_DESCRIPTION, LONGEST_ADDRESS = 4000, 200
# What the specification lets a client send of its user: taken, and kept nowhere.
_OF_PEOPLE = ("email", "device_id", "account_id", "first_name", "last_name", "phone")
_ATTRIBUTE = re.compile(r"attribute\[([^\]]{1,64})\](\[\])?")
_CONDITION = "condition"
_COLUMNS = """c.number, c.category, c.state, c.duplicate_of, c.reported_at, c.updated_at, c.closed_at,
                       c.due_at, c.holder"""


class PublicationIn(Body):
    """Whether an area shows its cases to everybody, without text and exact place."""

    published: bool


class PublicationOut(BaseModel):
    """What is said of a division itself, and what holds there."""

    division_id: int
    published: bool | None
    holds: bool


@publication.get("/divisions/{division_id}/publication", responses=problems(404))
def get_publication(division_id: RowId, session: SessionDep) -> PublicationOut:
    """Say whether a division shows its cases to everybody; null where those above decide."""
    row = session.execute(
        text("""
            SELECT d.id AS division_id, p.published, publishes(d.path) AS holds
            FROM divisions d LEFT JOIN case_publication p ON p.division_id = d.id WHERE d.id = :d"""),
        {"d": division_id},
    ).one_or_none()
    if row is None:
        raise NotFoundError("division_not_found", "there is no such division")
    return PublicationOut.model_validate(row._mapping)


@publication.put("/divisions/{division_id}/publication", responses=problems(404))
def set_publication(division_id: RowId, body: PublicationIn, session: SessionDep) -> PublicationOut:
    """Show the cases of a division to everybody, or no more: incidents without text and exact place."""
    get_publication(division_id, session)
    session.execute(
        text("""
            INSERT INTO case_publication VALUES (:d, :p)
            ON CONFLICT (division_id) DO UPDATE SET published = excluded.published"""),
        {"d": division_id, "p": body.published},
    )
    return get_publication(division_id, session)


def answered(form: str, work: Callable[[Format], Response]) -> Response:
    """Do something in one of the formats; what goes wrong is told as the specification has errors."""
    if form not in FORMATS:
        return refusal(400, "the URL is invalid: the format is .xml or .json", "xml")
    try:
        return work(form)
    except (NotSignedInError, NotAllowedError) as error:
        return refusal(403, str(error), form)
    except NotFoundError as error:
        return refusal(404, str(error), form)
    except ServiceError as error:
        return refusal(error.status if error.status in (429, 503) else 400, str(error), form, error.code)
    except DBAPIError as error:
        told = database_problem(error.orig)  # type: ignore[arg-type]
        said = json.loads(bytes(told.body))
        status = 403 if told.status_code == 403 else told.status_code if told.status_code >= 500 else 400
        return refusal(status, said["detail"], form, said["code"])


@router.get("/discovery.{form}")
@router.get("/v2/discovery.{form}")
def discovery(form: str, request: Request) -> Response:
    """Service discovery: where the endpoint is and what it speaks."""

    def work(form: Format) -> Response:
        settings, store = request.app.state.settings, request.app.state.store
        base = (settings.public_url or str(request.base_url)).rstrip("/")
        with store.owner.connect() as owner:
            changed = owner.execute(text("SELECT max(stored_at) FROM case_editions")).scalar_one()
        changeset = moment(changed)
        return answer(
            "discovery",
            {
                "changeset": changeset,
                "contact": "the street that runs this service",
                "key_service": "tokens of accounts are given by the administrator of an area",
                "endpoints": [{
                    "specification": SPECIFICATION, "url": f"{base}/open311/v2", "changeset": changeset,
                    "type": "production", "formats": [MEDIA_TYPES[one] for one in FORMATS],
                }],
            },
            form,
        )  # fmt: skip

    return answered(form, work)


@router.get("/v2/services.{form}")
def list_services(form: str, request: Request) -> Response:
    """GET Service List: the classes of the edition in force."""

    def work(form: Format) -> Response:
        edition = editions_of(request).read(None)
        services = [
            {
                "service_code": one.code, "service_name": edition.called[one.code],
                "description": f"{one.large_name} · {one.small_name}", "metadata": len(one.conditions) > 1,
                "type": "realtime", "keywords": f"{one.large_name},{one.small_name}", "group": one.large_name,
            }
            for one in edition.categories.values()
        ]  # fmt: skip
        return answer("services", services, form)

    return answered(form, work)


@router.get("/v2/services/{code}.{form}")
def get_service(code: str, form: str, request: Request) -> Response:
    """GET Service Definition: the filing conditions of a class that has several."""

    def work(form: Format) -> Response:
        category = _service(editions_of(request).read(None), code)
        return answer("service_definition", _definition(category), form)

    return answered(form, work)


@router.get("/v2/services/.{form}")
def get_no_service(form: str) -> Response:
    """GET Service Definition without a code."""
    return answered(form, lambda form: refusal(400, "service_code was not provided", form))


@router.get("/v2/tokens/.{form}")
def get_no_token(form: str) -> Response:
    """GET service_request_id from a token, without one."""
    return answered(form, lambda form: refusal(400, "token was not provided", form))


@router.get("/v2/tokens/{token}.{form}")
def get_token(token: str, form: str) -> Response:
    """GET service_request_id from a token: every service is realtime, so that none was ever given."""
    return answered(
        form, lambda form: refusal(404, "token was not found: service requests have their id at once", form)
    )


@router.get("/v2/requests.{form}")
def list_requests(form: str, request: Request) -> Response:
    """GET Service Requests."""

    def work(form: Format) -> Response:
        wanted = asked(request.query_params, datetime.now(UTC))
        with _reading(request) as (session, source):
            rows = _requests(session, source, wanted)
        return answer("service_requests", [_request(row) for row in rows], form)

    return answered(form, work)


@router.get("/v2/requests/{number}.{form}")
def get_request(number: str, form: str, request: Request) -> Response:
    """GET Service Request."""

    def work(form: Format) -> Response:
        with _reading(request) as (session, source):
            rows = _requests(session, source, asked({"service_request_id": number}, datetime.now(UTC)))
        if not rows:
            raise NotFoundError("service_request_id", "service_request_id was not found")
        return answer("service_requests", [_request(row) for row in rows], form)

    return answered(form, work)


@router.post("/v2/requests.{form}")
async def post_request(form: str, request: Request) -> Response:
    """POST Service Request."""
    body = await request.body()
    return await run_in_threadpool(answered, form, lambda form: _posted(request, body, form))


def _posted(request: Request, body: bytes, form: Format) -> Response:
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=200, errors="strict")
    except ValueError as error:
        raise AskedWronglyError(
            "body", "the body is no application/x-www-form-urlencoded in UTF-8"
        ) from error
    given = {name: value.strip().replace("\x00", "") for name, value in pairs if value.strip()}
    key = _key(request, given)
    if key is None:
        raise NotSignedInError("api_key", "api_key is missing")
    edition = editions_of(request).read(None)
    code = given.get("service_code")
    if code is None:
        raise AskedWronglyError("service_code", "service_code was not provided")
    category = _service(edition, code)
    facts = _facts(given, category, _attributes(pairs, category))
    store = request.app.state.store
    with Session(store.engine) as session, session.begin():
        notice = _place(request, _enter(session, key), given, facts)
        at = datetime.now(UTC)
        calendar = calendar_of(request)
        condition = condition_of(edition, category.code, facts.get("condition"))
        response_due, due = first_deadlines(calendar, condition, at)
        facts |= {
            "edition": edition.name, "channel": "open311", "reported_at": at.isoformat(),
            "border_m": BORDER_M, "day": calendar.local_day(at).isoformat(),
            "response_due_at": response_due and response_due.isoformat(), "due_at": due and due.isoformat(),
        }  # fmt: skip
        receipt = session.execute(
            text("SELECT report_case(cast(:facts AS jsonb))"), {"facts": json.dumps(facts)}
        ).scalar_one()
    made = {"service_request_id": receipt["number"], "service_notice": notice, "account_id": None}
    return answer("service_requests", [made], form, 201)


def _facts(given: Mapping[str, str], category: Category, condition: int | None) -> dict[str, Any]:
    description, address = given.get("description", ""), given.get("address_string", "")
    if len(description) > LONGEST_DESCRIPTION:
        raise AskedWronglyError("description", f"description has more than {LONGEST_DESCRIPTION} characters")
    facts: dict[str, Any] = {"category": category.code, "text": masked(description)[:LONGEST_DESCRIPTION]}
    if address:
        facts["address"] = masked(" ".join(address.split()))[:LONGEST_ADDRESS]
    if condition is not None:
        facts["condition"] = condition
    return facts


def _attributes(pairs: list[tuple[str, str]], category: Category) -> int | None:
    """Return the filing condition that `attribute[condition]` names."""
    condition = None
    for name, value in pairs:
        found = _ATTRIBUTE.fullmatch(name)
        if found is None or not value.strip():
            continue
        if found[1] != _CONDITION:
            raise AskedWronglyError("attribute", f"{category.code} has no attribute {found[1]}")
        said = value.strip()
        if (
            not (said.isascii() and said.isdecimal() and len(said) < 5)
            or category.condition(int(said)) is None
        ):
            raise AskedWronglyError("attribute", f"attribute[{_CONDITION}] is no key of {category.code}")
        condition = int(said)
    return condition


def _place(request: Request, areas: list[str], given: Mapping[str, str], facts: dict[str, Any]) -> str | None:
    """Add to the facts where it is, and return what is to be said of it; `areas`: those of the key."""
    lat, lon = given.get("lat"), given.get("long")
    if lat is not None or lon is not None:
        if lat is None or lon is None:
            raise AskedWronglyError("lat", "lat and long come together")
        facts["lat"], facts["lon"] = _degrees(lat, "lat", 90), _degrees(lon, "long", 180)
        return None
    if not {"address_string", "address_id"} & given.keys():
        raise AskedWronglyError("lat", "one of lat and long, address_string or address_id was not provided")
    if not areas:
        raise NotAllowedError("api_key", "the account of the api_key may report nowhere")
    # Whoever reports in an area may name what stands there, though he reads nothing of it.
    with request.app.state.store.acting(None, {"viewer": areas}) as session:
        if "address_string" in given:
            return _place_by_address(request, session, areas, given["address_string"], facts)
        at = session.execute(
            text("""
                SELECT ST_X(p) AS lon, ST_Y(p) AS lat
                FROM (SELECT ST_PointOnSurface(geom) AS p FROM units
                      WHERE unit_id = :u AND geom IS NOT NULL ORDER BY ground_id DESC LIMIT 1) one"""),
            {"u": given["address_id"]},
        ).one_or_none()
    if at is None:
        raise AskedWronglyError("address_id", "there is no unit of that address_id")
    facts["lon"], facts["lat"] = at.lon, at.lat
    return None


def _place_by_address(
    request: Request, session: Session, areas: list[str], said: str, facts: dict[str, Any]
) -> str | None:
    place = decided(gazetteers_of(request).of(session).find(said))
    if place is not None and place.point is not None:
        facts["lon"], facts["lat"], facts["accuracy_m"] = place.point.x, place.point.y, place.radius_m
        return None
    # What cannot be located is in the community of its street, or else in the area of the key.
    communities = () if place is None else place.communities
    facts["area"] = session.execute(
        text("""
            SELECT code FROM divisions
            WHERE id = :community OR :community IS NULL AND path::text = ANY (:areas)
            ORDER BY nlevel(path), code LIMIT 1"""),
        {"community": communities[0] if len(communities) == 1 else None, "areas": areas},
    ).scalar_one()
    return "the address was not found as one point; somebody will ask or look"


def _degrees(said: str, name: str, most: float) -> float:
    try:
        read = float(said)
    except ValueError:
        read = math.nan
    if not abs(read) <= most:
        raise AskedWronglyError(name, f"{name} is a number of degrees (WGS 84)")
    return read


def _key(request: Request, given: Mapping[str, str]) -> PresentedKey | None:
    """Return the key of a request: `api_key`, or a token as `/api/v1` takes it; no session of a browser."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    said = given.get("api_key") or (token.strip() if scheme.lower() == "bearer" else "")
    return PresentedKey(key_hash(said), "token") if said else None


def _enter(session: Session, key: PresentedKey) -> list[str]:
    """Let the account of a key act, and return the areas (paths of divisions) in which it holds a role."""
    grants: dict[str, list[str]] | None = session.execute(
        text("SELECT grants FROM enter(:token, :kinds)"), {"token": key.sha256, "kinds": [key.kind]}
    ).scalar_one_or_none()
    if grants is None:
        raise NotSignedInError("api_key", "api_key is not valid")
    return sorted({path for paths in grants.values() for path in paths})


@contextmanager
def _reading(request: Request) -> Iterator[tuple[Session, str]]:
    """Yield a session, and what it reads cases from: those of the key, or what everybody may see."""
    key = _key(request, request.query_params)
    with Session(request.app.state.store.engine) as session, session.begin():
        if key is None:
            yield session, "public_cases c"
            return
        _enter(session, key)
        yield (
            session,
            """
            (SELECT c.*, k.called AS category_name, ST_X(c.geom) AS lon, ST_Y(c.geom) AS lat
             FROM cases c JOIN case_classes k ON (k.edition, k.category) = (c.edition, c.category)) c""",
        )


def _requests(session: Session, source: str, wanted: Asked) -> list[Row[Any]]:
    filters = {
        "c.number = ANY (:numbers)": wanted.numbers,
    } if wanted.numbers is not None else {
        "c.category = ANY (:services)": wanted.services,
        "c.reported_at >= :start": wanted.start,
        "c.reported_at <= :end": wanted.end,
        "c.updated_at > :updated_after": wanted.updated_after,
        "c.updated_at < :updated_before": wanted.updated_before,
        "s.is_open = :is_open": wanted.statuses == ("open",) if set(wanted.statuses) != {*STATUSES} else None,
    }  # fmt: skip
    given = " AND ".join(["true", *(condition for condition, value in filters.items() if value is not None)])
    return list(
        session.execute(
            text(f"""
                SELECT {_COLUMNS}, c.category_name, c.text, c.address, c.lon, c.lat, s.is_open
                FROM {source} JOIN case_states s ON s.state = c.state WHERE {given}
                ORDER BY c.reported_at DESC, c.id DESC LIMIT :limit OFFSET :offset"""),
            {
                "numbers": list(wanted.numbers or ()), "services": list(wanted.services or ()),
                "start": wanted.start, "end": wanted.end, "updated_after": wanted.updated_after,
                "updated_before": wanted.updated_before, "is_open": "open" in wanted.statuses,
                "limit": wanted.page_size, "offset": (wanted.page - 1) * wanted.page_size,
            },
        ).all()
    )  # fmt: skip


def _request(row: Row[Any]) -> dict[str, Any]:
    closed = not row.is_open
    return {
        "service_request_id": row.number, "status": "closed" if closed else "open",
        "status_notes": f"duplicate of {row.duplicate_of}" if row.duplicate_of else row.state,
        "service_name": row.category_name, "service_code": row.category, "description": row.text or None,
        "agency_responsible": row.holder, "service_notice": None,
        "requested_datetime": moment(row.reported_at),
        "updated_datetime": moment(row.closed_at if closed and row.closed_at else row.updated_at),
        "expected_datetime": moment(row.due_at), "address": row.address, "address_id": None, "zipcode": None,
        "lat": row.lat, "long": row.lon, "media_url": None,
    }  # fmt: skip


def _service(edition: Edition, code: str) -> Category:
    category = edition.categories.get(code)
    if category is None:
        raise NotFoundError("service_code", "service_code was not found")
    return category


def _definition(category: Category) -> dict[str, Any]:
    several = len(category.conditions) > 1
    values = [
        {"key": str(number), "name": f"{one.filing} ({limit_text(one.limit) or '-'})"}
        for number, one in enumerate(category.conditions, start=1)
    ]
    attribute = {
        "variable": True, "code": _CONDITION, "datatype": "singlevaluelist", "required": False,
        "datatype_description": None, "order": 1, "description": "立案条件", "values": values,
    }  # fmt: skip
    return {"service_code": category.code, "attributes": [attribute] if several else []}
