"""Every table of the service: its rule, a new row of it, and which of its rows are of an area.

The rules are in words of the field, not as the policies say it.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.api.rights.roles import ADMINS, DISPATCHERS, EVERYBODY, NOBODY, OVERSEERS, PLANNERS, READERS


@dataclass(frozen=True)
class Rule:
    """Which roles may read, add, change and remove rows; `anywhere` for what belongs to no area."""

    read: frozenset[str]
    add: frozenset[str] = NOBODY
    change: frozenset[str] = NOBODY
    remove: frozenset[str] = NOBODY
    anywhere: frozenset[str] = frozenset()

    def allows(self, operation: str, role: str, *, near: bool) -> bool:
        return role in getattr(self, operation) and (near or operation in self.anywhere)


PLANNED = Rule(READERS, PLANNERS, PLANNERS, PLANNERS)
GROUND_MAP = Rule(EVERYBODY, anywhere=frozenset({"read"}))
HIDDEN = Rule(NOBODY)

CASE_RULES = (
    "case_states", "case_steps", "case_editions", "case_categories", "case_conditions", "case_default_points",
)  # fmt: skip
LAYERS = ("roads", "water", "barriers", "gates", "compounds")
RULES = {
    "division_levels": GROUND_MAP,
    "divisions": Rule(READERS, ADMINS, ADMINS),
    **dict.fromkeys(("grounds", "units", "plans", "versions", "grids"), PLANNED),
    **dict.fromkeys(("assignments", "findings", "expected_changes", "stations"), PLANNED),
    # Everybody sees the map; who plans the communities that something lies in adds and removes it.
    **dict.fromkeys(LAYERS, Rule(EVERYBODY, PLANNERS, NOBODY, PLANNERS, anywhere=frozenset({"read"}))),
    "layer_changes": GROUND_MAP,
    # An account may be made before it has an area; it is seen and disabled by who administers its area.
    "users": Rule(OVERSEERS, ADMINS, ADMINS, anywhere=frozenset({"add"})),
    "grants": Rule(OVERSEERS, ADMINS, NOBODY, ADMINS),
    "keys": Rule(ADMINS, ADMINS, ADMINS),
    "log": Rule(READERS),
    "log of audit": Rule(OVERSEERS),
    **dict.fromkeys(("log_anchors", "version_numbers"), HIDDEN),
    "rate_counters": HIDDEN,
    # Other people's: an answer that is kept for a repeated request belongs to who sent it.
    "idempotency_keys": HIDDEN,
    # A load changes plans: planners start one; who administers there follows it too.
    "jobs": Rule(ADMINS, PLANNERS, ADMINS),
    "job_kinds": GROUND_MAP,
    # Other people's: an upload is seen by who sent it.
    "uploads": HIDDEN,
    # The rules of cases are for everybody to read; nobody writes cases but by the functions.
    **dict.fromkeys(CASE_RULES, GROUND_MAP),
    # A handler sees what his department has; see tests/api/cases/test_loop.py.
    "cases": Rule(READERS - {"handler"}),
    **dict.fromkeys(("case_facts", "case_photos"), Rule(READERS - {"handler"})),
    **dict.fromkeys(("case_intake", "case_publication"), Rule(READERS, ADMINS, ADMINS, ADMINS)),
    # Rules of an area are kept by who administers it; the rest is written by functions of dispatch.
    "dispatch_rules": Rule(READERS, ADMINS, ADMINS),
    "whistle_levels": GROUND_MAP,
    "duties": Rule(READERS, DISPATCHERS, DISPATCHERS),
    "joint_actions": Rule(READERS - {"handler"}, DISPATCHERS),
    **dict.fromkeys(("meetings", "meeting_items"), Rule(READERS - {"handler"})),
    "visit_counts": Rule(READERS, DISPATCHERS | {"grid_worker"}),
    # Others' points are seen by who gives them.
    "points": Rule(DISPATCHERS, DISPATCHERS),
    **dict.fromkeys(("area_modes", "offers", "claims"), Rule(READERS)),
    # A handler sees those of cases that his department has or was called to.
    **dict.fromkeys(("whistles", "whistle_calls"), Rule(READERS - {"handler"})),
    # By an edition all stations are judged: only who administers everything adds one.
    **dict.fromkeys(("checklists", "checklist_items"), GROUND_MAP),
    "station_checks": Rule(READERS, PLANNERS | {"grid_worker", "inspector"}),
    # Rows of an import wait here; whether they may come in is decided when they are filed.
    "case_arrivals": Rule(NOBODY, EVERYBODY, anywhere=frozenset({"add"})),
}  # fmt: skip
# Tables whose rules their own tests tell.
ELSEWHERE = {"events"}

# Ground of an area, and a place in it.
SQUARE = "ST_MakeEnvelope(:lon, 33, :lon + 0.1, 33.1, 4490)"
POINT = "ST_SetSRID(ST_MakePoint(:lon, 33), 4490)"
# A new row of each table, in an area; `:k` is a new text, `:n` a new number.
ADDED = {
    "division_levels": "(code, rank) VALUES (:k, :n)",
    "divisions": "(parent_id, level, code) VALUES (:area, 'community', :k)",
    "grounds": "(community_id, n_units, households, sha256, pair_left, pair_right, border_m, crosses, joins)"
    " VALUES (:area, 0, 0, sha256(convert_to(:k, 'UTF8')), '{}', '{}', '{}', '{}', '{}')",
    "units": "(ground_id, number, community_id, unit_id, households) VALUES (:ground, :n, :area, :k, 1)",
    "plans": "(community_id, name) VALUES (:area, :k)",
    "versions": "(plan_id, community_id, ground_id, min_households, max_households)"
    " VALUES (:plan, :area, :ground, 50, 100)",
    "grids": "(version_id, number, community_id, code, households, units, status)"
    " VALUES (:version, :n, :area, :k, 1, 1, 'ok')",
    "assignments": "(version_id, unit_number, grid_number, community_id, ground_id)"
    " VALUES (:version, 1, 0, :area, :ground)",
    "findings": "(version_id, community_id, code, severity) VALUES (:version, :area, :k, 'info')",
    "expected_changes": "(version_id, number, community_id, day, unit_id)"
    " VALUES (:version, :n, :area, '2027-01-01', :k)",
    "stations": f"(community_id, station_id, name, geom) VALUES (:area, :k, :k, {POINT})",
    "checklists": "(edition, name, source, begins, types, checked_within_days)"
    " VALUES (:k, :k, 'x', current_date, '{x}', 1)",
    "checklist_items": "(edition, position, item, name, words) VALUES ('sheyang-A', :n, 'x', :k, '{x}')",
    "station_checks": "(station_id, item, day, state, set_by)"
    " SELECT id, 'water', current_date, 'working', coalesce(actor(), :person) FROM stations"
    " WHERE community_id = :area LIMIT 1",
    **dict.fromkeys(LAYERS, f"(geom) VALUES ({SQUARE})"),
    "layer_changes": "(layer) VALUES (:k)",
    "users": "(name, created_by) VALUES (:k, actor())",
    "grants": "(user_id, role, division_id) VALUES (:person, 'planner', :area)",
    "keys": "(token_sha256, user_id, kind, created_by, expires_at)"
    " VALUES (sha256(convert_to(:k, 'UTF8')), :person, 'token', actor(), now() + interval '1 day')",
    "log": "(stream, chain, seq, at, community_id, action, body, previous, hash)"
    " VALUES ('edits', :k, 1, now(), :area, 'x', '{}', sha256('x'), sha256('y'))",
    "log of audit": "(stream, chain, seq, at, community_id, action, body, previous, hash)"
    " VALUES ('audit', :k, 1, now(), :area, 'x', '{}', sha256('x'), sha256('y'))",
    "log_anchors": "(stream, chain, seq, hash) VALUES ('audit', :k, 1, sha256('x'))",
    "version_numbers": "(community_id, last) VALUES (-:n, :n)",
    "rate_counters": "(key, n, expires_at) VALUES (:k, 1, now())",
    "idempotency_keys": "(user_id, key, request_sha256) VALUES (:person, :k, 'x')",
    "jobs": "(kind, area_id, created_by) VALUES ('load', :area, actor())",
    "job_kinds": "(kind, roles) VALUES (:k, '{}')",
    "uploads": "(user_id, name, sha256, n_bytes, layers) VALUES (:person, :k, sha256('x'), 1, '[]')",
    "case_states": "(state, party, is_open) VALUES (:k, 'desk', true)",
    "case_steps": "(step, from_state, to_state, roles, needs, reasons, others_than, effects, is_exception)"
    " VALUES (:k, '', 'reported', '{}', '{}', '{}', '{}', '{}', false)",
    "case_editions": "(edition, source) VALUES (:k, 'x')",
    "case_categories": "(edition, category, kind, large_code, large_name, small_name)"
    " VALUES ('unverified-A', :k, 'incident', '1', 'x', 'x')",
    "case_conditions": "(edition, category, number, filing, closing, unit, department)"
    " VALUES ('unverified-A', 'E0102', :n, '', '', '', '')",
    "case_default_points": f"(geom, note) VALUES ({POINT}, :k)",
    "cases": "(number, kind, edition, category, state, area_id, area, place, channel, text, reported_at)"
    " SELECT lpad(cast(:n AS text) || cast(:area AS text), 19, '0'), 'incident', 'unverified-A', 'E0102',"
    " 'reported', :area, path, 'area', 'desk', '', now() FROM divisions WHERE id = :area",
    "case_facts": "(case_id, area_id, state, reported_at, revision) VALUES (:k, :area, 'reported', now(), 1)",
    # The same photo again is another of another case only.
    "case_photos": "(case_id, sha256, width, height, n_bytes, state)"
    " SELECT id, sha256(convert_to(:k, 'UTF8')), 1, 1, 1, state FROM cases WHERE area_id = :area LIMIT 1",
    "case_intake": "(division_id, reporters)"
    " SELECT id, true FROM divisions WHERE parent_id = :area AND level = 'community'",
    "case_publication": "(division_id, published)"
    " SELECT id, true FROM divisions WHERE parent_id = :area AND level = 'community'",
    "dispatch_rules": "(division_id, position, name, department, created_by)"
    " VALUES (:area, 1, :k, 'x', actor())",
    "area_modes": "(division_id, mode, note) VALUES (:area, 'drill', 'x')",
    "duties": "(division_id, grid, place, user_id, starts_at, ends_at, set_by)"
    " VALUES (:area, :k, 'A', :person, now(), now() + interval '1 hour', coalesce(actor(), :person))",
    "joint_actions": "(division_id, title, day, departments, cases, set_by)"
    " SELECT :area, :k, current_date, '{a,b}', ARRAY[number], coalesce(actor(), :person)"
    " FROM cases WHERE area_id = :area",
    "meetings": "(division_id, day, kind, present, set_by)"
    " VALUES (:area, current_date, 'other', 1, coalesce(actor(), :person))",
    "meeting_items": "(meeting_id, position, case_number, outcome, note)"
    " SELECT m.id, 1, c.number, 'put_off', '' FROM meetings m JOIN cases c ON c.area_id = m.division_id"
    " WHERE m.division_id = :area LIMIT 1",
    "visit_counts": "(division_id, day, topic, households, set_by)"
    " VALUES (:area, current_date, 'x', 1, coalesce(actor(), :person))",
    "points": "(division_id, team, user_id, points, reason, set_by)"
    " VALUES (:area, :k, :person, 1, 'x', coalesce(actor(),"
    " (SELECT min(id) FROM users WHERE id <> :person)))",
    "whistle_levels": "(level, rank, wait_minutes, roles) VALUES (:k, :n, 1, '{}')",
    "whistles": "(case_number, area_id, area, note)"
    " SELECT number, area_id, area, '' FROM cases WHERE area_id = :area",
    "whistle_calls": "(whistle_id, department, level, first_due_at, due_at)"
    " SELECT id, :k, 'grid', now(), now() FROM whistles WHERE area_id = :area",
    "offers": "(case_number, area_id, area, category, text, claim_hours)"
    " SELECT number, area_id, area, category, '', 1 FROM cases WHERE area_id = :area",
    "claims": "(offer_id, team, lapses_at) SELECT id, :k, now() FROM offers WHERE area_id = :area",
    "case_arrivals": "(batch, position, category, text, area_id, choices, place, reported_at, day)"
    " VALUES (gen_random_uuid(), :n, 'E0102', '', :area, '{}', 'area', now(), current_date)",
}  # fmt: skip
# Which rows are of the area, and a column that may change.
ROWS = {
    **dict.fromkeys(("grounds", "plans", "findings", "stations"), ("community_id = :area", "community_id")),
    "expected_changes": ("community_id = :area", "community_id"),
    "checklists": ("true", "source"),
    "checklist_items": ("true", "name"),
    "station_checks": ("community_id = :area", "set_at"),
    **dict.fromkeys(("units", "grids", "assignments", "versions"), ("community_id = :area", "community_id")),
    **dict.fromkeys(LAYERS, (f"ST_Intersects(geom, {SQUARE})", "geom")),
    "division_levels": ("true", "rank"),
    "layer_changes": ("true", "layer"),
    "divisions": ("id = :area", "name"),
    "users": ("id = :person", "disabled_at"),
    "grants": ("user_id = :person", "role"),
    "keys": ("user_id = :person", "revoked_at"),
    "log": ("community_id = :area AND stream = 'edits'", "action"),
    "log of audit": ("community_id = :area AND stream = 'audit'", "action"),
    "log_anchors": ("true", "seq"),
    "version_numbers": ("true", "last"),
    "rate_counters": ("true", "n"),
    "idempotency_keys": ("user_id = :person", "status"),
    "jobs": ("area_id = :area", "cancel_requested"),
    "job_kinds": ("true", "roles"),
    "uploads": ("user_id = :person", "name"),
    "case_states": ("true", "party"),
    "case_steps": ("true", "roles"),
    "case_editions": ("true", "source"),
    "case_categories": ("true", "small_name"),
    "case_conditions": ("true", "filing"),
    "case_default_points": ("true", "note"),
    "cases": ("area_id = :area", "state"),
    "case_facts": ("area_id = :area", "state"),
    "case_photos": ("case_id IN (SELECT id FROM cases WHERE area_id = :area)", "state"),
    "case_intake": ("division_id = :area", "reporters"),
    "case_arrivals": ("area_id = :area", "text"),
    "case_publication": ("division_id = :area", "published"),
    "dispatch_rules": ("division_id = :area", "retired_at"),
    "area_modes": ("division_id = :area", "mode"),
    "whistle_levels": ("true", "wait_minutes"),
    "duties": ("division_id = :area", "withdrawn_at"),
    "meeting_items": ("meeting_id IN (SELECT id FROM meetings WHERE division_id = :area)", "note"),
    **dict.fromkeys(
        ("meetings", "joint_actions", "visit_counts", "points"), ("division_id = :area", "set_at")
    ),
    **dict.fromkeys(("whistles", "offers"), ("area_id = :area", "area_id")),
    "whistle_calls": ("whistle_id IN (SELECT id FROM whistles WHERE area_id = :area)", "level"),
    "claims": ("offer_id IN (SELECT id FROM offers WHERE area_id = :area)", "team"),
}
