"""Examples of the OpenAPI document: one body for each schema that a request or an answer has."""

from __future__ import annotations

from typing import Any

_PLAN, _VERSION = "7f1c2f6e-3f0b-4b0e-9d55-0c5d8a3c1f10", "0b8f6f0e-6a55-4a0e-8d0a-5f2f3d1f7c21"
_UPLOAD, _JOB = "c3a4a9a2-0c53-4a5b-9b59-3d7a0f1f2e32", "5d0c6b8a-1f1e-4f6a-8f3f-2b7c9d4e5f43"
_AT, _LATER = "2026-11-26T08:00:00Z", "2027-02-24T08:00:00Z"
_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_POINT = {"type": "Point", "coordinates": [119.2215, 34.6005]}
_OUTLINE = {
    "type": "Polygon",
    "coordinates": [[[119.22, 34.6], [119.223, 34.6], [119.223, 34.602], [119.22, 34.602], [119.22, 34.6]]],
}
_AREA = {"id": 1, "level": "all", "code": "all", "name": None}
_LAYER: dict[str, Any] = {"upload": _UPLOAD}
_USER = {"id": 7, "name": "zhou.planner", "disabled": False, "created_at": _AT}
_TOKEN = {
    "id": 12, "label": "wall", "created_at": _AT, "used_at": _AT, "expires_at": _LATER, "revoked_at": None,
}  # fmt: skip
_DIVISION = {
    "id": 4, "parent_id": 3, "level": "street", "code": "320706001", "name": "朝阳街道", "revision": 1,
}  # fmt: skip
_VERSION_OUT = {
    "id": _VERSION, "number": 3, "plan_id": _PLAN, "community_id": 5, "parent_id": None, "state": "draft",
    "valid_from": None, "valid_to": None, "min_households": 50, "max_households": 100, "revision": 1,
    "grids": 19, "households": 1503, "unassigned_units": 0, "created_at": _AT, "submitted_at": None,
    "published_at": None,
}  # fmt: skip
_MEASURES = {
    "version": _VERSION, "units": 208, "households": 1503, "grids": 19, "in_band": 18, "too_small": 0,
    "too_large": 1, "exempt": 0, "unassigned_units": 0, "unassigned_households": 0, "compactness": 0.43,
    "split_compounds": 1,
}  # fmt: skip
_STATION = {
    "station_id": "HY-001", "name": "朝阳红色驿站", "type": "红色驿站", "facilities": ["饮水"],
    "opening_hours": "08:30-18:00",
}  # fmt: skip
_JUDGED = {
    **_STATION, "id": 3, "community": "320706001001", "community_name": "朝阳社区", "revision": 1,
    "is_open": True, "until": "2026-11-27T18:00:00+08:00", "hours_read": True, "checklist": "jianhu-A",
    "items": [{"item": "water", "name": "饮水", "state": "grey", "checked_on": "2026-09-01"}],
}  # fmt: skip
_CHECKLIST = {
    "edition": "street-2027", "name": "八个一", "source": "unverified", "begins": "2027-01-01",
    "types": ["暖心驿站"], "checked_within_days": 30, "in_each_grid": False,
    "items": [{"item": "water", "name": "饮水机", "words": ["饮水"]}],
}  # fmt: skip
_JOB_OUT = {
    "id": _JOB, "kind": "check", "division_id": 4, "state": "running", "stage": "partition", "done": 3,
    "total": 12, "cancel_requested": False, "attempts": 1, "result": None, "has_file": False,
    "problem": None, "created_at": _AT, "started_at": _AT, "finished_at": None,
}  # fmt: skip
_UPLOAD_OUT = {
    "id": _UPLOAD, "name": "units.gpkg", "n_bytes": 184320, "sha256": _SHA256,
    "layers": [{"name": "units", "features": 208, "columns": ["unit_id", "households"], "crs": "EPSG:4490",
                "has_geometry": True}],
    "created_at": _AT,
}  # fmt: skip

_CASE: dict[str, Any] = {
    "number": "3209242611260000042", "kind": "incident", "edition": "unverified-A", "category": "E0402",
    "category_name": "自来水管破裂", "condition": None, "state": "dispatched", "area": "320924001001",
    "community_id": 5, "version": _VERSION, "grid": "320924001001003", "choices": [], "place": "point",
    "accuracy_m": 8.0, "channel": "courier", "external_number": None, "mode": "routine",
    "text": "建华园2号楼前水管破裂，路面积水", "address": None, "reported_at": _AT, "responded_at": _AT,
    "filed_at": _AT, "handled_at": None, "closed_at": None, "response_due_at": _AT, "due_at": _LATER,
    "parked_until": None, "holder": "自来水公司", "receivers": ["自来水公司"], "visit": None, "reworks": 0,
    "reopenings": 0, "extensions": 0, "exceptions": [], "duplicate_of": None, "rework_of": None,
    "revision": 3, "updated_at": _AT,
}  # fmt: skip
_CASE_FEATURE = {"type": "Feature", "id": _CASE["number"], "geometry": _POINT, "properties": _CASE}

# By the name of the schema; of a feature the properties, with its id and geometry below.
_OF: dict[str, Any] = {
    "Acceptance": {"note": "施工中，明年入住"},
    "AuditEntry": {
        "id": 31, "at": _AT, "actor": 7, "area": 5, "action": "version.published",
        "body": {"version": _VERSION, "valid_from": "2026-12-01"}, "hash": _SHA256,
    },
    "Call": {"dial": "tel:05188541****"},
    "Contact": {"can_call": True},
    "ContactIn": {"phone": "0518-8541****"},
    "IntakeIn": {"reporters": True, "anonymous": True},
    "IntakeOut": {
        "division_id": 4, "code": "320706001", "name": "朝阳街道", "reporters": True, "anonymous": True,
    },
    "NearbyReport": {
        "distance_m": 30, "category_name": "自来水管破裂", "state": "handling", "days_ago": 1,
    },
    "PhotoOut": {
        "id": _UPLOAD, "width": 2048, "height": 1536, "n_bytes": 412_333, "state": "reported",
        "added_at": _AT, "sha256": _SHA256,
    },
    "ReportIn": {
        "category": "E0402", "text": "建华园2号楼水管爆裂", "lon": 119.2215, "lat": 34.6005,
        "accuracy_m": 8.0,
    },
    "ReportReceipt": {"number": _CASE["number"], "created": True, "reported_at": _AT},
    "CaseAccount": {
        "stages": [
            {"name": "collect", "standing": "done", "at": _AT},
            {"name": "report", "standing": "done", "at": _AT},
            {"name": "dispatch", "standing": "current", "at": None},
            *({"name": name, "standing": "ahead", "at": None}
              for name in ("handle", "verify", "close", "appraise")),
        ],
        "response": {"due_at": _AT, "met_at": _AT, "limit": None},
        "resolution": {"due_at": _LATER, "met_at": None, "limit": "5 个工作日"}, "stands_still": None,
        "why": ["自2026年11月26日（周四）16:00起计时，时限为 5 个工作日。"], "agrees": True,
        "clock": "working_days", "held": [{"party": "desk", "holder": "", "held_s": 240, "counted_s": 240}],
        "first_receiver": None, "departments": ["自来水公司"],
    },
    "CaseDetail": {
        "case": _CASE_FEATURE,
        "log": [{"seq": 3, "at": _AT, "step": "dispatch", "by": None,
                 "body": {"from": "accepted", "state": "dispatched", "to": "自来水公司"}, "hash": _SHA256}],
        "allowed": [{"step": "transfer", "to_state": "dispatched", "needs": ["to", "note"], "reasons": [],
                     "is_exception": False}],
        "duplicates": [],
    },
    "CaseIn": {
        "category": "E0402", "text": "建华园2号楼前水管破裂，路面积水", "lon": 119.2215, "lat": 34.6005,
        "accuracy_m": 8.0, "channel": "courier",
    },
    "CaseProperties": _CASE,
    "CaseReceipt": {
        "number": _CASE["number"], "created": True, "state": "reported", "revision": 1, "place": "point",
        "area": "320924001001", "community_id": 5, "grid": None,
        "question": ["320924001001003", "320924001001004"], "reported_at": _AT, "response_due_at": _AT,
        "due_at": _LATER,
    },
    "EditionOut": {
        "edition": "unverified-A", "source": "unconfirmed",
        "categories": [{
            "code": "E0402", "large_code": "E04", "large_name": "突发事件", "small_name": "自来水管破裂",
            "kind": "incident",
            "conditions": [{"number": 1, "filing": "", "closing": "", "unit": "", "department": "",
                            "limit": "5工作日"}],
        }],
    },
    "DutyIn": {
        "division_id": 5, "grid": "320924001001003", "place": "A", "user_id": 7, "starts_at": _AT,
        "ends_at": "2026-11-26T20:00:00Z",
    },
    "DutyOut": {
        "id": 4, "area": "320924001001", "grid": "320924001001003", "place": "A", "user_id": 7,
        "starts_at": _AT, "ends_at": "2026-11-26T20:00:00Z",
    },
    "GapOut": {
        "area": "320924001001", "grid": "320924001001003", "missing": ["B"], "starts_at": _AT,
        "ends_at": "2026-11-26T20:00:00Z",
    },
    "JointActionIn": {
        "division_id": 4, "title": "占道经营联合整治", "day": "2026-11-26",
        "departments": ["城管中队", "派出所"], "cases": [_CASE["number"]],
    },
    "JointActionOut": {
        "id": 2, "area": "320706001", "title": "占道经营联合整治", "day": "2026-11-26",
        "departments": ["城管中队", "派出所"], "cases": [_CASE["number"]],
    },
    "JointFigures": {"department": "城管中队", "cases": 12, "share": 6.5},
    "MeetingIn": {
        "division_id": 5, "day": "2026-11-10", "kind": "estate_day", "present": 23,
        "items": [{"case": _CASE["number"], "outcome": "decided", "note": "周五前修好"}],
    },
    "MeetingItemIn": {"case": _CASE["number"], "outcome": "decided", "note": "周五前修好"},
    "MeetingOut": {
        "id": 4, "area": "320706001001", "day": "2026-11-10", "kind": "estate_day", "present": 23, "note": "",
        "corrects": None, "corrected_by": None, "set_by": 7, "set_at": _AT,
        "items": [
            {"case": _CASE["number"], "outcome": "decided", "note": "周五前修好", "state": "dispatched"},
        ],
    },
    "MeetingFigures": {
        "kind": "estate_day", "meetings": 11, "present": 260, "decided": 31, "put_off": 9, "sent_on": 6,
    },
    "VisitIn": {
        "division_id": 5, "day": "2026-11-26", "topic": "fire_safety", "households": 40, "demands": 3,
        "settled": 2,
    },
    "VisitOut": {
        "id": 6, "area": "320924001001", "grid": "", "day": "2026-11-26", "topic": "fire_safety",
        "households": 40, "demands": 3, "settled": 2, "reverses": None,
    },
    "VisitFigures": {"topic": "fire_safety", "rounds": 9, "households": 360, "demands": 21, "settled": 17},
    "GridVisitsOut": {
        "grids": [{"area": "320924001001", "grid": "320924001001003", "households": 92, "rounds": 2,
                   "visited": 71, "demands": 4, "settled": 3, "last_day": "2026-11-26"}],
        "elsewhere": {"rounds": 0, "visited": 0, "demands": 0, "settled": 0},
    },
    "PointsIn": {"division_id": 4, "team": "骑手服务队", "user_id": 7, "points": 5, "reason": "report"},
    "PointsOut": {
        "id": 11, "area": "320706001", "team": "骑手服务队", "points": 5, "reason": "report",
        "case_number": None, "reverses": None, "set_at": _AT,
    },
    "Points": {"total": 0, "entries": []},
    "TeamPoints": {"area": "320706001", "team": "骑手服务队", "points": 120, "accounts": 6},
    "FieldOut": {
        "table": "cases", "column": "text", "purpose": "说明发生了什么、在哪里", "basis": "法定职责",
        "kept": "随案件保存", "review_by": "2027-12-31", "asked": True,
    },
    "BurdenOut": {"channel": "courier", "reports": 40, "fields_per_report": 3.2, "steps_per_report": 5.1},
    "FilledOut": {"channel": "courier", "reports": 40, "steps_per_report": 5.1,
                  "filled": {"category": 40, "lon": 38, "text": 31, "address": 12}},
    "PublicationIn": {"published": True},
    "PublicationOut": {"division_id": 4, "published": True, "holds": True},
    "PlacesOut": {
        "decided": True,
        "candidates": [{
            "kind": "building", "name": "秦东门大街68号楼", "score": 1.0, "rests_on": ["name", "number"],
            "communities": ["320706001007"],
            "community_names": ["秦东门社区居委会"], "lon": 119.2215, "lat": 34.6005, "accuracy_m": 21.3,
            "geometry": _OUTLINE,
        }],
    },
    "RuleIn": {
        "division_id": 4, "position": 10, "name": "夜间水管破裂", "categories": ["E0402"], "hours": "off",
        "department": "自来水公司", "automatic": True,
    },
    "RuleOut": {
        "id": 3, "position": 10, "name": "夜间水管破裂", "area": "320706001", "categories": ["E0402"],
        "modes": [], "hours": "off", "time_from": None, "time_to": None, "department": "自来水公司",
        "automatic": True,
    },
    "SuggestionOut": {
        "rule": 3, "name": "夜间水管破裂", "area": "320706001", "department": "自来水公司", "automatic": True,
        "duty_desk": "320706001", "passed": [{"rule": 1, "name": "暴露垃圾", "misfit": "category"}],
    },
    "WhistleIn": {
        "level": "community", "calls": [{"department": "自来水公司", "minutes": 30}], "note": "路面塌陷",
    },
    "WhistleOut": {
        "id": 8, "case": _CASE["number"], "category_name": "路面破损", "area": "320924001001",
        "grid": "320924001001003", "state": "dispatched", "is_open": True, "rating": None, "note": "路面塌陷",
        "blown_by": 7, "blown_at": _AT,
        "calls": [{"id": 12, "department": "自来水公司", "level": "community", "called_at": _AT,
                   "first_due_at": _AT, "due_at": _AT, "escalations": 0, "reported_in_at": _AT,
                   "reported_in_note": "已到现场", "done_at": None, "done_note": None, "released_at": None,
                   "released_note": None, "may_answer": True, "may_release": False}],
    },
    "AnswerIn": {"note": "已到现场"},
    "WhistleBoard": {"counts": {"waiting": 0, "late": 0, "there": 0, "ended": 0}, "whistles": []},
    "DepartmentFigures": {
        "department": "自来水公司", "calls": 14, "reported_in": 13, "on_time": 12, "escalated": 1,
        "median_s": 1260.0,
    },
    "OfferIn": {"claim_hours": 72},
    "OfferOut": {
        "id": 5, "case": _CASE["number"], "area": "320924001001", "category": "X9001",
        "text": "想要一盏楼道灯", "grid": "320924001001003", "claim_hours": 72, "offered_at": _AT,
        "column": "open", "team": None, "lapses_at": None, "lapsed": 0, "rating": None,
    },
    "Board": {"counts": {"open": 0, "claimed": 0, "done": 0, "rated": 0, "withdrawn": 0}, "offers": []},
    "ClaimIn": {"team": "骑手服务队"},
    "ModeIn": {"division_id": 4, "mode": "emergency", "note": "防汛三级响应"},
    "ModeOut": {"id": 2, "area": "320706001", "mode": "emergency", "note": "防汛三级响应",
                "set_by": 7, "set_at": _AT, "stands": True},
    "StandingMode": {"area": "320706001", "name": "新浦街道", "mode": "emergency", "set_at": _AT},
    "StandingModes": {
        "mode": "emergency",
        "areas": [{"area": "320706001", "name": "新浦街道", "mode": "emergency", "set_at": _AT}],
    },
    "CaseCount": {"count": 312, "most": 10_000},
    "NearbyCase": {"distance_m": 12.4, "case": _CASE_FEATURE},
    "StepIn": {"step": "dispatch", "to": "自来水公司"},
    "ClustersOut": {
        "as_of": 512, "cells_x": [3404, 3405], "cells_y": [1630, 1630], "per_world": 4096.0, "total": 8,
        "unmapped": 1, "in_box": 7,
        "clusters": [
            {"x": 3404, "y": 1630, "lon": 119.2215, "lat": 34.6005, "n": 7, "overdue": 2, "soon": 1},
        ],
    },
    "IndicatorEditionOut": {
        "name": "tianmen-2016", "place": "天门", "source": "hbcic.net.cn/info/wcm/74587.htm",
        "unconfirmed": [], "places": 2, "rule": "month", "first_day": 1,
        "indicators": [{
            "name": "closing", "numerator": "closed", "numerator_means": "due_to_close and closed_at < end",
            "denominator": "due_to_close",
            "denominator_means": "in_force and start <= close_due_at < end",
        }],
    },
    "FiguresOut": {
        "edition": "tianmen-2016", "start": "2016-11-30T16:00:00Z", "end": "2016-12-31T16:00:00Z",
        "figures": [{
            "name": "closing", "numerator": 911, "denominator": 972, "left_out": 61, "percent": "93.72",
            "points": None,
        }],
        "sums": [{"whole": "closed", "cases": 911,
                  "parts": {"closed_on_time": 737, "closed_late": 174, "closed_exempt": 0}}],
    },
    "BehindOut": {
        "number": "3209242611260000042", "area_id": 5, "grid": "320924001001003", "category": "E0402",
        "department": "自来水公司", "state": "closed", "reported_at": _AT, "due_at": _LATER,
        "closed_at": _AT,
    },
    "AgendaOut": {
        "reopened": [], "reworked": [], "parked": [], "extended": [],
        "overdue": [{
            "number": "3209242611260000042", "area_id": 5, "grid": "320924001001003", "category": "E0402",
            "state": "handling", "reported_at": _AT, "due_at": _AT,
        }],
    },
    "BoardOut": {
        "name": "5", "reported": 64, "closed": 52, "open": 12, "due_within": 62, "closed_within": 49,
        "share_within": 0.79, "mean_s": 103680.0, "median_s": 86400.0, "rated": 31, "mean_rating": 4.4,
        "mean_s_before": 118800.0,
        "reported_before": 58,
    },
    "ThemeOut": {"category": "E0402", "cases": 85, "areas": {"5": 60, "6": 25}},
    "RecurringOut": {
        "closed": 52, "without_place": 3, "came_back": 1, "undecided": 30, "stayed": 18,
        "listed": [{
            "number": "3209242611260000042", "closed_at": _AT, "area_id": 5, "grid": "320924001001003",
            "category": "E0402", "again": "3209242611260000077", "again_at": _LATER, "distance_m": 12.4,
        }],
    },
    "ScoresOut": {
        "card": "property-A", "source": "unconfirmed", "full_points": 100, "red_from": 90, "black_below": 60,
        "least_cases": 3,
        "companies": [{
            "company": "安居物业", "cases": 6, "points": 60, "listed": "neither",
            "lines": [{"name": "handling_overdue", "count": "handling_overdue", "cases": 6, "each": -8,
                       "most": 40, "points": -40}],
        }],
    },
    "ListedOut": {
        "number": "3209242611260000042", "area_id": 5, "grid": "320924001001003", "category": "E0402",
        "state": "handling", "reported_at": _AT, "due_at": _LATER,
    },
    "HeatOut": {"in_box": 7, "points": [[119.2215, 34.6005, 7]]},
    "SummaryOut": {
        "as_of": 512, "at": _AT, "open": 8, "overdue": 2, "soon": 1, "unanswered": 0, "unmapped": 1,
        "reported_today": 3, "closed_today": 5, "by_state": {"reported": 3, "handling": 5},
        "extent": [119.21, 34.59, 119.24, 34.61],
    },
    "LateOut": {
        "as_of": 512, "total": 1,
        "cases": [{
            "number": "3209242611260000042", "state": "handling", "category": "E0402",
            "category_name": "自来水管破裂", "kind": "incident", "community_id": 5, "area": "320924001001",
            "area_name": "建华社区", "grid": "320924001001003", "holder": "自来水公司", "lon": 119.2215,
            "lat": 34.6005, "reported_at": _AT, "due_at": _AT,
        }],
    },
    "WallNoteIn": {"number": "3209242611260000042", "said": "mute", "minutes": 30, "note": "已派抢修"},
    "WallNote": {
        "number": "3209242611260000042", "said": "mute", "note": "已派抢修", "until": _LATER, "at": _AT,
    },
    "CommunityProperties": {
        "id": 5, "code": "320706001001", "name": "朝阳社区", "households": 1503, "units": 208,
        "published_version": _VERSION, "revision": 1,
    },
    "DivisionChange": {"name": "朝阳街道"},
    "ScenarioIn": {
        "changes": [
            {"day": "2027-06-30", "lon": 119.2215, "lat": 34.6005, "households": 170, "note": "三期交付"},
            {"day": "2027-09-01", "unit_id": "B12-1", "note": "拆除"},
        ]
    },
    "ScenarioOut": {
        "revision": 4,
        "changes": [{"day": "2027-09-01", "households": None, "unit_id": "B12-1", "lon": None, "lat": None,
                     "note": "拆除"}],
        "steps": [{"day": "2027-09-01", "code": "320924001001007", "before": 62, "after": 44,
                   "status_before": "ok", "status": "too_small", "changes": [0]}],
        "fault": None,
    },
    "HypothesisIn": {"day": "2027-09-01"},
    "HypothesisOut": {
        "changes": [{"code": "320924001001006", "before": 70, "after": 53},
                    {"code": "320924001001007", "before": 44, "after": 61},
                    {"code": None, "before": 0, "after": 60}],
        "moved_households": 17, "new_households": 60, "left": {}, "unit_ids": ["B13-1"],
        "houses": [{"lon": 119.2215, "lat": 34.6005, "households": 60, "to": None}],
    },
    "DivisionOfUnit": {
        "unit_id": "B144-1",
        "floors": [
            {"lowest": 1, "highest": 16, "households": 64}, {"lowest": 17, "highest": 33, "households": 68},
        ],
        "note": "单元户数超过上限",
    },
    "DivisionIn": {"parent_id": 4, "level": "community", "code": "320706001002", "name": "新建社区"},
    "DivisionOut": _DIVISION,
    "ProposalIn": {"kind": "mend", "grids": ["320924001001007"], "max_moved": 60},
    "ProposalOut": {
        "revision": 4,
        "moves": [{"unit_ids": ["B12-1", "B12-2"], "to": "320924001001008", "new": False}],
        "changes": [
            {"code": "320924001001007", "before": 118, "after": 94},
            {"code": "320924001001008", "before": 61, "after": 85},
        ],
        "moved_households": 24,
        "left": {},
    },
    "ComparisonOut": {
        "before": _MEASURES, "after": {**_MEASURES, "version": _PLAN, "grids": 20, "in_band": 20},
        "moved_units": 9, "moved_households": 74, "renumbered_households": 0, "kept": 17, "changed": 2,
        "ended": 0, "new": 1, "only_before": {"units": 0, "households": 0},
        "only_after": {"units": 0, "households": 0}, "recounted_units": 0,
        "grids": [{
            "code": "320706001001020", "change": "new", "households_before": 0, "recounted": 0,
            "moved_out": 0, "left": 0, "moved_in": 74, "arrived": 0, "households_after": 74,
            "units_before": 0, "units_after": 9, "follows": "320706001001003",
        }],
        "flows": [{
            "from_code": "320706001001003", "to_code": "320706001001020", "units": 9, "households": 74,
        }],
    },
    "EditNote": {"note": "南门改建后并入"},
    "EditIn": {
        "action": "paint", "moves": [{"unit_ids": ["320706001001-0007-1"], "to": "320706001001003"}],
        "note": "靠近南门",
    },
    "EditOut": {
        "seq": 4, "version": {**_VERSION_OUT, "revision": 5},
        "touched": [{"code": "320706001001003", "households": 84, "units": 12, "status": "ok", "pieces": 1}],
        "new_grids": [],
    },
    "Events": {
        "events": [{"number": 120, "kind": "version.published", "at": _AT, "community_id": 5,
                    "body": {"version": _VERSION}}],
        "last": 120, "more": False,
    },
    "FindingOut": {
        "id": 9, "code": "households_left_out", "severity": "error", "grid": None,
        "unit_ids": ["320706001001-0007-1"], "details": {"households": 8},
        "text_zh": "8 户未划入任何网格：320706001001-0007-1。",
        "text_en": "8 households lie in no grid: 320706001001-0007-1.", "accepted_at": None,
        "accepted_note": None,
    },
    "Grant": {"role": "planner", "area": _AREA, "department": ""},
    "GrantIn": {"role": "planner", "division_id": 1},
    "GridProperties": {
        "code": "320706001001003", "community": "320706001001", "version": _VERSION, "name": None,
        "kind": "basic", "households": 84, "units": 12, "status": "ok", "reason": None, "area_m2": 6105.5,
        "compactness": 0.71,
    },
    "JobOut": _JOB_OUT,
    "JobList": {"jobs": [_JOB_OUT]},
    "LoggedEdit": {
        "seq": 4, "at": _AT, "by": "zhou.planner", "action": "paint", "body": {"note": "靠近南门"},
        "hash": _SHA256,
    },
    "Me": {
        "id": 7, "name": "zhou.planner",
        "grants": [{"role": "planner", "area": _AREA, "department": ""}], "csrf_token": None,
    },
    "NewLink": {"path": "/welcome/vHq1…", "expires_at": _LATER},
    "NewToken": {"id": 12, "token": "wg_vHq1…", "expires_at": _LATER},
    "PlanIn": {"name": "2027 年度规划", "copy_of": _VERSION},
    "PlanOut": {"id": _PLAN, "community_id": 5, "name": "2027 年度规划", "created_at": _AT},
    "PublishIn": {"valid_from": "2026-12-01"},
    "StationIn": {**_STATION, "lon": 119.2215, "lat": 34.6005},
    "StationProperties": {**_STATION, "id": 3, "community": "320706001001", "revision": 1},
    "JudgedStation": _JUDGED,
    "StationGaps": {
        "day": "2026-11-27", "without_checklist": 0,
        "stations": [{"type": "Feature", "id": 3, "geometry": _POINT, "properties": _JUDGED}],
        "grids": [{"type": "Feature", "id": "320706001001004", "geometry": _POINT, "properties": {
            "community": "320706001001", "grid": "320706001001004", "name": None, "households": 84,
        }}],
    },
    "CheckIn": {"day": "2026-11-27", "seen": [{"item": "water", "state": "broken", "note": "不制热"}]},
    "CheckOut": {
        "id": 1, "item": "water", "day": "2026-11-27", "state": "broken", "note": "不制热", "set_at": _AT,
    },
    "ChecklistIn": _CHECKLIST,
    "ChecklistOut": _CHECKLIST,
    "Nearest": {
        "at": _AT, "is_straight": False, "straight_because": None, "holidays_known": True,
        "is_outside": False, "shut": 1,
        "stations": [{
            "station_id": "HY-001", "name": "朝阳红色驿站", "type": "红色驿站", "facilities": ["饮水"],
            "lon": 119.2215, "lat": 34.6005, "minutes": 3.4, "metres": 227, "direction": "ne",
            "is_open": True, "until": "2026-11-27T18:00:00+08:00", "opening_hours": "08:30-18:00",
        }],
    },
    "Token": _TOKEN,
    "TokenIn": {"label": "wall", "days": 90},
    "UnitProperties": {
        "unit_id": "320706001001-0007-1", "households": 8, "building_id": "320706001001-0007",
        "compound_id": "c12", "address": "朝阳路 7 号 1 单元", "grid": "320706001001003",
    },
    "UploadOut": _UPLOAD_OUT,
    "UploadList": {"uploads": [_UPLOAD_OUT]},
    "User": _USER,
    "UserChange": {"disabled": True},
    "UserIn": {"name": "zhou.planner"},
    "VersionOut": _VERSION_OUT,
    "PlanJobIn": {
        "kind": "plan", "division_id": 4, "params": {"layers": {"units": _LAYER, "communities": _LAYER}},
    },
    "CheckJobIn": {
        "kind": "check", "division_id": 4, "params": {"layers": {"units": _LAYER, "grids": _LAYER}},
    },
    "MapJobIn": {"kind": "map", "division_id": 4, "params": {"plan": _LAYER}},
    "ImportJobIn": {"kind": "import", "division_id": 5, "params": {"grids": _LAYER, "version": _VERSION}},
    "StationsJobIn": {"kind": "stations", "division_id": 4, "params": {"stations": _LAYER}},
    "CasesJobIn": {"kind": "cases", "division_id": 4, "params": {"orders": _LAYER, "channel": "12345"}},
    "LoadJobIn": {"kind": "load", "division_id": 4, "params": {"plan": _LAYER, "valid_from": "2026-12-01"}},
}  # fmt: skip
_PLACES: dict[str, tuple[str | int, dict[str, Any]]] = {
    "CaseProperties": (_CASE["number"], _POINT),
    "CommunityProperties": (5, _OUTLINE),
    "GridProperties": ("320706001001003", _OUTLINE),
    "StationProperties": (3, _POINT),
    "JudgedStation": (3, _POINT),
    "UnitProperties": ("320706001001-0007-1", _POINT),
}
_REF = "#/components/schemas/"


def add_examples(document: dict[str, Any]) -> None:
    """Give every JSON body and answer of an OpenAPI document an example, where its schema has one here."""
    for path in document["paths"].values():
        for operation in path.values():
            answers = (answer for status, answer in operation["responses"].items() if status[0] == "2")
            for told in (operation.get("requestBody", {}), *answers):
                media = told.get("content", {}).get("application/json")
                example = None if media is None else _example(media.get("schema", {}))
                if media is not None and example is not None:
                    media["example"] = example


def _example(schema: dict[str, Any]) -> Any:
    if schema.get("type") == "array":
        item = _example(schema["items"])
        return None if item is None else [item]
    for choice in schema.get("oneOf", [])[:1]:
        return _example(choice)
    return _of(schema.get("$ref", "").removeprefix(_REF))


def _of(name: str) -> Any:
    """Return the example of a schema; those of pages and features are made of what they hold."""
    kind, _, rest = name.partition("_")
    if kind == "Page" and _of(rest.rstrip("_")) is not None:
        return {"items": [_of(rest.rstrip("_"))], "next": None}
    if kind == "Collection":
        return {"type": "FeatureCollection", "features": [_of(f"Feature_{rest}")], "next": None}
    if kind == "Feature":
        properties = rest.rstrip("_")
        identity, geometry = _PLACES[properties]
        return {"type": "Feature", "id": identity, "geometry": geometry, "properties": _of(properties)}
    return _OF.get(name)
