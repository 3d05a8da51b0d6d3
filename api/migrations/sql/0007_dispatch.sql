-- Who is given a case: rules of dispatch, whistles to several departments at once, claims of what teams may choose,
-- and the mode (routine, emergency, drill) that an area is in.

SET LOCAL search_path = weige, public;

-- Mode of an area ----------------------------------------------------------------------------------------

-- Every switch stays; the last one of a division holds. A case keeps the mode that it was reported in.
CREATE TABLE area_modes (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  division_id bigint NOT NULL REFERENCES divisions,
  mode text NOT NULL CHECK (mode IN ('routine', 'emergency', 'drill')),
  note text NOT NULL CHECK (length(note) BETWEEN 1 AND 500) CONSTRAINT impersonal_note CHECK (NOT tells_a_person(note)),
  set_by bigint REFERENCES users,
  set_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX area_modes_division ON area_modes (division_id, set_at DESC);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON area_modes
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Mode that holds somewhere at a moment: of the place and all that it lies in the gravest.
CREATE FUNCTION mode_at(place ltree, moment timestamptz) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM area_modes) THEN
    RETURN 'routine';
  END IF;
  RETURN (SELECT coalesce(min(held.mode) FILTER (WHERE held.mode = 'emergency'),
                          min(held.mode) FILTER (WHERE held.mode = 'drill'), 'routine')
          FROM divisions d, LATERAL (SELECT m.mode FROM area_modes m WHERE m.division_id = d.id AND m.set_at <= moment
                                     ORDER BY m.set_at DESC, m.id DESC LIMIT 1) held
          WHERE d.path @> place);
END $$;

-- Switch the mode of a division, there and back; null where the actor may not know of it.
CREATE FUNCTION set_mode(division bigint, wanted text, why text) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
DECLARE
  place ltree;
  made bigint;
BEGIN
  SELECT path INTO place FROM divisions WHERE id = division FOR UPDATE;
  IF place IS NULL OR NOT place <@ ANY (reading_areas()) THEN
    RETURN NULL;
  END IF;
  IF NOT place <@ ANY (areas('dispatcher', 'admin')) THEN
    RAISE EXCEPTION 'not allowed to switch the mode here' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF wanted = coalesce((SELECT mode FROM area_modes WHERE division_id = division ORDER BY set_at DESC, id DESC LIMIT 1),
                       'routine') THEN
    RAISE EXCEPTION 'it is in that mode' USING ERRCODE = 'check_violation', CONSTRAINT = 'mode_stands';
  END IF;
  INSERT INTO area_modes (division_id, mode, note, set_by) VALUES (division, wanted, why, actor()) RETURNING id INTO made;
  PERFORM audit('mode_' || wanted, jsonb_build_object('division', division, 'switch', made), division);
  PERFORM tell('mode', jsonb_build_object('division', division, 'mode', wanted), division, NULL, NULL);
  RETURN made;
END $$;

-- Rules of dispatch --------------------------------------------------------------------------------------

-- The first that fits says who gets a case: those of the nearest division above it first, there by their position.
-- A rule is never altered but taken out of use, so that the log of a case names what stood there.
CREATE TABLE dispatch_rules (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  division_id bigint NOT NULL REFERENCES divisions,
  position integer NOT NULL CHECK (position BETWEEN 1 AND 10000),
  name text NOT NULL CHECK (name ~ '^[^[:cntrl:]]{1,200}$'),
  -- What it is for; empty for all. The code of a large class stands for all of its small ones.
  categories text[] NOT NULL DEFAULT '{}',
  modes text[] NOT NULL DEFAULT '{}' CHECK (modes <@ ARRAY['routine', 'emergency', 'drill']),
  hours text NOT NULL DEFAULT 'any' CHECK (hours IN ('any', 'working', 'off')),
  -- Local times of a day; from the later to the earlier goes over midnight.
  time_from time,
  time_to time,
  department text NOT NULL CHECK (department ~ '^[^[:cntrl:]]{1,200}$')
    CONSTRAINT impersonal_department CHECK (NOT tells_a_person(department)),
  automatic boolean NOT NULL DEFAULT false,
  created_by bigint REFERENCES users,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  retired_at timestamptz,
  CHECK (num_nulls(time_from, time_to) IN (0, 2)),
  CHECK (time_from <> time_to)
);
CREATE INDEX dispatch_rules_division ON dispatch_rules (division_id) WHERE retired_at IS NULL;

CREATE FUNCTION audit_dispatch_rule() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
BEGIN
  PERFORM audit(CASE TG_OP WHEN 'INSERT' THEN 'dispatch_rule_added' ELSE 'dispatch_rule_retired' END,
                jsonb_build_object('rule', NEW.id, 'division', NEW.division_id), NEW.division_id);
  RETURN NULL;
END $$;
CREATE TRIGGER audit_dispatch_rule AFTER INSERT OR UPDATE ON dispatch_rules
  FOR EACH ROW EXECUTE FUNCTION audit_dispatch_rule();

-- Whether a rule that holds somewhere names a department; with no department, whether it holds there.
CREATE FUNCTION names_department(rule_id bigint, place ltree, named text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = weige, public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM dispatch_rules r JOIN divisions d ON d.id = r.division_id
                 WHERE r.id = rule_id AND r.retired_at IS NULL AND d.path @> place
                   AND (named IS NULL OR r.department = named))
$$;

-- Rules that hold somewhere, those of the nearest division first, whatever the caller may see of the tree.
CREATE FUNCTION rules_for(place ltree) RETURNS TABLE (
  id bigint, "position" integer, name text, area text, categories text[], modes text[], hours text, time_from time,
  time_to time, department text, automatic boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = weige, public, pg_temp AS $$
  SELECT r.id, r.position, r.name, d.code, r.categories, r.modes, r.hours, r.time_from, r.time_to, r.department,
         r.automatic
  FROM dispatch_rules r JOIN divisions d ON d.id = r.division_id
  WHERE r.retired_at IS NULL AND d.path @> place AND place <@ ANY (reading_areas())
  ORDER BY nlevel(d.path) DESC, r.position, r.id
$$;

-- Code of the division whose dispatchers have the cases of a place that no rule gives to anybody.
CREATE FUNCTION duty_desk(place ltree) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
  SELECT d.code FROM divisions d
  WHERE d.path @> place AND (d.parent_id IS NULL OR EXISTS (
    SELECT FROM grants g JOIN users u ON u.id = g.user_id
    WHERE g.division_id = d.id AND g.role = 'dispatcher' AND u.disabled_at IS NULL))
  ORDER BY nlevel(d.path) DESC LIMIT 1
$$;

-- Steps of books -----------------------------------------------------------------------------------------

-- Take a step that no account may: the function that calls this has decided that it may be taken, by whoever acts.
CREATE FUNCTION step_for(book text, which text, taken text, carried jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path = weige, public, pg_temp AS $$
DECLARE
  held text := coalesce(current_setting('weige.grants', true), '');
  told jsonb;
BEGIN
  PERFORM set_config('weige.grants', (SELECT jsonb_build_object(book, jsonb_build_array(path), 'dispatcher',
    jsonb_build_array(path)) FROM divisions WHERE parent_id IS NULL)::text, true);
  told := step_case(which, taken, carried);
  PERFORM set_config('weige.grants', held, true);
  RETURN told;
END $$;
REVOKE EXECUTE ON FUNCTION step_for FROM PUBLIC;

-- Tell those who handle for a department somewhere.
CREATE FUNCTION tell_department(department_name text, community bigint, place ltree, kind text, body jsonb)
RETURNS void LANGUAGE sql SET search_path = weige, public, pg_temp AS $$
  INSERT INTO events (community_id, area, kind, user_id, body)
  SELECT DISTINCT community, place, tell_department.kind, g.user_id, tell_department.body
  FROM grants g JOIN divisions d ON d.id = g.division_id
  WHERE g.role = 'handler' AND g.department = department_name AND d.path @> place
$$;

-- Whistles -----------------------------------------------------------------------------------------------

-- Levels that a whistle climbs while a department does not report in, who is told there, and how long the
-- department has then. No city says how long; a street sets its own.
CREATE TABLE whistle_levels (
  level text PRIMARY KEY,
  rank smallint NOT NULL UNIQUE,
  wait_minutes integer NOT NULL CHECK (wait_minutes BETWEEN 1 AND 10080),
  roles text[] NOT NULL
);
INSERT INTO whistle_levels VALUES
  ('micro_grid', 1, 30, '{grid_worker}'), ('grid', 2, 30, '{grid_worker,inspector}'),
  ('community', 3, 60, '{dispatcher,inspector}'), ('street', 4, 120, '{dispatcher,inspector,admin}');

CREATE TABLE whistles (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  case_number text NOT NULL REFERENCES cases (number),
  area_id bigint NOT NULL REFERENCES divisions,
  area ltree NOT NULL,
  note text NOT NULL CHECK (length(note) <= 500) CONSTRAINT impersonal_note CHECK (NOT tells_a_person(note)),
  blown_by bigint REFERENCES users,
  blown_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX whistles_case ON whistles (case_number);

-- Each department has a clock of its own, from the whistle until it reports in; `first_due_at` stays.
CREATE TABLE whistle_calls (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  whistle_id bigint NOT NULL REFERENCES whistles,
  department text NOT NULL CHECK (department ~ '^[^[:cntrl:]]{1,200}$')
    CONSTRAINT impersonal_department CHECK (NOT tells_a_person(department)),
  level text NOT NULL REFERENCES whistle_levels,
  first_due_at timestamptz NOT NULL,
  due_at timestamptz NOT NULL,
  escalations smallint NOT NULL DEFAULT 0,
  reported_in_at timestamptz,
  reported_in_by bigint REFERENCES users,
  done_at timestamptz,
  done_by bigint REFERENCES users,
  -- Not needed any more, says the desk.
  released_at timestamptz,
  UNIQUE (whistle_id, department),
  CHECK (done_at >= reported_in_at)
);
CREATE INDEX whistle_calls_waiting ON whistle_calls (due_at) WHERE reported_in_at IS NULL AND released_at IS NULL;
CREATE INDEX whistle_calls_department ON whistle_calls (department);

-- Cases to which departments of the actor were called.
CREATE FUNCTION called_cases() RETURNS SETOF text LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
  SELECT w.case_number FROM own_departments() o JOIN whistle_calls k ON k.department = o.department
    JOIN whistles w ON w.id = k.whistle_id AND w.area <@ o.area
$$;
CREATE POLICY called ON cases FOR SELECT TO weige_app USING (number IN (SELECT called_cases()));

CREATE OR REPLACE FUNCTION sees_case(c cases) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT c.area <@ ANY (weige.case_areas()) OR (c.reported_by = weige.actor()) IS TRUE
      OR weige.handles_for(c.receivers, c.area) OR c.number IN (SELECT weige.called_cases())
$$;

-- Call departments to a case, each with its clock. `calls`: objects of department and minutes (null: those of the
-- level). Null where the actor sees no such case.
CREATE FUNCTION blow_whistle(which text, at_level text, calls jsonb, said text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = weige, public, pg_temp AS $$
DECLARE
  c cases;
  made bigint;
  call record;
  wait integer;
  due timestamptz;
BEGIN
  SELECT * INTO c FROM cases WHERE number = which FOR UPDATE;
  IF NOT FOUND OR sees_case(c) IS NOT TRUE THEN
    RETURN NULL;
  END IF;
  IF NOT c.area <@ ANY (areas('grid_worker', 'dispatcher', 'inspector')) THEN
    RAISE EXCEPTION 'not allowed to whistle here' USING ERRCODE = 'insufficient_privilege';
  END IF;
  SELECT wait_minutes INTO STRICT wait FROM whistle_levels WHERE level = at_level;
  INSERT INTO whistles (case_number, area_id, area, note, blown_by) VALUES (c.number, c.area_id, c.area, said, actor())
    RETURNING id INTO made;
  FOR call IN SELECT * FROM jsonb_to_recordset(calls) AS one (department text, minutes integer) LOOP
    due := clock_timestamp() + make_interval(mins => coalesce(call.minutes, wait));
    INSERT INTO whistle_calls (whistle_id, department, level, first_due_at, due_at)
      VALUES (made, call.department, at_level, due, due);
    PERFORM step_for('whistles', which, 'whistle', jsonb_build_object(
      'department', call.department, 'level', at_level, 'until', due));
    PERFORM tell_department(call.department, c.community_id, c.area, 'whistle', jsonb_build_object(
      'number', c.number, 'department', call.department, 'level', at_level, 'due_at', due));
  END LOOP;
  RETURN made;
END $$;

-- A department that was called is there, or has done its part. Null where the actor sees no such call.
CREATE FUNCTION answer_call(call_id bigint, done boolean, said text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
DECLARE
  call whistle_calls;
  blown whistles;
BEGIN
  SELECT * INTO call FROM whistle_calls WHERE id = call_id FOR UPDATE;
  SELECT * INTO blown FROM whistles WHERE id = call.whistle_id;
  IF NOT EXISTS (SELECT FROM cases c WHERE c.number = blown.case_number AND sees_case(c)) THEN
    RETURN NULL;
  END IF;
  IF NOT handles_for(ARRAY[call.department], blown.area) THEN
    RAISE EXCEPTION 'another department was called' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF call.done_at IS NOT NULL OR call.released_at IS NOT NULL OR done = (call.reported_in_at IS NULL) THEN
    RAISE EXCEPTION 'it was answered, or not yet' USING ERRCODE = 'check_violation', CONSTRAINT = 'call_answered';
  END IF;
  UPDATE whistle_calls SET
    reported_in_at = coalesce(reported_in_at, clock_timestamp()), reported_in_by = coalesce(reported_in_by, actor()),
    done_at = CASE WHEN done THEN clock_timestamp() END, done_by = CASE WHEN done THEN actor() END
    WHERE id = call_id;
  PERFORM step_for('whistles', blown.case_number, CASE WHEN done THEN 'call_done' ELSE 'report_in' END,
                   jsonb_build_object('department', call.department, 'level', call.level, 'note', said));
  RETURN blown.case_number;
END $$;

-- Let a department go that was called and is not needed. Null where the actor sees no such call.
CREATE FUNCTION release_call(call_id bigint, said text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
DECLARE
  call whistle_calls;
  blown whistles;
BEGIN
  SELECT * INTO call FROM whistle_calls WHERE id = call_id FOR UPDATE;
  SELECT * INTO blown FROM whistles WHERE id = call.whistle_id;
  IF NOT EXISTS (SELECT FROM cases c WHERE c.number = blown.case_number AND sees_case(c)) THEN
    RETURN NULL;
  END IF;
  IF NOT blown.area <@ ANY (areas('dispatcher', 'inspector')) THEN
    RAISE EXCEPTION 'not allowed to release a call' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF call.done_at IS NOT NULL OR call.released_at IS NOT NULL THEN
    RAISE EXCEPTION 'it has ended' USING ERRCODE = 'check_violation', CONSTRAINT = 'call_answered';
  END IF;
  UPDATE whistle_calls SET released_at = clock_timestamp() WHERE id = call_id;
  PERFORM step_for('whistles', blown.case_number, 'call_released',
                   jsonb_build_object('department', call.department, 'level', call.level, 'note', said));
  RETURN blown.case_number;
END $$;

-- Calls that nobody answered in time climb a level, while the case is open; how many did. At the top they stay late.
-- A case with which somebody takes a step has its turn in the next round: that step may end the call, and one that
-- holds the call and waits for the case would meet one that holds the case and waits for the call.
CREATE FUNCTION escalate_whistles(most integer DEFAULT 200) RETURNS integer LANGUAGE plpgsql
SET search_path = weige, public, pg_temp AS $$
DECLARE
  late record;
  n integer := 0;
BEGIN
  FOR late IN
    SELECT k.id, k.department, w.case_number, c.area, c.community_id, up.level, up.wait_minutes, up.roles
    FROM whistle_calls k JOIN whistle_levels at ON at.level = k.level JOIN whistle_levels up ON up.rank = at.rank + 1
      JOIN whistles w ON w.id = k.whistle_id JOIN cases c ON c.number = w.case_number
      JOIN case_steps s ON s.step = 'escalate' AND s.from_state = c.state
    WHERE k.reported_in_at IS NULL AND k.released_at IS NULL AND k.due_at < clock_timestamp()
    ORDER BY k.due_at LIMIT most FOR UPDATE OF c, k SKIP LOCKED
  LOOP
    UPDATE whistle_calls SET level = late.level, escalations = escalations + 1,
      due_at = clock_timestamp() + make_interval(mins => late.wait_minutes) WHERE id = late.id;
    PERFORM step_for('whistles', late.case_number, 'escalate', jsonb_build_object(
      'department', late.department, 'level', late.level));
    INSERT INTO events (community_id, area, kind, roles, body) VALUES (
      late.community_id, late.area, 'whistle.escalated', late.roles, jsonb_build_object(
        'number', late.case_number, 'department', late.department, 'level', late.level));
    n := n + 1;
  END LOOP;
  RETURN n;
END $$;

-- Departments that were called finish together: a case is not handled while one that was called is not done.
CREATE FUNCTION require_calls_done() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM whistles w JOIN whistle_calls k ON k.whistle_id = w.id
             WHERE w.case_number = NEW.number AND k.done_at IS NULL AND k.released_at IS NULL) THEN
    RAISE EXCEPTION 'a department that was called has not finished'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'call_not_done';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER require_calls_done AFTER UPDATE OF state ON cases
  FOR EACH ROW WHEN (NEW.state = 'handled' AND OLD.state <> 'handled') EXECUTE FUNCTION require_calls_done();

-- Claims -------------------------------------------------------------------------------------------------

-- What a community offers to its teams (点单—派单): a wish or another case, with its text as moderated.
CREATE TABLE offers (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  case_number text NOT NULL UNIQUE REFERENCES cases (number),
  area_id bigint NOT NULL REFERENCES divisions,
  area ltree NOT NULL,
  category text NOT NULL,
  text text NOT NULL CONSTRAINT impersonal_text CHECK (NOT tells_a_person(text)),
  -- How long a team that claimed it has, until it is handled.
  claim_hours integer NOT NULL CHECK (claim_hours BETWEEN 1 AND 2160),
  offered_by bigint REFERENCES users,
  offered_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX offers_area ON offers (area_id);

-- Claims of teams, never of persons (接单).
CREATE TABLE claims (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  offer_id bigint NOT NULL REFERENCES offers,
  team text NOT NULL,
  claimed_by bigint REFERENCES users,
  claimed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  lapses_at timestamptz NOT NULL,
  ended_at timestamptz,
  ending text CHECK (ending IN ('done', 'lapsed', 'released')),
  CHECK (num_nulls(ended_at, ending) IN (0, 2))
);
CREATE UNIQUE INDEX claimed_already ON claims (offer_id) WHERE ended_at IS NULL;
CREATE INDEX claims_offer ON claims (offer_id);

CREATE FUNCTION offer_case(which text, hours integer) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
DECLARE
  c cases;
  made bigint;
BEGIN
  SELECT * INTO c FROM cases WHERE number = which FOR UPDATE;
  IF NOT FOUND OR sees_case(c) IS NOT TRUE THEN
    RETURN NULL;
  END IF;
  IF NOT c.area <@ ANY (areas('dispatcher')) THEN
    RAISE EXCEPTION 'not allowed to offer it' USING ERRCODE = 'insufficient_privilege';
  END IF;
  INSERT INTO offers (case_number, area_id, area, category, text, claim_hours, offered_by)
    VALUES (c.number, c.area_id, c.area, c.category, c.text, hours, actor()) RETURNING id INTO made;
  PERFORM step_for('claims', which, 'offer', jsonb_build_object());
  RETURN made;
END $$;

-- Claim an offer for a team for which the actor handles. Of two at once the second is told that it is claimed.
-- Null where there is no such offer for the actor.
CREATE FUNCTION claim_offer(which bigint, claiming text, due timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = weige, public, pg_temp AS $$
DECLARE
  o offers;
  made bigint;
BEGIN
  SELECT * INTO o FROM offers WHERE id = which;
  IF NOT FOUND OR NOT o.area <@ ANY (reading_areas()) THEN
    RETURN NULL;
  END IF;
  IF NOT handles_for(ARRAY[claiming], o.area) THEN
    RAISE EXCEPTION 'not allowed to claim for that team' USING ERRCODE = 'insufficient_privilege';
  END IF;
  INSERT INTO claims (offer_id, team, claimed_by, lapses_at)
    VALUES (o.id, claiming, actor(), clock_timestamp() + make_interval(hours => o.claim_hours)) RETURNING id INTO made;
  PERFORM step_for('claims', o.case_number, 'claim', jsonb_build_object('to', claiming, 'due_at', due));
  RETURN made;
END $$;

-- Claims that were not kept in time end, and the offer is on the board again; how many were. As with calls, a case
-- with which somebody takes a step has its turn in the next round.
CREATE FUNCTION lapse_claims(most integer DEFAULT 200) RETURNS integer LANGUAGE plpgsql
SET search_path = weige, public, pg_temp AS $$
DECLARE
  late record;
  n integer := 0;
BEGIN
  FOR late IN
    SELECT k.id, o.case_number FROM claims k JOIN offers o ON o.id = k.offer_id
      JOIN cases c ON c.number = o.case_number JOIN case_steps s ON s.step = 'lapse' AND s.from_state = c.state
    WHERE k.ended_at IS NULL AND k.lapses_at < clock_timestamp()
    ORDER BY k.lapses_at LIMIT most FOR UPDATE OF c, k SKIP LOCKED
  LOOP
    UPDATE claims SET ended_at = clock_timestamp(), ending = 'lapsed' WHERE id = late.id;
    PERFORM step_for('claims', late.case_number, 'lapse', jsonb_build_object());
    n := n + 1;
  END LOOP;
  RETURN n;
END $$;

-- A claim ends with what becomes of its case.
CREATE FUNCTION end_claim() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
BEGIN
  UPDATE claims k SET ended_at = clock_timestamp(), ending = CASE NEW.state WHEN 'handled' THEN 'done' ELSE 'released' END
    FROM offers o WHERE o.case_number = NEW.number AND k.offer_id = o.id AND k.ended_at IS NULL
      AND (NEW.state IN ('handled', 'returned', 'cancelled') OR NEW.holder IS DISTINCT FROM k.team);
  RETURN NULL;
END $$;
CREATE TRIGGER end_claim AFTER UPDATE OF state ON cases FOR EACH ROW
  WHEN (NEW.state IN ('handled', 'returned', 'cancelled') AND OLD.state <> NEW.state OR NEW.holder <> OLD.holder)
  EXECUTE FUNCTION end_claim();

-- Offers of the actor's areas by what became of them: open, claimed, done, rated, withdrawn. Their sum is all offers.
CREATE FUNCTION offer_board() RETURNS TABLE (
  id bigint, case_number text, area text, category text, text text, grid text, claim_hours integer,
  offered_at timestamptz, column_name text, team text, lapses_at timestamptz, lapsed bigint, rating smallint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = weige, public, pg_temp AS $$
  SELECT o.id, o.case_number, d.code, o.category, o.text, c.grid, o.claim_hours, o.offered_at,
    CASE WHEN c.state = 'cancelled' THEN 'withdrawn' WHEN rated.body IS NOT NULL THEN 'rated'
         WHEN s.is_open AND c.state NOT IN ('handled', 'verified') THEN
           CASE WHEN active.id IS NULL AND c.state IN ('accepted', 'returned', 'reopened') THEN 'open' ELSE 'claimed' END
         ELSE 'done' END,
    coalesce(active.team, c.holder), active.lapses_at,
    (SELECT count(*) FROM claims k WHERE k.offer_id = o.id AND k.ending = 'lapsed'), (rated.body ->> 'rating')::smallint
  FROM offers o JOIN cases c ON c.number = o.case_number JOIN case_states s ON s.state = c.state
    JOIN divisions d ON d.id = o.area_id
    LEFT JOIN claims active ON active.offer_id = o.id AND active.ended_at IS NULL
    LEFT JOIN LATERAL (SELECT l.body FROM log l WHERE l.stream = 'case' AND l.chain = o.case_number AND l.action = 'rate'
                       ORDER BY l.seq DESC LIMIT 1) rated ON true
  WHERE o.area <@ ANY (reading_areas()) ORDER BY o.id
$$;

-- Row-level security -------------------------------------------------------------------------------------

ALTER TABLE area_modes ENABLE ROW LEVEL SECURITY;
CREATE POLICY read ON area_modes FOR SELECT TO weige_app USING (division_id IN (SELECT id FROM divisions));

ALTER TABLE dispatch_rules ENABLE ROW LEVEL SECURITY;
CREATE POLICY read ON dispatch_rules FOR SELECT TO weige_app USING (division_id IN (SELECT id FROM divisions));
CREATE POLICY add ON dispatch_rules FOR INSERT TO weige_app WITH CHECK (
  created_by = (SELECT actor()) AND division_id IN (SELECT administered()));
CREATE POLICY retire ON dispatch_rules FOR UPDATE TO weige_app USING (
  retired_at IS NULL AND division_id IN (SELECT administered())) WITH CHECK (retired_at IS NOT NULL);

ALTER TABLE whistles ENABLE ROW LEVEL SECURITY;
CREATE POLICY read ON whistles FOR SELECT TO weige_app USING (case_number IN (SELECT number FROM cases));
ALTER TABLE whistle_calls ENABLE ROW LEVEL SECURITY;
CREATE POLICY read ON whistle_calls FOR SELECT TO weige_app USING (whistle_id IN (SELECT id FROM whistles));
ALTER TABLE offers ENABLE ROW LEVEL SECURITY;
CREATE POLICY read ON offers FOR SELECT TO weige_app USING (area <@ ANY ((SELECT reading_areas())::ltree[]));
ALTER TABLE claims ENABLE ROW LEVEL SECURITY;
CREATE POLICY read ON claims FOR SELECT TO weige_app USING (offer_id IN (SELECT id FROM offers));

GRANT SELECT ON area_modes, dispatch_rules, whistle_levels, whistles, whistle_calls, offers, claims TO weige_app;
GRANT INSERT (division_id, position, name, categories, modes, hours, time_from, time_to, department, automatic,
              created_by), UPDATE (retired_at) ON dispatch_rules TO weige_app;
