"""Errors as problem documents (RFC 9457): one table from error to status, one stable code each."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, get_args

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg import errors as pg
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException

from api.cases.steps import Need
from api.errors import ServiceError
from api.pages import away_page, is_for_people, missing_page
from api.reader import answered, asked_language
from geo.errors import GeoError, InputError
from maps.text import Language, text, words

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
# How long a client should wait while the database is away, in seconds.
RETRY_AFTER_S = 2

# Database errors by class: status and code; the name of a broken constraint goes before the code.
_DATABASE: tuple[tuple[type[pg.Error], int, str], ...] = (
    (pg.UniqueViolation, 409, "already_there"),
    (pg.ExclusionViolation, 409, "clashes"),
    (pg.ForeignKeyViolation, 409, "still_in_use"),
    (pg.CheckViolation, 409, "not_allowed_now"),
    (pg.InsufficientPrivilege, 403, "not_allowed"),
    (pg.SerializationFailure, 409, "try_again"),
    (pg.DeadlockDetected, 409, "try_again"),
    (pg.QueryCanceled, 503, "took_too_long"),
    (pg.OperationalError, 503, "database_away"),
    (pg.InternalError, 503, "database_away"),
    (pg.DataError, 422, "value_refused"),
    (pg.NotNullViolation, 422, "value_missing"),
)
# What is said of each: never the database's own words, which name tables and policies, and quote rows.
_SAID = {
    "already_there": "there is one of that name or code already; choose another",
    "clashes": "another holds for the same time",
    "still_in_use": "something that belongs to it is missing, or others still need it",
    "not_allowed_now": "its state does not allow this, or a value is out of its range",
    "not_allowed": "your roles do not allow this here",
    "try_again": "somebody changed the same at that moment; send it again",
    "took_too_long": "it took too long; ask for less, or try again",
    "database_away": "the database is away; try again",
    "value_refused": "a value is too large, or not of its kind",
    "value_missing": "a value is missing",
}
# The same by constraint. Names and ids that are unique everywhere may be taken where the actor sees nothing:
# that they are taken cannot be hidden, whose they are is not told.
_SAID_OF = {
    "divisions_code_key": "that code is taken by another division",
    "users_name_key": "that name is taken by another account; choose another",
    "stations_station_id_key": "that id is taken by another station; choose another",
    "grants_pkey": "the account holds that role there already",
    "grids_version_id_code_key": "another grid of the version has that code",
    "one_published_version_a_day": "another version is published for days from then on; choose a later day",
    "units_unassigned": "units are in no grid and carry no accepted finding",
    "version_step": "the version is in no state that allows this",
    "not_a_draft": "only a draft can be changed",
    "append_only": "the log is append-only",
    "division_rank": "a division stands below one of a higher level only",
    "division_moves": "a division does not move",
    "division_parent": "there is no such division above",
    "divisions_level_fkey": "there is no such level of divisions",
    "case_step": "the case is in no state that allows this step",
    "verifier_is_handler": "whoever handled a case does not judge it",
    "case_has_duplicates": "others are linked to this case as duplicates of it; link those first",
    "grid_not_near": "the point is not at that grid",
    "outside_areas": "the place lies in no area where you report",
    "no_such_case": "there is no such case",
    "no_such_category": "the edition has no such category",
    "duty_taken": "somebody else has that place then",
    "duty_doubled": "the account has the other place there then; the deputy is somebody else",
    "points_to_oneself": "nobody gives himself points",
    "reversal_whole": "an entry is taken back whole, and what took one back is not",
    "points_reverses_key": "that entry was taken back already",
    "visit_counts_reverses_key": "that entry was taken back already",
    "meeting_to_come": "a record is not of a meeting to come",
    "corrected_already": "that record was corrected already; correct the one that holds",
    "talked_about_twice": "a case is named once in a record",
    "outcome_unsaid": "say what was decided, or where to the case was sent",
    "check_of_tomorrow": "a check is not of a day to come",
    "no_such_item": "no checklist has that item",
    "checklists_pkey": "there is an edition of that name already; choose another",
    "mode_stands": "the area is in that mode already",
    "not_of_that_rule": "that rule of dispatch does not hold there, or names another department",
    "call_answered": "the call was answered already, or not yet, or has ended",
    "call_not_done": "a department that was called has not finished; wait for it, or release it",
    "claimed_already": "another team has claimed it",
    "offers_case_number_key": "the case is on the board already",
    "impersonal_note": "a text holds what identifies a person; take it out",
    "impersonal_department": "a text holds what identifies a person; take it out",
    "impersonal_text": "a text holds what identifies a person; take it out",
    "photos_enough": "the case has as many photos as it may have",
    "cases_external": "that number of the channel is taken",
    **{f"case_needs_{need}": text(f"problem.case_needs_{need}", "en") for need in get_args(Need)},
    "department_of_handler": "a handler, and only a handler, acts for a department",
}
# Constraints whose own name says more than the class of the error.
_NAMED = frozenset(
    {"units_unassigned", "version_step", "not_a_draft", "one_published_version_a_day", "append_only",
     "division_rank", "division_moves", "case_step", "verifier_is_handler", "case_has_duplicates",
     "grid_not_near", "outside_areas", "no_such_case", "no_such_category", "impersonal_text",
     "check_of_tomorrow", "no_such_item", "meeting_to_come", "corrected_already", "talked_about_twice",
     "outcome_unsaid",
     "duty_taken", "duty_doubled", "points_to_oneself", "reversal_whole",
     "mode_stands", "not_of_that_rule", "call_answered", "call_not_done", "claimed_already",
     *(f"case_needs_{need}" for need in get_args(Need))}
)  # fmt: skip
_HTTP_CODES = {
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "too_large",
    415: "media_type",
}


def problem(
    status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **members: Any
) -> JSONResponse:
    """Return a problem document; `code` is stable, `detail` is one line for people."""
    told = {"type": f"/problems/{code}", "title": code, "status": status, "code": code, "detail": detail}
    return JSONResponse({**told, **members}, status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def database_problem(error: pg.Error, language: Language | None = None) -> JSONResponse:
    """Return the problem of a database error; what is not foreseen is a 500 and logged."""
    for kind, status, code in _DATABASE:
        if isinstance(error, kind):
            name = error.diag.constraint_name
            detail = _SAID_OF.get(name or "", _SAID[code])
            if language == "zh_CN":
                detail = _in_chinese(name or "", code, detail)
            headers = {"Retry-After": str(RETRY_AFTER_S)} if status == 503 else None
            return problem(status, name if name in _NAMED else code, detail, headers=headers)
    logger.error("unforeseen database error %s", error.sqlstate, exc_info=error)
    return problem(500, "internal", "something went wrong here; it was logged")


def _in_chinese(name: str, code: str, said: str) -> str:
    """Return what `said` says, as far as `maps/locale` has it: for the constraint, else for the class."""
    key = f"problem.{name if name in _SAID_OF else code}"
    return text(key, "zh_CN", said=said) if key in words("zh_CN") else said


def add_problem_handlers(app: FastAPI) -> None:
    """Let every error of the application leave as a problem document."""

    @app.exception_handler(ServiceError)
    def service_error(request: Request, error: ServiceError) -> JSONResponse:
        wait_s = error.values.get("retry_after_s")
        headers = {} if wait_s is None else {"Retry-After": str(wait_s)}
        return problem(error.status, error.code, answered(request, error), headers=headers, **error.values)

    @app.exception_handler(InputError)
    def input_error(request: Request, error: InputError) -> JSONResponse:
        place = {"file": error.file, "layer": error.layer, "field": error.field, "feature": error.feature}
        named: dict[str, Any] = {name: value for name, value in place.items() if value}
        return problem(422, error.code, answered(request, error), **named)

    @app.exception_handler(GeoError)
    def geo_error(request: Request, error: GeoError) -> JSONResponse:
        return problem(422, "not_usable", str(error))

    @app.exception_handler(RequestValidationError)
    def validation_error(request: Request, error: RequestValidationError) -> Response:
        if request.method == "GET" and is_for_people(request):
            return missing_page(request)
        faults = [
            {"where": ".".join(str(part) for part in fault["loc"]), "what": fault["msg"]}
            for fault in error.errors()
        ]
        first = faults[0] if faults else {"where": "", "what": "not valid"}
        said = f"{first['where']}: {first['what']}"
        if asked_language(request) == "zh_CN":
            said = text("problem.request_not_valid", "zh_CN", where=first["where"])
        return problem(422, "request_not_valid", said, faults=faults)

    @app.exception_handler(HTTPException)
    def http_error(request: Request, error: HTTPException) -> Response:
        if error.status_code == HTTPStatus.NOT_FOUND and is_for_people(request):
            return missing_page(request)
        code = _HTTP_CODES.get(error.status_code, "http_error")
        return problem(error.status_code, code, str(error.detail), headers=error.headers)

    @app.exception_handler(DBAPIError)
    def sqlalchemy_error(request: Request, error: DBAPIError) -> Response:
        return psycopg_error(request, error.orig)  # type: ignore[arg-type]

    @app.exception_handler(pg.Error)
    def psycopg_error(request: Request, error: pg.Error) -> Response:
        answer = database_problem(error, asked_language(request))
        if answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE and is_for_people(request):
            return away_page(request, after_s=RETRY_AFTER_S)
        return answer
