"""How to call back whoever reported: kept sealed, called without being shown, and erased after the visit."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, StringConstraints
from sqlalchemy import text
from sqlalchemy.orm import Session

from api.cases.anonymous import ReportKey, count_report, key_digest
from api.cases.contacts import ContactKey
from api.dependencies import SessionDep, SettingsDep, StoreDep
from api.errors import ConflictError, NotFoundError
from api.routes.cases import Number, require_case
from api.schemas import Body, problems
from api.settings import Settings

# Not a KeptRoute: a number is never kept for a repeated request.
router = APIRouter(prefix="/api/v1", tags=["cases"])


class ContactIn(Body):
    """A telephone number to be called back on; it is sealed at once and never shown."""

    phone: Annotated[str, StringConstraints(min_length=7, max_length=32)]


class Contact(BaseModel):
    """Whether somebody can be called back by whoever asks."""

    can_call: bool


class Call(BaseModel):
    """What a telephone dials. Pages hand it on without showing it; each is in the audit log."""

    dial: str = Field(description="tel: and the number")


def contact_key(settings: Settings) -> ContactKey:
    """Return the key of contacts.

    Raises
    ------
    ConflictError
        The service keeps none.
    """
    if settings.contact_key_file is None:
        raise ConflictError(
            "contacts_off", "this service keeps no contacts: it has no WEIGE_CONTACT_KEY_FILE"
        )
    return ContactKey.read(settings.contact_key_file)


@router.get("/cases/{number}/contact", responses=problems(404))
def get_contact(number: Number, session: SessionDep) -> Contact:
    """Say whether somebody can be called back."""
    require_case(session, number)
    told = session.execute(text("SELECT may_call(:number)"), {"number": number}).scalar_one()
    return Contact(can_call=bool(told))


@router.put(
    "/cases/{number}/contact", status_code=204, response_class=Response, responses=problems(403, 404, 409)
)
def keep_contact(number: Number, body: ContactIn, session: SessionDep, settings: SettingsDep) -> None:
    """Keep a telephone number for a case that is open, in place of one that was kept before."""
    require_case(session, number)
    _keep(
        session, settings, number, body.phone, "keep_contact(:number, :sealed, :trace, :key)", number=number
    )


@router.post("/cases/{number}/calls", status_code=201, responses=problems(403, 404, 409))
def call_back(number: Number, session: SessionDep, settings: SettingsDep, response: Response) -> Call:
    """Call back whoever reported; the call is audited. The number is for the telephone, not for the page."""
    require_case(session, number)
    key = contact_key(settings)
    row = session.execute(
        text("SELECT sealed, key_id FROM contact_for_call(:number)"), {"number": number}
    ).one_or_none()
    if row is None:
        raise NotFoundError("contact_not_found", "there is nobody whom you may call back")
    response.headers["Cache-Control"] = "no-store"
    return Call(dial=f"tel:{key.open(number, bytes(row.sealed))}")


@router.post("/reports/contact", status_code=204, response_class=Response, responses=problems(404, 409, 429))
def keep_contact_of_report(
    body: ContactIn, request: Request, store: StoreDep, settings: SettingsDep, key: ReportKey
) -> None:
    """Keep a telephone number for a report that was made without an account, with its key."""
    count_report(store, request)
    secret = key_digest(key)
    with Session(store.engine) as session, session.begin():
        number = session.execute(text("SELECT reported_number(:secret)"), {"secret": secret}).scalar_one()
        if number is None:
            raise NotFoundError("case_not_found", "there is no such case")
        _keep(
            session, settings, number, body.phone,
            "keep_contact_anonymously(:secret, :sealed, :trace, :key)", secret=secret,
        )  # fmt: skip


def _keep(session: Session, settings: Settings, case: str, phone: str, statement: str, **values: Any) -> None:
    sealed = contact_key(settings).seal(case, phone)
    session.execute(
        text(f"SELECT {statement}"),
        {**values, "sealed": sealed.sealed, "trace": sealed.trace, "key": sealed.key_id},
    ).scalar_one()
