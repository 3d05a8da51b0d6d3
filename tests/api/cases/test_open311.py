"""Open311 GeoReport v2, clause by clause; each test names the clause of http://wiki.open311.org/GeoReport_v2."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.open311.asked import AskedWronglyError, asked
from tests.api.accounts import add_person, bearer
from tests.api.cases.desk import IN_FIRST, Desk

BASE = "/open311/v2"
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
W3 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
REPORT = {"service_code": "E0102", "lat": IN_FIRST[1], "long": IN_FIRST[0], "description": "垃圾成堆\n两天了"}


def post(client: TestClient, desk: Desk, form: str = "json", who: str | None = "reporter", **said: Any):
    given = {**REPORT, **said} | ({"api_key": desk.tokens[who]} if who else {})
    return client.post(f"{BASE}/requests.{form}", data={k: v for k, v in given.items() if v is not None})


def listed(client: TestClient, desk: Desk, who: str | None = "viewer", **query: Any) -> list[dict[str, Any]]:
    key = {"api_key": desk.tokens[who]} if who else {}
    found = client.get(f"{BASE}/requests.json", params={**query, **key})
    assert found.status_code == 200, found.text
    return list(found.json())


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["service_request_id"] for row in rows]


def dated(desk: Desk, *days_ago: float) -> list[str]:
    """Cases reported so many days ago, as an import has them."""
    numbers = []
    for days in days_ago:
        at = (datetime.now(UTC) - timedelta(days=days)).isoformat()
        numbers.append(desk.report(reported_at=at)["number"])
    return numbers


def refused(answer: Any, status: int) -> str:
    """The description of an error in JSON, whose form is checked."""
    assert answer.status_code == status, answer.text
    (error,) = answer.json()
    assert set(error) == {"code", "description"}
    return str(error["description"])


# Service Discovery -----------------------------------------------------------------------------------------


def test_service_discovery_exists_in_xml_and_json_with_all_its_fields(client: TestClient):
    """Service Discovery, "Base URL" and "Fields for All Versions": all fields are required."""
    told = client.get("/open311/discovery.json").json()
    assert set(told) == {"changeset", "contact", "key_service", "endpoints"}
    (endpoint,) = told["endpoints"]
    assert endpoint["specification"] == "http://wiki.open311.org/GeoReport_v2"
    assert endpoint["url"].endswith(BASE)
    assert (endpoint["type"], endpoint["formats"]) == ("production", ["text/xml", "application/json"])
    top = ElementTree.fromstring(client.get("/open311/discovery.xml").content)
    assert top.tag == "discovery"
    assert [one.text for one in top.findall("endpoints/endpoint/formats/format")] == endpoint["formats"]
    assert top.findtext("endpoints/endpoint/changeset") == endpoint["changeset"]


# Internationalization, encoding, formats -------------------------------------------------------------------


def test_times_are_iso_8601_with_a_zone(client: TestClient, desk: Desk):
    """Clause "Date/time format": timezone information must be included."""
    post(client, desk)
    (row,) = listed(client, desk)
    for name in ("requested_datetime", "updated_datetime", "expected_datetime"):
        assert W3.fullmatch(row[name]), row[name]


@pytest.mark.parametrize(("form", "media"), [("xml", "text/xml"), ("json", "application/json")])
def test_text_is_utf_8_and_says_so(client: TestClient, desk: Desk, form: str, media: str):
    """Clause "Encoding" and "Format Support": UTF-8 everywhere, content types, the XML declaration."""
    post(client, desk)
    answer = client.get(f"{BASE}/requests.{form}", params={"api_key": desk.tokens["viewer"]})
    assert answer.headers["Content-Type"] == f"{media}; charset=utf-8"
    assert "垃圾成堆" in answer.content.decode("utf-8")
    if form == "xml":
        assert answer.content.startswith(b'<?xml version="1.0" encoding="utf-8"?>')


def test_xml_has_no_namespace_and_holds_whatever_people_paste(client: TestClient, desk: Desk):
    """Clause "XML Support": schemaless and without a namespace declaration."""
    post(client, desk, description="<b>&\x0b\x1b 垃圾]]>")
    answer = client.get(f"{BASE}/requests.xml", params={"api_key": desk.tokens["viewer"]})
    assert b"xmlns" not in answer.content
    assert ElementTree.fromstring(answer.content).findtext("request/description") == "<b>& 垃圾]]>"


def test_json_is_the_xml_without_its_top(client: TestClient, desk: Desk):
    """Clause "JSON Support": the Spark convention; lists are arrays, empty elements null."""
    post(client, desk)
    key = {"api_key": desk.tokens["viewer"]}
    (row,) = client.get(f"{BASE}/requests.json", params=key).json()
    top = ElementTree.fromstring(client.get(f"{BASE}/requests.xml", params=key).content)
    assert (top.tag, [one.tag for one in top]) == ("service_requests", ["request"])
    assert {one.tag: one.text for one in top[0]} == {
        name: None if value is None else str(value) for name, value in row.items()
    }
    assert row["zipcode"] is None


@pytest.mark.parametrize("path", ["services.html", "requests.yaml", "requests/1.pdf", "discovery.txt"])
def test_another_format_is_refused(client: TestClient, path: str):
    """Clause "Errors": 400 - the URL request is invalid."""
    answer = client.get(f"{BASE}/{path}")
    assert answer.status_code == 400
    assert ElementTree.fromstring(answer.content).findtext("error/code") == "400"


# Definitions -----------------------------------------------------------------------------------------------


def test_the_answer_is_the_same_with_a_jurisdiction_or_an_empty_argument_or_none(
    client: TestClient, desk: Desk
):
    """Clauses "jurisdiction_id" (one may ignore it) and "Optional Arguments" (empty is as not passed)."""
    post(client, desk)
    plain = listed(client, desk)
    assert listed(client, desk, jurisdiction_id="street.example") == plain
    empty = dict.fromkeys(("start_date", "end_date", "status", "service_code", "service_request_id"), "")
    assert listed(client, desk, **empty, page="", page_size="") == plain


# GET Service List ------------------------------------------------------------------------------------------


def test_the_service_list_is_for_everybody_and_has_its_fields(client: TestClient):
    """Clause "GET Service List": no API key; all fields of the response."""
    services = client.get(f"{BASE}/services.json").json()
    assert len(services) > 50
    for one in services:
        assert set(one) == {
            "service_code", "service_name", "description", "metadata", "type", "keywords", "group",
        }  # fmt: skip
        assert isinstance(one["metadata"], bool)
        assert one["type"] == "realtime"
    assert len({one["service_code"] for one in services}) == len(services)
    top = ElementTree.fromstring(client.get(f"{BASE}/services.xml").content)
    assert [one.tag for one in top] == ["service"] * len(services)
    assert {one.text for one in top.findall("service/metadata")} <= {"true", "false"}


# GET Service Definition ------------------------------------------------------------------------------------


def test_a_service_with_metadata_defines_its_attributes(client: TestClient):
    """Clause "GET Service Definition": attributes with values of key and name."""
    services = client.get(f"{BASE}/services.json").json()
    code = next(one["service_code"] for one in services if one["metadata"])
    told = client.get(f"{BASE}/services/{code}.json").json()
    assert told["service_code"] == code
    (attribute,) = told["attributes"]
    assert set(attribute) == {
        "variable", "code", "datatype", "required", "datatype_description", "order", "description", "values",
    }  # fmt: skip
    assert (attribute["datatype"], attribute["order"]) == ("singlevaluelist", 1)
    assert [one["key"] for one in attribute["values"]] == [
        str(number + 1) for number in range(len(attribute["values"]))
    ]
    assert len(attribute["values"]) > 1
    top = ElementTree.fromstring(client.get(f"{BASE}/services/{code}.xml").content)
    assert top.tag == "service_definition"
    assert len(top.findall("attributes/attribute/values/value/key")) == len(attribute["values"])


def test_a_service_without_metadata_has_no_attributes(client: TestClient):
    """Clause "GET Service Definition": only necessary where metadata is true."""
    assert client.get(f"{BASE}/services/E0102.json").json() == {"service_code": "E0102", "attributes": []}


def test_a_definition_of_an_unknown_or_no_service_is_refused(client: TestClient):
    """Clause "GET Service Definition", errors: 404 service_code not found, 400 not provided."""
    assert "service_code" in refused(client.get(f"{BASE}/services/nope.json"), 404)
    assert "service_code" in refused(client.get(f"{BASE}/services/.json"), 400)


# POST Service Request --------------------------------------------------------------------------------------


def test_a_request_answers_with_an_id_and_never_a_token_beside_it(client: TestClient, desk: Desk):
    """Clause "POST Service Request", Response: token not beside service_request_id."""
    made = post(client, desk)
    assert made.status_code == 201, made.text
    (told,) = made.json()
    assert set(told) == {"service_request_id", "service_notice", "account_id"}
    row = desk.row(told["service_request_id"])
    assert (row["channel"], row["grid"], row["state"]) == ("open311", "320924001001001", "reported")
    assert row["text"] == REPORT["description"]
    assert row["due_at"] is not None
    top = ElementTree.fromstring(post(client, desk, form="xml").content)
    assert top.findtext("request/service_request_id")
    assert top.find("request/token") is None


def test_a_request_needs_a_key_that_is_valid_and_may_report_there(client: TestClient, desk: Desk):
    """Clause "Requires API Key: Yes"; "General Errors": 403 - missing or invalid API key."""
    assert "api_key" in refused(post(client, desk, who=None), 403)
    wrong = client.post(f"{BASE}/requests.json", data={**REPORT, "api_key": "wrong"})
    assert "api_key" in refused(wrong, 403)
    desk.ids["nobody"], desk.tokens["nobody"] = add_person(desk.store, "nobody")
    refused(post(client, desk, who="viewer"), 403)
    refused(post(client, desk, who="nobody"), 400)
    with_header = client.post(f"{BASE}/requests.json", data=REPORT, headers=bearer(desk.tokens["reporter"]))
    assert with_header.status_code == 201


def test_the_service_must_be_named_and_known(client: TestClient, desk: Desk):
    """Clause "POST Service Request", errors: 404 service_code not found, 400 not provided."""
    assert "service_code" in refused(post(client, desk, service_code="nope"), 404)
    assert "service_code" in refused(post(client, desk, service_code=None), 400)
    assert "service_code" in refused(post(client, desk, service_code=" "), 400)


@pytest.mark.parametrize(
    ("said", "named"),
    [({"lat": None, "long": None}, "address_string"), ({"lat": None}, "lat and long"),
     ({"long": None}, "lat and long"), ({"lat": "north"}, "lat is"), ({"lat": "91"}, "lat is"),
     ({"long": "nan"}, "long is"), ({"long": "1e999"}, "long is"),
     ({"lat": None, "long": None, "address_id": "unknown"}, "address_id")],
)  # fmt: skip
def test_a_full_location_must_be_given(client: TestClient, desk: Desk, said: dict[str, Any], named: str):
    """Clause "location parameter": lat and long, or address_string, or address_id."""
    assert named in refused(post(client, desk, **said), 400)


def test_an_address_that_means_one_place_is_located_and_another_is_kept_as_it_is(
    client: TestClient, desk: Desk
):
    """Clause "address_string": human entered address or description of location."""
    with desk.store.owner.begin() as owner:
        owner.execute(text("UPDATE units SET address = '朝阳路7号' WHERE unit_id = 'u00'"))
    nowhere = {"lat": None, "long": None}
    (found,) = post(client, desk, **nowhere, address_string="朝阳路7号门前").json()
    row = desk.row(found["service_request_id"])
    assert (row["place"], row["address"], found["service_notice"]) == ("point", "朝阳路7号门前", None)
    (lost,) = post(client, desk, **nowhere, address_string="某处").json()
    row = desk.row(lost["service_request_id"])
    assert (row["place"], row["area_id"], row["address"]) == ("area", desk.street, "某处")
    assert lost["service_notice"]


def test_an_address_id_is_a_unit(client: TestClient, desk: Desk):
    """Clause "address_id": the internal address ID of a jurisdiction's addressing system."""
    (made,) = post(client, desk, lat=None, long=None, address_id="u00").json()
    row = desk.row(made["service_request_id"])
    assert (row["place"], row["grid"]) == ("point", "320924001001001")


def test_attributes_are_those_of_the_definition(client: TestClient, desk: Desk):
    """Clause "attribute": attribute[code]=value, by keys of the service definition."""
    services = client.get(f"{BASE}/services.json").json()
    code = next(one["service_code"] for one in services if one["metadata"])
    (made,) = post(client, desk, service_code=code, **{"attribute[condition]": "2"}).json()
    assert desk.row(made["service_request_id"])["condition"] == 2
    refused(post(client, desk, service_code=code, **{"attribute[condition]": "99"}), 400)
    refused(post(client, desk, service_code=code, **{"attribute[colour]": "2"}), 400)


def test_what_tells_of_a_person_is_taken_and_kept_nowhere(client: TestClient, desk: Desk):
    """Clause "Optional Arguments": email, device_id, account_id, first_name, last_name, phone, media_url."""
    person = {
        "email": "someone@example.org", "device_id": "tt222111", "account_id": "acc-4711",
        "first_name": "Erika", "last_name": "Mustermann", "phone": "13812345678",
        "media_url": "https://example.org/photo.jpg",
    }  # fmt: skip
    made = post(client, desk, **person, description="垃圾，电话13812345678")
    assert made.status_code == 201
    with desk.store.owner.connect() as owner:
        for table in ("cases", "log", "events", "case_facts"):
            kept = " ".join(owner.execute(text(f"SELECT to_jsonb(t)::text FROM {table} t")).scalars())
            for value in person.values():
                assert value not in kept, (table, value)
        assert owner.execute(text("SELECT text FROM cases")).scalar_one() == "垃圾，电话***"


def test_a_description_is_free_text_of_4000_characters(client: TestClient, desk: Desk):
    """Clause "description": may contain line breaks; limited to 4,000 characters."""
    assert post(client, desk, description="字\n" * 2000).status_code == 201
    assert "4000" in refused(post(client, desk, description="字" * 4001), 400)


def test_a_body_that_is_no_form_in_utf_8_is_refused(client: TestClient):
    """Clause "General Service Error": 400 for any failure during create request processing."""
    answer = client.post(f"{BASE}/requests.json", content=b"description=\xff\xfe%FF")
    assert answer.status_code in (400, 403)
    refused(client.post(f"{BASE}/requests.json", content=b"description=%FF&api_key=x"), 400)


# GET service_request_id from a token -----------------------------------------------------------------------


def test_no_token_was_ever_given(client: TestClient):
    """Clause "GET service_request_id from a token", errors: 404 not found, 400 not provided."""
    assert "token" in refused(client.get(f"{BASE}/tokens/123456.json"), 404)
    assert "token" in refused(client.get(f"{BASE}/tokens/.json"), 400)


# GET Service Requests --------------------------------------------------------------------------------------


def test_a_request_has_all_fields_of_the_response(client: TestClient, desk: Desk):
    """Clause "GET Service Requests", Response."""
    post(client, desk)
    (row,) = listed(client, desk)
    assert set(row) == {
        "service_request_id", "status", "status_notes", "service_name", "service_code", "description",
        "agency_responsible", "service_notice", "requested_datetime", "updated_datetime",
        "expected_datetime", "address", "address_id", "zipcode", "lat", "long", "media_url",
    }  # fmt: skip
    assert (row["status"], row["service_code"], row["service_name"]) == ("open", "E0102", "暴露垃圾")
    assert (row["long"], row["lat"]) == pytest.approx(IN_FIRST)


def test_ids_override_all_other_arguments(client: TestClient, desk: Desk):
    """Clause "service_request_id": comma delimited; this overrides all other arguments."""
    one, two, old = *dated(desk, 1, 2), *dated(desk, 200)
    assert ids(listed(client, desk, service_request_id=f"{one},{old}", status="closed", page=9,
                      service_code="E0104", start_date="nonsense")) == [one, old]  # fmt: skip
    assert ids(listed(client, desk, service_request_id=f" {two} , 999")) == [two]


def test_services_are_filtered_by_code(client: TestClient, desk: Desk):
    """Clause "service_code": defaults to all; can be declared multiple times, comma delimited."""
    for code in ("E0101", "E0102", "E0104"):
        desk.report(category=code)
    found = listed(client, desk, service_code="E0101,E0104")
    assert sorted(row["service_code"] for row in found) == ["E0101", "E0104"]
    assert len(listed(client, desk)) == 3
    assert listed(client, desk, service_code="nope") == []


def test_without_dates_the_most_recent_90_days_are_told(client: TestClient, desk: Desk):
    """Clause "start_date", "end_date": when not specified, the range defaults to most recent 90 days."""
    recent, *_ = dated(desk, 89, 91, 200)
    assert ids(listed(client, desk)) == [recent]


def test_dates_may_not_span_more_than_90_days(client: TestClient, desk: Desk):
    """Clause "start_date", "end_date": may not span more than 90 days."""
    key = {"api_key": desk.tokens["viewer"]}
    for days, status in ((90, 200), (91, 400)):
        end = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=days)
        query = {"start_date": "2026-01-01T00:00:00Z", "end_date": end.isoformat()}
        assert client.get(f"{BASE}/requests.json", params={**query, **key}).status_code == status


def test_both_ends_of_a_range_are_in_it_and_one_end_makes_90_days(client: TestClient, desk: Desk):
    """Clause "start_date": earliest datetime to include; "end_date": latest datetime to include."""
    number, *_ = dated(desk, 100)
    with desk.store.owner.connect() as owner:
        at = owner.execute(text("SELECT reported_at FROM cases")).scalar_one()
    exact = at.isoformat()
    assert ids(listed(client, desk, start_date=exact, end_date=exact)) == [number]
    assert ids(listed(client, desk, start_date=exact)) == [number]
    assert ids(listed(client, desk, end_date=exact)) == [number]
    after = (at + timedelta(microseconds=1)).isoformat()
    assert listed(client, desk, start_date=after) == []
    assert listed(client, desk, end_date=(at + timedelta(days=91)).isoformat()) == []


@pytest.mark.parametrize(
    "query",
    [{"start_date": "2026-01-01"}, {"end_date": "2026-01-01T00:00:00"}, {"start_date": "yesterday"},
     {"start_date": "0001-01-01T00:00:00+14:00"}, {"start_date": "9999-12-31T00:00:00Z"},
     {"start_date": "2026-02-01T00:00:00Z", "end_date": "2026-01-01T00:00:00Z"},
     {"status": "resolved"}, {"status": "open,done"}, {"page": "0"}, {"page": "x"}, {"page_size": "1001"},
     {"page": "٣"}, {"updated_after": "now"}],
)  # fmt: skip
def test_bad_input_is_a_400_that_says_what_is_wrong_and_never_a_500(
    client: TestClient, desk: Desk, query: dict[str, str]
):
    """Clause "Must use w3 format"; "Errors": basically 400 for any other error."""
    answer = client.get(f"{BASE}/requests.json", params={**query, "api_key": desk.tokens["viewer"]})
    assert any(name in refused(answer, 400) for name in query)


def test_status_is_open_or_closed(client: TestClient, desk: Desk):
    """Clause "status": open, closed; defaults to all; comma delimited. Closed tells when it was closed."""
    open_one, refused_one = desk.report()["number"], desk.report()["number"]
    desk.take(refused_one, ("dispatcher", "refuse", {"note": "无", "reason": "not_found"}))
    assert ids(listed(client, desk, status="open")) == [open_one]
    (closed,) = listed(client, desk, status="closed")
    assert (closed["service_request_id"], closed["status"]) == (refused_one, "closed")
    with desk.store.owner.connect() as owner:
        at = owner.execute(text("SELECT closed_at FROM cases WHERE number = :n"), {"n": refused_one})
        assert closed["updated_datetime"] == at.scalar_one().strftime("%Y-%m-%dT%H:%M:%SZ")
    assert len(listed(client, desk, status="open,closed")) == 2


def test_a_duplicate_says_of_which(client: TestClient, desk: Desk):
    """Clause "status_notes": explanation of why status was changed to current state."""
    first, second = desk.report()["number"], desk.report()["number"]
    desk.take(second, ("dispatcher", "mark_duplicate", {"of": first}))
    (closed,) = listed(client, desk, status="closed")
    assert closed["status_notes"] == f"duplicate of {first}"


def test_at_most_1000_are_told_the_newest_first_and_a_page_past_the_end_is_empty(
    client: TestClient, desk: Desk
):
    """Clause "Response Volume": first 1000 requests. Extension "Pagination": page and page_size."""
    numbers = dated(desk, *(day / 10 for day in range(1, 8)))
    pages = [ids(listed(client, desk, page=page, page_size=3)) for page in (1, 2, 3, 4, 1_000_000)]
    assert pages == [numbers[:3], numbers[3:6], numbers[6:], [], []]
    assert asked({}, NOW).page_size == 1000


def test_updated_after_follows_what_changed_however_old_it_is(client: TestClient, desk: Desk):
    """Extension "updated_after" (open311.github.io#4)."""
    old, *_ = dated(desk, 200, 201)
    with desk.store.owner.connect() as owner:
        seen = owner.execute(text("SELECT max(updated_at) FROM cases")).scalar_one().isoformat()
    assert listed(client, desk, updated_after=seen) == []
    desk.take(old, ("dispatcher", "accept"))
    assert ids(listed(client, desk, updated_after=seen)) == [old]
    assert ids(listed(client, desk, updated_after=seen, updated_before=seen)) == []


def test_a_plus_that_was_not_escaped_is_read():
    """Clause "Date/time format": an HH:MM offset from UTC."""
    read = asked({"start_date": "2026-11-01T08:00:00 08:00"}, NOW)
    assert read.start == datetime(2026, 11, 1, tzinfo=UTC)
    with pytest.raises(AskedWronglyError):
        asked({"service_request_id": ",".join(map(str, range(2000)))}, NOW)


# GET Service Request ---------------------------------------------------------------------------------------


def test_one_request_by_its_id(client: TestClient, desk: Desk):
    """Clause "GET Service Request": the id in the path; 404 for resources that don't exist."""
    number = desk.report()["number"]
    key = {"api_key": desk.tokens["viewer"]}
    (row,) = client.get(f"{BASE}/requests/{number}.json", params=key).json()
    assert row["service_request_id"] == number
    refused(client.get(f"{BASE}/requests/999.json", params=key), 404)
    top = ElementTree.fromstring(client.get(f"{BASE}/requests/999.xml", params=key).content)
    assert (top.tag, top.findtext("error/code")) == ("errors", "404")


# Who sees what ---------------------------------------------------------------------------------------------


def test_without_a_key_nothing_is_told_but_what_an_area_shows_and_that_without_text_and_exact_place(
    client: TestClient, desk: Desk
):
    """Clause "Requires API Key: No" - of what is public; a street decides that for itself."""
    _, token = add_person(desk.store, "admin", ("admin", desk.street))
    number = desk.report(lon=120.00034567, lat=33.0004321, address="朝阳路7号")["number"]
    desk.report(category="X9001")
    desk.report(mode="drill")
    assert listed(client, desk, who=None) == []
    refused(client.get(f"{BASE}/requests/{number}.json"), 404)
    path = f"/api/v1/divisions/{desk.street}/publication"
    assert (
        client.put(path, json={"published": True}, headers=bearer(desk.tokens["dispatcher"])).status_code
        == 403
    )
    assert client.put(path, json={"published": True}, headers=bearer(token)).json()["holds"] is True
    (row,) = listed(client, desk, who=None)
    assert (row["service_request_id"], row["description"], row["address"]) == (number, None, None)
    assert (row["long"], row["lat"]) == (120.0, 33.0)
    assert client.put(path, json={"published": False}, headers=bearer(token)).json()["holds"] is False
    assert listed(client, desk, who=None) == []


def test_a_key_shows_the_cases_of_its_account_and_a_wrong_one_none(client: TestClient, desk: Desk):
    """Clause "General Errors": 403 - missing or invalid API key."""
    post(client, desk)
    desk.report()
    assert len(listed(client, desk, who="reporter")) == 1
    assert len(listed(client, desk, who="viewer")) == 2
    refused(client.get(f"{BASE}/requests.json", params={"api_key": "wrong"}), 403)
