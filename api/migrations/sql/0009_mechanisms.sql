-- What a street runs beside its cases: rosters by post, joint actions, visits as counts, points of teams. What was
-- written stays: a mistake is taken back by a row of its own.

SET LOCAL search_path = weige, public;

-- Rosters ------------------------------------------------------------------------------------------------

-- Who is on duty is an account of a post, in first (A) or second place (B); neither where he lives nor where he walks.
CREATE TABLE duties (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  division_id bigint NOT NULL REFERENCES divisions,
  -- Code of a grid; empty: the whole division.
  grid text NOT NULL DEFAULT '' CHECK (length(grid) <= 64),
  place text NOT NULL CHECK (place IN ('A', 'B')),
  user_id bigint NOT NULL REFERENCES users,
  starts_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL CHECK (ends_at <= starts_at + interval '31 days'),
  set_by bigint NOT NULL REFERENCES users,
  withdrawn_at timestamptz,
  CHECK (starts_at < ends_at),
  CONSTRAINT duty_taken EXCLUDE USING gist (
    division_id WITH =, grid WITH =, place WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE (withdrawn_at IS NULL),
  -- The second is there for when the first is not: he is somebody else.
  CONSTRAINT duty_doubled EXCLUDE USING gist (
    division_id WITH =, grid WITH =, user_id WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE (withdrawn_at IS NULL)
);
CREATE INDEX duties_division ON duties (division_id, starts_at) WHERE withdrawn_at IS NULL;

-- Joint actions ------------------------------------------------------------------------------------------

CREATE TABLE joint_actions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  division_id bigint NOT NULL REFERENCES divisions,
  title text NOT NULL CHECK (title ~ '^[^[:cntrl:]]{1,200}$') CONSTRAINT impersonal_note CHECK (NOT tells_a_person(title)),
  day date NOT NULL,
  departments text[] NOT NULL CHECK (cardinality(departments) BETWEEN 2 AND 20),
  cases text[] NOT NULL CHECK (cardinality(cases) BETWEEN 1 AND 1000),
  set_by bigint NOT NULL REFERENCES users,
  set_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX joint_actions_division ON joint_actions (division_id, day);

-- Cases that are named are there, in the area of the action, each once.
CREATE FUNCTION require_cases_of_action() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
BEGIN
  IF (SELECT count(*) FROM cases c JOIN divisions d ON d.id = NEW.division_id AND c.area <@ d.path
      WHERE c.number = ANY (NEW.cases)) <> cardinality(NEW.cases)
     OR (SELECT count(DISTINCT one) FROM unnest(NEW.departments) one) <> cardinality(NEW.departments) THEN
    RAISE EXCEPTION 'there is no such case in the area'
      USING ERRCODE = 'invalid_parameter_value', CONSTRAINT = 'no_such_case';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER require_cases BEFORE INSERT ON joint_actions FOR EACH ROW EXECUTE FUNCTION require_cases_of_action();

-- Visits -------------------------------------------------------------------------------------------------

-- A round of visits as counts: how many households were visited on a topic, what was asked for, what came of it.
CREATE TABLE visit_counts (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  division_id bigint NOT NULL REFERENCES divisions,
  grid text NOT NULL DEFAULT '' CHECK (length(grid) <= 64),
  day date NOT NULL,
  topic text NOT NULL CHECK (topic ~ '^[a-z0-9_]{1,32}$'),
  households integer NOT NULL,
  demands integer NOT NULL DEFAULT 0,
  settled integer NOT NULL DEFAULT 0,
  reverses bigint UNIQUE REFERENCES visit_counts,
  set_by bigint NOT NULL REFERENCES users,
  set_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CHECK (reverses IS NOT NULL OR (households >= 1 AND demands >= 0 AND settled BETWEEN 0 AND demands))
);
CREATE INDEX visit_counts_division ON visit_counts (division_id, day);

-- Points -------------------------------------------------------------------------------------------------

-- Points of an account in a team. Everybody sees his own and what teams have; nobody is ranked.
CREATE TABLE points (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  division_id bigint NOT NULL REFERENCES divisions,
  team text NOT NULL CHECK (team ~ '^[^[:cntrl:]]{1,200}$') CONSTRAINT impersonal_department CHECK (NOT tells_a_person(team)),
  user_id bigint NOT NULL REFERENCES users,
  points integer NOT NULL CHECK (points <> 0 AND abs(points) <= 10000),
  reason text NOT NULL CHECK (reason ~ '^[a-z0-9_]{1,32}$'),
  case_number text REFERENCES cases (number),
  reverses bigint UNIQUE REFERENCES points,
  set_by bigint NOT NULL REFERENCES users,
  set_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CHECK (reverses IS NOT NULL OR points > 0),
  CONSTRAINT points_to_oneself CHECK (set_by <> user_id)
);
CREATE INDEX points_division ON points (division_id);
CREATE INDEX points_user ON points (user_id);

-- What is taken back is taken back whole, and once; what took something back is not.
CREATE FUNCTION require_reversal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
DECLARE
  whole boolean;
BEGIN
  IF NEW.reverses IS NULL THEN
    RETURN NEW;
  END IF;
  IF TG_TABLE_NAME = 'points' THEN
    SELECT (p.division_id, p.team, p.user_id, -p.points) = (NEW.division_id, NEW.team, NEW.user_id, NEW.points)
           AND p.reverses IS NULL INTO whole FROM points p WHERE p.id = NEW.reverses;
  ELSE
    SELECT (v.division_id, v.grid, v.day, v.topic, -v.households, -v.demands, -v.settled)
         = (NEW.division_id, NEW.grid, NEW.day, NEW.topic, NEW.households, NEW.demands, NEW.settled)
           AND v.reverses IS NULL INTO whole FROM visit_counts v WHERE v.id = NEW.reverses;
  END IF;
  IF whole IS NOT TRUE THEN
    RAISE EXCEPTION 'a row is taken back whole' USING ERRCODE = 'check_violation', CONSTRAINT = 'reversal_whole';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER require_reversal BEFORE INSERT ON points FOR EACH ROW EXECUTE FUNCTION require_reversal();
CREATE TRIGGER require_reversal BEFORE INSERT ON visit_counts FOR EACH ROW EXECUTE FUNCTION require_reversal();

-- Totals of the teams in the actor's areas; whose points they are is not told.
CREATE FUNCTION team_points() RETURNS TABLE (area text, team text, points bigint, accounts bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = weige, public, pg_temp AS $$
  SELECT d.code, p.team, sum(p.points), count(DISTINCT p.user_id)
  FROM points p JOIN divisions d ON d.id = p.division_id
  WHERE d.path <@ ANY (reading_areas()) GROUP BY d.code, p.team ORDER BY d.code, p.team
$$;

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['joint_actions', 'visit_counts', 'points'] LOOP
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I
                    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
  END LOOP;
  FOREACH name IN ARRAY ARRAY['duties', 'joint_actions', 'visit_counts', 'points'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('GRANT SELECT ON %I TO weige_app', name);
  END LOOP;
END $$;

CREATE FUNCTION dispatchable() RETURNS SETOF bigint LANGUAGE sql STABLE AS
$$ SELECT weige.divisions_in(weige.areas('dispatcher', 'admin')) $$;

CREATE POLICY read ON duties FOR SELECT TO weige_app USING (division_id IN (SELECT readable()));
CREATE POLICY add ON duties FOR INSERT TO weige_app WITH CHECK (
  set_by = (SELECT actor()) AND division_id IN (SELECT dispatchable()));
CREATE POLICY withdraw ON duties FOR UPDATE TO weige_app USING (
  withdrawn_at IS NULL AND division_id IN (SELECT dispatchable())) WITH CHECK (withdrawn_at IS NOT NULL);
CREATE POLICY read ON joint_actions FOR SELECT TO weige_app USING (division_id IN (SELECT divisions_in(case_areas())));
CREATE POLICY add ON joint_actions FOR INSERT TO weige_app WITH CHECK (
  set_by = (SELECT actor()) AND division_id IN (SELECT dispatchable()));
CREATE POLICY read ON visit_counts FOR SELECT TO weige_app USING (division_id IN (SELECT readable()));
CREATE POLICY add ON visit_counts FOR INSERT TO weige_app WITH CHECK (
  set_by = (SELECT actor()) AND division_id IN (SELECT divisions_in(areas('grid_worker', 'dispatcher', 'admin'))));
CREATE POLICY read ON points FOR SELECT TO weige_app USING (
  user_id = (SELECT actor()) OR division_id IN (SELECT dispatchable()));
CREATE POLICY add ON points FOR INSERT TO weige_app WITH CHECK (
  set_by = (SELECT actor()) AND division_id IN (SELECT dispatchable()));

GRANT INSERT (division_id, grid, place, user_id, starts_at, ends_at, set_by), UPDATE (withdrawn_at) ON duties TO weige_app;
GRANT INSERT (division_id, title, day, departments, cases, set_by) ON joint_actions TO weige_app;
GRANT INSERT (division_id, grid, day, topic, households, demands, settled, reverses, set_by) ON visit_counts TO weige_app;
GRANT INSERT (division_id, team, user_id, points, reason, case_number, reverses, set_by) ON points TO weige_app;
