"""What a request of each route sends: its body, its query, and which version it is about."""

from __future__ import annotations

from collections.abc import Callable

REPORT = {"category": "E0102", "lon": 120.0005, "lat": 33.0005}
STATION = {"station_id": "s2", "name": "s2", "lon": 120.0005, "lat": 33.0005}
BODIES: dict[str, Callable[[dict], object]] = {
    "POST /users": lambda ids: {"name": "new"},
    "PATCH /users/{user_id}": lambda ids: {"disabled": True},
    "POST /users/{user_id}/grants": lambda ids: {"role": "planner", "division_id": ids["community_id"]},
    "POST /users/{user_id}/tokens": lambda ids: {"label": "sync"},
    "POST /divisions": lambda ids: {"parent_id": ids["street"], "level": "community", "code": "new"},
    "PATCH /divisions/{division_id}": lambda ids: {"name": "new"},
    "POST /communities/{community_id}/plans": lambda ids: {"name": "new"},
    "POST /versions/{version_id}/findings/{finding_id}/accept": lambda ids: {"note": "seen"},
    "POST /versions/{version_id}/edits": lambda ids: {
        "action": "paint", "moves": [{"unit_ids": ["u01"], "to": "320924001001002"}],
    },
    "POST /versions/{version_id}/divisions": lambda ids: {
        "unit_id": "u01", "floors": [
            {"lowest": 1, "highest": 2, "households": 10}, {"lowest": 3, "highest": 4, "households": 20},
        ],
    },
    "PUT /versions/{version_id}/scenario": lambda ids: {
        "changes": [{"day": "2027-06-30", "unit_id": "u01", "households": 90}],
    },
    "POST /versions/{version_id}/scenario/mending": lambda ids: {
        "day": "2027-06-30", "changes": [{"day": "2027-06-30", "unit_id": "u01", "households": 90}],
    },
    "POST /versions/{version_id}/edits/{seq}/note": lambda ids: {"note": "why"},
    "POST /versions/{version_id}/proposals": lambda ids: {"kind": "balance"},
    "POST /versions/{version_id}/publish": lambda ids: {"valid_from": "2026-01-01"},
    "POST /jobs": lambda ids: {
        "kind": "load", "division_id": ids["community_id"],
        "params": {"plan": {"upload": str(ids["upload_id"])}},
    },
    "POST /uploads": lambda ids: {},
    "POST /cases": lambda ids: REPORT,
    "POST /cases/{number}/steps": lambda ids: {"step": "note", "note": "seen"},
    "POST /cases/{number}/photos": lambda ids: {},
    "PUT /cases/{number}/contact": lambda ids: {"phone": "13900001111"},
    "PUT /intake/{division_id}": lambda ids: {"reporters": True, "anonymous": False},
    "POST /cases/{number}/whistles": lambda ids: {"calls": [{"department": "power"}]},
    "POST /cases/{number}/offer": lambda ids: {"claim_hours": 1},
    "POST /dispatch-rules": lambda ids: {
        "division_id": ids["community_id"], "position": 1, "name": "all", "department": "x",
    },
    "PUT /divisions/{division_id}/publication": lambda ids: {"published": True},
    "POST /duties": lambda ids: {
        "division_id": ids["community_id"], "place": "A", "user_id": ids["user_id"],
        "starts_at": "2027-02-01T00:00:00Z", "ends_at": "2027-02-01T08:00:00Z",
    },
    "POST /joint-actions": lambda ids: {
        "division_id": ids["community_id"], "title": "x", "day": "2026-11-26", "departments": ["a", "b"],
        "cases": [ids["number"]],
    },
    "POST /meetings": lambda ids: {
        "division_id": ids["community_id"], "day": "2026-11-10", "present": 12,
        "items": [{"case": ids["number"], "outcome": "put_off"}],
    },
    "POST /visits": lambda ids: {
        "division_id": ids["community_id"], "day": "2026-11-26", "topic": "x", "households": 1,
    },
    "POST /points": lambda ids: {
        "division_id": ids["community_id"], "team": "x", "user_id": ids["user_id"], "points": 1,
        "reason": "x",
    },
    "POST /modes": lambda ids: {"division_id": ids["community_id"], "mode": "drill", "note": "x"},
    **{
        f"POST /whistle-calls/{{call_id}}/{act}": lambda ids: {"note": "x"}
        for act in ("report-in", "done", "release")
    },
    "POST /offers/{offer_id}/claims": lambda ids: {"team": "water works"},
    "POST /wall/notes": lambda ids: {"number": ids["number"], "said": "acknowledge"},
    "POST /stations": lambda ids: STATION,
    "PUT /stations/{station_id}": lambda ids: STATION,
    "POST /stations/{station_id}/checks": lambda ids: {"seen": [{"item": "water", "state": "working"}]},
    "POST /stations/checklists": lambda ids: {
        "edition": "own-A", "name": "x", "begins": "2026-01-01", "types": ["x"], "checked_within_days": 30,
        "items": [{"item": "water", "name": "x", "words": ["x"]}],
    },
}  # fmt: skip
# Requests about another version than the draft: one that was handed in, one that no other was made from.
VERSIONS = {
    "POST /versions/{version_id}/withdraw": "submitted",
    "POST /versions/{version_id}/publish": "submitted",
    "DELETE /versions/{version_id}": "unused",
    "POST /versions/{version_id}/edits/{seq}/note": "unused",
}
QUERIES = {
    "GET /wall/clusters": {"bbox": "119.9,32.9,120.1,33.1", "zoom": "10"},
    "GET /wall/heat": {"bbox": "119.9,32.9,120.1,33.1", "zoom": "10"},
    "GET /indicators/cases": {"of": "closing"},
    "GET /cases/nearby": {"category": "E0102", "lon": 120.0005, "lat": 33.0005},
    **{
        f"GET {path}": {"division": 1}
        for path in (
            "/duties",
            "/joint-actions",
            "/joint-actions/figures",
            "/visits",
            "/visits/figures",
            "/visits/grids",
            "/meetings",
            "/meetings/figures",
        )
    },
    "GET /duties/gaps": {
        "division": 4,
        "starts_at": "2027-01-01T00:00:00Z",
        "ends_at": "2027-01-02T00:00:00Z",
    },
    "GET /burden": {
        "division": 1,
        "first": "2026-01-01T00:00:00Z",
        "before": "2027-01-01T00:00:00Z",
    },
    "GET /burden/fields": {
        "division": 1,
        "first": "2026-01-01T00:00:00Z",
        "before": "2027-01-01T00:00:00Z",
    },
    "GET /ground": {"bbox": "120,33,120.002,33.001"},
    "DELETE /cases/{number}/photos/{photo_id}": {"why": "a face"},
    "GET /places": {"q": "秦东门大街68号楼"},
    "POST /uploads": {"name": "units.json"},
    "GET /stations/download": {"format": "csv"},
    "GET /grids": {"bbox": "119,32,121,34"},
    "GET /versions/{version_id}/download": {"format": "geojson"},
    "GET /divisions/{division_id}/download": {"format": "geojson"},
}
