-- Cases: what was reported where. A case is the replay of its log; `cases` is what the log says today, written
-- by the functions below and by nobody else.

SET LOCAL search_path = weige, public;

-- Rules as data ------------------------------------------------------------------------------------------

CREATE TABLE case_states (
  state text PRIMARY KEY,
  party text NOT NULL,            -- who holds the case in it
  is_open boolean NOT NULL
);

-- The loop: which step leads from where to where. '' as from_state opens a case.
CREATE TABLE case_steps (
  step text NOT NULL,
  from_state text NOT NULL,
  to_state text NOT NULL,         -- a state, 'same' or 'before'
  roles text[] NOT NULL,          -- 'own': whoever reported it
  needs text[] NOT NULL,
  reasons text[] NOT NULL,
  others_than text[] NOT NULL,
  effects text[] NOT NULL,
  is_exception boolean NOT NULL,
  grace_days integer,
  PRIMARY KEY (step, from_state),
  -- Who passes over a step says why.
  CHECK (NOT is_exception OR 'reason' = ANY (needs))
);

-- An edition is never altered, so that a case that lives keeps what it was filed as.
CREATE TABLE case_editions (
  edition text PRIMARY KEY CHECK (edition ~ '^[^[:cntrl:]]{1,64}$'),
  source text NOT NULL,           -- 'unconfirmed': nobody knows
  in_force boolean NOT NULL DEFAULT false,
  stored_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX one_edition_in_force ON case_editions ((true)) WHERE in_force;

CREATE TABLE case_categories (
  edition text NOT NULL REFERENCES case_editions,
  category text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('incident', 'component', 'wish', 'property', 'dispute')),
  large_code text NOT NULL,
  large_name text NOT NULL,
  small_name text NOT NULL,
  PRIMARY KEY (edition, category)
);

CREATE TABLE case_conditions (
  edition text NOT NULL,
  category text NOT NULL,
  number smallint NOT NULL CHECK (number >= 1),
  filing text NOT NULL,
  closing text NOT NULL,
  unit text NOT NULL,
  department text NOT NULL,
  clock text CHECK (clock IN ('urgent_hours', 'working_hours', 'working_days', 'calendar_days')),
  amount numeric CHECK (amount > 0),
  starts text CHECK (starts IN ('now', 'next_day')),
  PRIMARY KEY (edition, category, number),
  FOREIGN KEY (edition, category) REFERENCES case_categories,
  CHECK (num_nulls(clock, amount, starts) IN (0, 3))
);

CREATE FUNCTION refuse_edition_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'an edition is never altered'
    USING ERRCODE = 'insufficient_privilege', CONSTRAINT = 'edition_stands';
END $$;
CREATE TRIGGER edition_stands BEFORE UPDATE OR DELETE OR TRUNCATE ON case_categories
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_edition_change();
CREATE TRIGGER edition_stands BEFORE UPDATE OR DELETE OR TRUNCATE ON case_conditions
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_edition_change();

-- What an area lets in: nearest above decides; where nothing is said, its reporters may report.
CREATE TABLE case_intake (
  division_id bigint PRIMARY KEY REFERENCES divisions,
  reporters boolean NOT NULL
);

-- Points at which other systems put what they cannot place: flagged, never mapped.
CREATE TABLE case_default_points (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  geom geometry(Point, 4490) NOT NULL,
  note text NOT NULL
);
CREATE INDEX case_default_points_geom ON case_default_points USING gist (geom);

-- Cases --------------------------------------------------------------------------------------------------

-- A telephone or identity number in a text: a backstop of api/cases/masking.py, which finds more.
CREATE FUNCTION tells_a_person(said text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
  plain text := translate(said, '０１２３４５６７８９Ｘｘ－＋　（）', '0123456789Xx-+ ()');
BEGIN
  RETURN plain ~ '(^|[^0-9])1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4}($|[^0-9])'
      OR plain ~ '(^|[^0-9])[1-9][0-9]{5}(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx]($|[^0-9])';
END $$;

-- Written by the functions below and by nobody else. They take state, area and category from the tables of the
-- rules and of the divisions, editions are never altered, and the keys of the log hold the areas and the people: keys
-- on these columns of `cases` would check the same a second time, which an import feels.
CREATE TABLE cases (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- County (6 digits), day (yymmdd) and a serial of 7 digits; unique, with gaps.
  number text NOT NULL UNIQUE CHECK (number ~ '^[0-9]{19}$'),
  kind text NOT NULL,
  edition text NOT NULL,
  category text NOT NULL,
  condition smallint,
  state text NOT NULL,
  -- What it goes back to after it stood still.
  before text REFERENCES case_states,
  area_id bigint NOT NULL,
  area ltree NOT NULL,
  community_id bigint,
  -- Version in force and micro-grid when it was reported: grids have history, and the case keeps its own. What was
  -- published stays, so that the version needs no key. Where it is not known which grid, `choices` names them.
  version_id uuid,
  grid text,
  choices text[] NOT NULL DEFAULT '{}',
  place text NOT NULL CHECK (place IN ('point', 'area', 'default_point')),
  geom geometry(Point, 4490),
  accuracy_m real CHECK (accuracy_m >= 0),
  channel text NOT NULL CHECK (channel ~ '^[a-z0-9_]{1,32}$'),
  external_number text CHECK (external_number ~ '^[^[:cntrl:]]{1,64}$'),
  mode text NOT NULL DEFAULT 'routine' CHECK (mode IN ('routine', 'emergency', 'drill')),
  text text NOT NULL CHECK (length(text) <= 4000) CONSTRAINT impersonal_text CHECK (NOT tells_a_person(text)),
  address text CHECK (length(address) <= 200) CONSTRAINT impersonal_address CHECK (NOT tells_a_person(address)),
  reported_by bigint,
  reported_at timestamptz NOT NULL,
  responded_at timestamptz,
  filed_at timestamptz,
  handled_at timestamptz,
  closed_at timestamptz,
  response_due_at timestamptz,
  due_at timestamptz,
  parked_until timestamptz,
  -- Departments that received it, in order; the first one stays whatever happens.
  receivers text[] NOT NULL DEFAULT '{}',
  holder text,
  handlers bigint[] NOT NULL DEFAULT '{}',
  verifier bigint REFERENCES users,
  visit text,
  reworks smallint NOT NULL DEFAULT 0,
  reopenings smallint NOT NULL DEFAULT 0,
  extensions smallint NOT NULL DEFAULT 0,
  exceptions text[] NOT NULL DEFAULT '{}',
  duplicate_of text REFERENCES cases (number),
  rework_of text REFERENCES cases (number),
  revision bigint NOT NULL DEFAULT 1,
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT verifier_is_handler CHECK (verifier <> ALL (handlers)),
  CONSTRAINT default_point_unmapped CHECK ((place = 'point') = (geom IS NOT NULL)),
  CHECK (community_id = area_id),
  CHECK (duplicate_of <> number),
  CHECK (grid IS NULL OR choices = '{}')
);
-- The same work order of the same channel is one case, however often it is sent.
CREATE UNIQUE INDEX cases_external ON cases (channel, external_number) WHERE external_number IS NOT NULL;
CREATE INDEX cases_geom ON cases USING gist (geom);
CREATE INDEX cases_area ON cases (area_id, id);
CREATE INDEX cases_updated ON cases (updated_at);
CREATE SEQUENCE case_serials;

-- Where something is: micro-grids in force on a day that a point lies in or within some metres of, the nearest
-- first. Days begin when they do in UTC, as those of versions do.
CREATE FUNCTION grids_near(place geometry, within_m double precision, day date)
RETURNS TABLE (community_id bigint, version_id uuid, code text, distance_m double precision)
LANGUAGE plpgsql STABLE ROWS 2 AS $$
BEGIN
  RETURN QUERY SELECT * FROM (
    SELECT g.community_id, g.version_id, g.code,
           CASE WHEN ST_Intersects(g.geom, place) THEN 0
                ELSE ST_Distance(g.geom::geography, place::geography, false) END AS distance_m
    FROM grids g JOIN versions v ON v.id = g.version_id
    WHERE g.geom && ST_Expand(place, within_m / (111000 * greatest(cosd(ST_Y(place)), 0.01)), within_m / 110500)
      AND v.state IN ('published', 'superseded') AND daterange(v.valid_from, v.valid_to) @> day
  ) near WHERE near.distance_m <= within_m ORDER BY near.distance_m, near.code;
END $$;

-- Rights -------------------------------------------------------------------------------------------------

-- Roles that see every case of their areas; a handler sees those of his department only.
CREATE FUNCTION case_readers() RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT ARRAY['viewer', 'grid_worker', 'dispatcher', 'verifier', 'inspector', 'planner', 'admin', 'auditor']
$$;

-- Areas whose cases the actor sees, whoever holds them.
CREATE FUNCTION case_areas() RETURNS ltree[] LANGUAGE sql STABLE AS $$
  SELECT weige.areas(VARIADIC weige.case_readers())
$$;

-- Departments for which the actor handles cases, and where.
CREATE FUNCTION own_departments() RETURNS TABLE (department text, area ltree) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
  SELECT g.department, d.path FROM grants g JOIN divisions d ON d.id = g.division_id
  WHERE g.user_id = actor() AND g.role = 'handler' AND d.path <@ ANY (areas('handler'))
$$;

CREATE FUNCTION handles_for(departments text[], place ltree) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM weige.own_departments() o WHERE o.department = ANY (departments) AND place <@ o.area)
$$;

CREATE FUNCTION sees_case(c cases) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT c.area <@ ANY (weige.case_areas()) OR (c.reported_by = weige.actor()) IS TRUE
      OR weige.handles_for(c.receivers, c.area)
$$;

CREATE FUNCTION may_report(roles text[], place ltree) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF place <@ ANY (areas(VARIADIC array_remove(roles, 'reporter'))) THEN
    RETURN true;
  END IF;
  RETURN 'reporter' = ANY (roles) AND place <@ ANY (areas('reporter'))
    AND coalesce((SELECT i.reporters FROM case_intake i JOIN divisions d ON d.id = i.division_id
                  WHERE d.path @> place ORDER BY nlevel(d.path) DESC LIMIT 1), true);
END $$;

-- Writing ------------------------------------------------------------------------------------------------

-- What every report runs through is in PL/pgSQL: a session plans it once, and not once a call.

-- Tell of a case: those who see the area, the department that has it, and whoever reported it.
CREATE FUNCTION tell_case(c cases, step text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  body jsonb := jsonb_build_object(
    'number', c.number, 'step', step, 'state', c.state, 'revision', c.revision, 'category', c.category,
    'kind', c.kind, 'grid', c.grid, 'holder', c.holder, 'due_at', c.due_at,
    'lon', round(ST_X(c.geom)::numeric, 7), 'lat', round(ST_Y(c.geom)::numeric, 7));
BEGIN
  INSERT INTO events (community_id, area, kind, roles, user_id, body) VALUES (
    c.community_id, c.area, 'case', case_readers(), c.reported_by, body);
  IF c.holder IS NOT NULL THEN
    INSERT INTO events (community_id, area, kind, user_id, body)
    SELECT DISTINCT c.community_id, c.area, 'case', g.user_id, body
    FROM grants g JOIN divisions d ON d.id = g.division_id
    WHERE g.role = 'handler' AND g.department = c.holder AND d.path @> c.area
      AND g.user_id IS DISTINCT FROM c.reported_by;
  END IF;
END $$;

CREATE FUNCTION append_case_event(
  number text, seq bigint, previous bytea, at timestamptz, area_id bigint, step text, body jsonb
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO weige.log (stream, chain, seq, at, actor, community_id, action, body, previous, hash)
  VALUES ('case', number, seq, at, weige.actor(), area_id, step, body, previous,
          weige.log_hash('case', number, seq, at, weige.actor(), area_id, step, body, previous));
END $$;

-- Code of the county that a place is in: of the nearest division above that has one.
CREATE FUNCTION county_of(place ltree) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN coalesce((SELECT left(code, 6) FROM divisions WHERE path @> place AND code ~ '^[0-9]{6}'
                   ORDER BY nlevel(path) DESC LIMIT 1), '000000');
END $$;

CREATE FUNCTION case_number(county text, day date) RETURNS text LANGUAGE sql VOLATILE AS $$
  SELECT county || to_char(day, 'YYMMDD') || lpad((nextval('weige.case_serials') % 10000000)::text, 7, '0')
$$;

-- File a report: rights, place, number, log, projection and event in one round trip.
--
-- `facts`: step, edition, category, condition, channel, external_number, mode, text, address, lon, lat, accuracy_m,
-- grid, area (code of a division, where there is no point), reported_at, response_due_at, due_at, rework_of, day
-- (local day of the number), border_m (how near a border is a question).
-- Answers with what became of it; `created` is false where the work order is there already.
CREATE FUNCTION report_case(facts jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
DECLARE
  now_at timestamptz := clock_timestamp();
  -- Whoever asks may have a clock that runs ahead of this one.
  at timestamptz := least((facts ->> 'reported_at')::timestamptz, now_at);
  accuracy double precision := (facts ->> 'accuracy_m')::double precision;
  point geometry;
  rule case_steps;
  near record;
  found_place divisions;
  made cases;
  told jsonb;
  asked text := facts ->> 'grid';
BEGIN
  SELECT * INTO rule FROM case_steps WHERE step = coalesce(facts ->> 'step', 'report') AND from_state = '';
  IF NOT FOUND THEN
    RAISE EXCEPTION '% opens no case', facts ->> 'step' USING ERRCODE = 'check_violation', CONSTRAINT = 'case_step';
  END IF;
  made.place := 'area';
  IF facts ? 'lon' AND facts ? 'lat' THEN
    point := ST_SetSRID(ST_MakePoint((facts ->> 'lon')::float8, (facts ->> 'lat')::float8), 4490);
    IF EXISTS (SELECT FROM case_default_points p WHERE ST_DWithin(p.geom, point, 1e-6)) THEN
      made.place := 'default_point';
    ELSE
      made.place := 'point';
      made.geom := point;
      -- Less accurate than a street is long is no point between two grids but a guess: at most the nearest eight.
      FOR near IN SELECT * FROM grids_near(point, greatest(coalesce((facts ->> 'border_m')::float8, 0),
                                                           least(coalesce(accuracy, 0), 500)),
                                           (at AT TIME ZONE 'UTC')::date) LIMIT 8 LOOP
        IF made.version_id IS NULL THEN
          made.community_id := near.community_id;
          made.version_id := near.version_id;
        END IF;
        IF near.code = asked THEN
          made.community_id := near.community_id;
          made.version_id := near.version_id;
          made.grid := near.code;
        END IF;
        made.choices := made.choices || near.code;
      END LOOP;
    END IF;
  END IF;
  IF asked IS NOT NULL AND made.grid IS NULL AND made.geom IS NOT NULL THEN
    RAISE EXCEPTION 'the point is not at that grid'
      USING ERRCODE = 'invalid_parameter_value', CONSTRAINT = 'grid_not_near';
  END IF;
  IF made.grid IS NULL AND cardinality(made.choices) = 1 THEN
    made.grid := made.choices[1];
  END IF;
  IF made.grid IS NOT NULL OR made.choices IS NULL THEN
    made.choices := '{}';
  END IF;
  IF made.community_id IS NOT NULL THEN
    SELECT * INTO found_place FROM divisions WHERE id = made.community_id;
  ELSIF made.geom IS NOT NULL THEN
    SELECT * INTO found_place FROM divisions
      WHERE level = 'community' AND ST_Intersects(geom, made.geom) ORDER BY code LIMIT 1;
  END IF;
  IF found_place.id IS NULL AND facts ? 'area' THEN
    SELECT * INTO found_place FROM divisions WHERE code = facts ->> 'area';
    IF asked IS NOT NULL THEN
      SELECT g.version_id, g.code INTO made.version_id, made.grid
        FROM grids g JOIN versions v ON v.id = g.version_id
        WHERE g.code = asked AND g.community_id = found_place.id AND v.state IN ('published', 'superseded')
          AND daterange(v.valid_from, v.valid_to) @> (at AT TIME ZONE 'UTC')::date;
      IF made.grid IS NULL THEN
        RAISE EXCEPTION 'there is no such grid'
          USING ERRCODE = 'invalid_parameter_value', CONSTRAINT = 'grid_not_near';
      END IF;
    END IF;
  END IF;
  IF found_place.id IS NULL OR may_report(rule.roles, found_place.path) IS NOT TRUE THEN
    IF found_place.path <@ ANY (case_areas()) THEN
      RAISE EXCEPTION 'not allowed to report there' USING ERRCODE = 'insufficient_privilege';
    END IF;
    -- Whose area it is, is not told.
    RAISE EXCEPTION 'the place lies in no area where the actor reports'
      USING ERRCODE = 'invalid_parameter_value', CONSTRAINT = 'outside_areas';
  END IF;
  made.community_id := CASE WHEN found_place.level = 'community' THEN found_place.id END;
  IF facts ->> 'rework_of' IS NOT NULL
     AND NOT EXISTS (SELECT FROM cases c WHERE c.number = facts ->> 'rework_of' AND sees_case(c)) THEN
    RAISE EXCEPTION 'there is no such case' USING ERRCODE = 'invalid_parameter_value', CONSTRAINT = 'no_such_case';
  END IF;

  INSERT INTO cases (
    number, kind, edition, category, condition, state, area_id, area, community_id, version_id, grid, choices, place,
    geom, accuracy_m, channel, external_number, mode, text, address, reported_by, reported_at, response_due_at,
    due_at, rework_of, updated_at)
  SELECT case_number(county_of(found_place.path), coalesce((facts ->> 'day')::date, (now_at AT TIME ZONE 'UTC')::date)),
         k.kind, k.edition, k.category, (facts ->> 'condition')::smallint, rule.to_state, found_place.id,
         found_place.path, made.community_id, made.version_id, made.grid, made.choices, made.place, made.geom,
         accuracy, facts ->> 'channel', facts ->> 'external_number', coalesce(facts ->> 'mode', mode_at(found_place.path, at)),
         coalesce(facts ->> 'text', ''), facts ->> 'address', actor(), at,
         (facts ->> 'response_due_at')::timestamptz, (facts ->> 'due_at')::timestamptz, facts ->> 'rework_of', now_at
  FROM case_categories k WHERE k.edition = facts ->> 'edition' AND k.category = facts ->> 'category'
  ON CONFLICT (channel, external_number) WHERE external_number IS NOT NULL DO NOTHING
  RETURNING * INTO made;
  IF NOT FOUND THEN
    SELECT * INTO made FROM cases c
      WHERE c.channel = facts ->> 'channel' AND c.external_number = facts ->> 'external_number';
    IF NOT FOUND THEN
      RAISE EXCEPTION 'there is no such category'
        USING ERRCODE = 'invalid_parameter_value', CONSTRAINT = 'no_such_category';
    ELSIF sees_case(made) IS NOT TRUE THEN
      RAISE EXCEPTION 'the number is taken' USING ERRCODE = 'unique_violation', CONSTRAINT = 'cases_external';
    END IF;
    RETURN case_receipt(made) || '{"created": false}';
  END IF;

  told := jsonb_strip_nulls(jsonb_build_object(
    'state', made.state, 'edition', made.edition, 'category', made.category, 'condition', made.condition,
    'kind', made.kind, 'channel', made.channel, 'external_number', made.external_number, 'mode', made.mode,
    'text', made.text, 'address', made.address, 'place', made.place, 'area', found_place.code,
    'lon', ST_X(made.geom), 'lat', ST_Y(made.geom), 'accuracy_m', made.accuracy_m, 'version', made.version_id,
    'grid', made.grid, 'choices', CASE WHEN made.choices <> '{}' THEN to_jsonb(made.choices) END,
    'response_due_at', made.response_due_at, 'due_at', made.due_at, 'rework_of', made.rework_of,
    'at', CASE WHEN at <> now_at THEN at END));
  -- What the figures ask of a report stands in its own columns: the trigger on the log, which folds whatever is
  -- written there, is told to stand back and costs four times as much for a single entry (0003_figures.sql).
  PERFORM set_config('weige.facts', 'written', true);
  PERFORM append_case_event(made.number, 1, sha256(convert_to('case ' || made.number, 'UTF8')), now_at,
                            made.area_id, rule.step, told);
  PERFORM set_config('weige.facts', '', true);
  INSERT INTO case_facts (case_id, area_id, kind, mode, category, grid, state, reported_at, accepted_at, due_at,
                          close_due_at, original_due_at, revision)
  VALUES (made.number, made.area_id, made.kind, made.mode, made.category, coalesce(made.grid, ''), made.state,
          made.reported_at, CASE WHEN made.state = 'reported' THEN made.reported_at END, made.due_at, made.due_at,
          made.due_at, 1);
  PERFORM tell_case(made, rule.step);
  RETURN case_receipt(made) || '{"created": true}';
END $$;

-- What whoever reported is told.
CREATE FUNCTION case_receipt(c cases) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN jsonb_build_object(
    'number', c.number, 'state', c.state, 'revision', c.revision, 'place', c.place,
    'area', (SELECT code FROM divisions WHERE id = c.area_id), 'community_id', c.community_id, 'grid', c.grid,
    'question', CASE WHEN c.choices <> '{}' THEN to_jsonb(c.choices) END,
    'reported_at', c.reported_at, 'response_due_at', c.response_due_at, 'due_at', c.due_at);
END $$;

-- Whether the actor may take a step with a case, by role, area and department.
CREATE FUNCTION may_step(c cases, roles text[]) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT c.area <@ ANY (areas(VARIADIC array_remove(roles, 'handler')))
      OR ('own' = ANY (roles) AND (c.reported_by = actor()) IS TRUE)
      OR ('handler' = ANY (roles) AND c.holder IS NOT NULL AND handles_for(ARRAY[c.holder], c.area))
$$;

CREATE FUNCTION need_of_case(met boolean, need text) RETURNS void LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF met IS NOT TRUE THEN
    RAISE EXCEPTION 'the step needs %', need
      USING ERRCODE = 'invalid_parameter_value', CONSTRAINT = 'case_needs_' || need;
  END IF;
END $$;

-- Take one step with a case: rights, table of steps, log, projection and event in one round trip.
--
-- `carried`: note, reason, to, of, until, outcome, due_at, category, condition, grid, rating, rule (of dispatch, that
-- named the department), department and level (of a whistle); what else it holds is left out. `known`: the revision
-- that the actor saw, null for any. Null where there is no such case for the actor.
CREATE FUNCTION step_case(which text, taken text, carried jsonb, known bigint DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = weige, public, pg_temp AS $$
DECLARE
  now_at timestamptz;
  c cases;
  rule case_steps;
  target text;
  last log;
  other cases;
  need text;
  effect text;
  said jsonb;
BEGIN
  SELECT * INTO c FROM cases WHERE number = which FOR UPDATE;
  IF NOT FOUND OR sees_case(c) IS NOT TRUE THEN
    RETURN NULL;
  END IF;
  IF known <> c.revision THEN
    RAISE EXCEPTION 'somebody took a step meanwhile' USING ERRCODE = 'serialization_failure';
  END IF;
  SELECT * INTO rule FROM case_steps WHERE step = taken AND from_state = c.state;
  IF NOT FOUND THEN
    RAISE EXCEPTION '% cannot be taken in %', taken, c.state
      USING ERRCODE = 'check_violation', CONSTRAINT = 'case_step';
  END IF;
  IF may_step(c, rule.roles) IS NOT TRUE THEN
    RAISE EXCEPTION 'not allowed to take this step' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF 'handlers' = ANY (rule.others_than) AND actor() = ANY (c.handlers) THEN
    RAISE EXCEPTION 'whoever handled a case does not judge it'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'verifier_is_handler';
  END IF;
  -- Where a case is passed along with nobody acting, nobody can be told from the handlers.
  IF rule.others_than <> '{}' AND actor() IS NULL THEN
    RAISE EXCEPTION 'somebody must answer for it' USING ERRCODE = 'insufficient_privilege';
  END IF;

  said := jsonb_strip_nulls(jsonb_build_object(
    'note', carried ->> 'note', 'reason', carried ->> 'reason', 'to', carried ->> 'to', 'of', carried ->> 'of',
    'until', (carried ->> 'until')::timestamptz, 'outcome', carried ->> 'outcome',
    'due_at', (carried ->> 'due_at')::timestamptz, 'category', carried ->> 'category',
    'condition', (carried ->> 'condition')::smallint, 'grid', carried ->> 'grid',
    'rating', (carried ->> 'rating')::smallint, 'rule', (carried ->> 'rule')::bigint,
    'department', carried ->> 'department', 'level', carried ->> 'level'));
  IF tells_a_person(said ->> 'note') OR tells_a_person(said ->> 'to') THEN
    RAISE EXCEPTION 'the note tells of a person'
      USING ERRCODE = 'invalid_parameter_value', CONSTRAINT = 'impersonal_text';
  END IF;
  IF said ? 'rule' AND names_department((said ->> 'rule')::bigint, c.area, said ->> 'to') IS NOT TRUE THEN
    RAISE EXCEPTION 'that rule does not say so'
      USING ERRCODE = 'invalid_parameter_value', CONSTRAINT = 'not_of_that_rule';
  END IF;
  FOREACH need IN ARRAY rule.needs LOOP
    CASE need
      WHEN 'note' THEN PERFORM need_of_case(length(btrim(said ->> 'note')) BETWEEN 1 AND 500, need);
      WHEN 'reason' THEN PERFORM need_of_case(said ->> 'reason' = ANY (rule.reasons), need);
      WHEN 'outcome' THEN PERFORM need_of_case(said ->> 'outcome' = ANY (rule.reasons), need);
      WHEN 'to' THEN PERFORM need_of_case(said ->> 'to' ~ '^[^[:cntrl:]]{1,200}$', need);
      WHEN 'until' THEN PERFORM need_of_case((said ->> 'until')::timestamptz > clock_timestamp(), need);
      WHEN 'due' THEN PERFORM need_of_case(said ? 'due_at' AND (said ->> 'due_at')::timestamptz > c.due_at, need);
      WHEN 'visit_or_reason' THEN
        PERFORM need_of_case(c.visit IS NOT NULL AND c.visit <> 'unreachable'
                             OR said ->> 'reason' = ANY (rule.reasons), need);
      WHEN 'grace' THEN
        PERFORM need_of_case(clock_timestamp() <= c.closed_at + make_interval(days => rule.grace_days), need);
      WHEN 'rating' THEN PERFORM need_of_case((said ->> 'rating')::smallint BETWEEN 1 AND 5, need);
      WHEN 'held' THEN PERFORM need_of_case(c.holder IS NOT NULL, need);
      WHEN 'unheld' THEN PERFORM need_of_case(c.holder IS NULL, need);
      WHEN 'of' THEN
        SELECT * INTO other FROM cases o WHERE o.number = said ->> 'of';
        PERFORM need_of_case(FOUND AND sees_case(other) AND other.number <> c.number
                             AND other.duplicate_of IS NULL, need);
      WHEN 'category' THEN
        PERFORM need_of_case(EXISTS (SELECT FROM case_categories k
                                     WHERE k.edition = c.edition AND k.category = said ->> 'category'), need);
      WHEN 'grid' THEN
        PERFORM need_of_case(EXISTS (
          SELECT FROM grids g WHERE g.version_id = c.version_id AND g.code = said ->> 'grid'
          UNION ALL SELECT FROM unnest(c.choices) choice WHERE choice = said ->> 'grid'), need);
      ELSE RAISE EXCEPTION 'nobody knows how to meet the need %', need;
    END CASE;
  END LOOP;

  target := CASE rule.to_state WHEN 'same' THEN c.state WHEN 'before' THEN c.before ELSE rule.to_state END;
  SELECT * INTO last FROM log WHERE stream = 'case' AND chain = c.number ORDER BY seq DESC LIMIT 1;
  -- Later than the entry before, whatever a clock that was set back says.
  now_at := greatest(clock_timestamp(), last.at + interval '1 microsecond');
  said := said || jsonb_build_object('from', c.state, 'state', target);

  FOREACH effect IN ARRAY rule.effects LOOP
    CASE effect
      WHEN 'receive' THEN
        c.holder := said ->> 'to';
        c.receivers := c.receivers || c.holder;
      WHEN 'handle', 'approve' THEN
        IF actor() IS NOT NULL AND NOT actor() = ANY (c.handlers) THEN
          c.handlers := c.handlers || actor();
        END IF;
      WHEN 'verify' THEN c.verifier := actor();
      WHEN 'rework' THEN
        c.reworks := c.reworks + 1;
        c.handled_at := NULL;
        c.verifier := NULL;
        c.visit := NULL;
      WHEN 'visit' THEN c.visit := said ->> 'outcome';
      WHEN 'close', 'end' THEN c.closed_at := now_at;
      WHEN 'reopen' THEN
        c.reopenings := c.reopenings + 1;
        c.closed_at := NULL;
        c.handled_at := NULL;
        c.verifier := NULL;
        c.visit := NULL;
        c.duplicate_of := NULL;
      WHEN 'duplicate' THEN c.duplicate_of := said ->> 'of';
      WHEN 'due' THEN c.due_at := (said ->> 'due_at')::timestamptz;
      WHEN 'stop' THEN
        c.before := c.state;
        c.due_at := NULL;
      WHEN 'park' THEN c.parked_until := (said ->> 'until')::timestamptz;
      WHEN 'extend' THEN c.extensions := c.extensions + 1;
      WHEN 'classify' THEN
        SELECT k.category, k.kind INTO c.category, c.kind FROM case_categories k
          WHERE k.edition = c.edition AND k.category = said ->> 'category';
        c.condition := (said ->> 'condition')::smallint;
      WHEN 'place' THEN
        c.grid := said ->> 'grid';
        c.choices := '{}';
      ELSE RAISE EXCEPTION 'nobody knows the effect %', effect;
    END CASE;
  END LOOP;
  IF rule.to_state = 'before' THEN
    c.before := NULL;
    c.parked_until := NULL;
  END IF;
  IF target <> c.state THEN
    IF target IN ('accepted', 'dispatched', 'cancelled') THEN
      c.responded_at := coalesce(c.responded_at, now_at);
    END IF;
    IF target IN ('accepted', 'dispatched') AND c.filed_at IS NULL THEN
      c.filed_at := now_at;
    ELSIF target = 'handled' THEN
      c.handled_at := now_at;
    END IF;
  END IF;
  c.state := target;
  c.revision := last.seq + 1;

  PERFORM append_case_event(c.number, c.revision, last.hash, now_at, c.area_id, taken, said);
  UPDATE cases SET
    state = c.state, before = c.before, kind = c.kind, category = c.category, condition = c.condition, grid = c.grid,
    choices = c.choices, responded_at = c.responded_at, filed_at = c.filed_at, handled_at = c.handled_at,
    closed_at = c.closed_at, due_at = c.due_at, parked_until = c.parked_until, receivers = c.receivers,
    holder = c.holder, handlers = c.handlers, verifier = c.verifier, visit = c.visit, reworks = c.reworks,
    reopenings = c.reopenings, extensions = c.extensions, duplicate_of = c.duplicate_of,
    exceptions = CASE WHEN rule.is_exception THEN exceptions || taken ELSE exceptions END,
    revision = c.revision, updated_at = now_at
  WHERE id = c.id RETURNING * INTO c;
  -- Those that were linked to this one are linked to what it is a duplicate of: a chain leads nowhere.
  IF 'duplicate' = ANY (rule.effects)
     AND EXISTS (SELECT FROM cases o WHERE o.duplicate_of = c.number) THEN
    RAISE EXCEPTION 'others are duplicates of this case'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'case_has_duplicates';
  END IF;
  PERFORM tell_case(c, taken);
  RETURN case_receipt(c);
END $$;
CREATE INDEX cases_duplicates ON cases (duplicate_of) WHERE duplicate_of IS NOT NULL;
CREATE INDEX cases_reworks ON cases (rework_of) WHERE rework_of IS NOT NULL;

-- Digests ------------------------------------------------------------------------------------------------

-- Put a digest over the entries of cases that came since the last one into the chain of digests. It names the range
-- of ids, those that were missing (taken back, or not yet committed) and those that came late, so that whoever deletes
-- a case with its whole chain leaves a digest that does not fit. Null where there is nothing new.
CREATE FUNCTION digest_cases(most bigint DEFAULT 200000) RETURNS bigint LANGUAGE plpgsql
SET search_path = weige, public, pg_temp AS $$
DECLARE
  last jsonb;
  first_id bigint;
  last_id bigint;
  holes jsonb;
  late bigint[];
  told jsonb;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtextextended('weige.digest_cases', 0)) THEN
    RETURN NULL;
  END IF;
  SELECT body INTO last FROM log WHERE stream = 'case_digest' AND chain = 'all' ORDER BY seq DESC LIMIT 1;
  first_id := coalesce((last ->> 'to')::bigint, 0) + 1;
  -- By entries of cases: neither a load that was taken back nor other streams stop the digests, however many ids
  -- they used up.
  SELECT coalesce(max(id), first_id - 1) INTO last_id
    FROM (SELECT id FROM log WHERE stream = 'case' AND id >= first_id ORDER BY id LIMIT most) fresh;
  -- Ids of earlier ranges that were missing and are there now; what misses for two hours never comes.
  SELECT coalesce(array_agg(l.id ORDER BY l.id), '{}') INTO late
    FROM (SELECT DISTINCT l.id
          FROM log d, jsonb_array_elements(d.body -> 'holes') r
            JOIN log l ON l.stream = 'case' AND l.id BETWEEN (r ->> 0)::bigint AND (r ->> 1)::bigint
          WHERE d.stream = 'case_digest' AND d.chain = 'all' AND d.at > now() - interval '2 hours') l
    WHERE NOT EXISTS (SELECT FROM log d WHERE d.stream = 'case_digest' AND d.at > now() - interval '3 hours'
                                          AND d.body -> 'late' @> to_jsonb(l.id));
  IF late = '{}' AND last_id < first_id THEN
    RETURN NULL;
  END IF;
  SELECT coalesce(jsonb_agg(jsonb_build_array(gap.a, gap.b) ORDER BY gap.a), '[]') INTO holes
    FROM (SELECT lag(id, 1, first_id - 1) OVER (ORDER BY id) + 1 AS a, id - 1 AS b
          FROM log WHERE id BETWEEN first_id AND last_id) gap
    WHERE gap.a <= gap.b;
  SELECT jsonb_build_object(
      'from', first_id, 'to', last_id, 'holes', holes, 'late', to_jsonb(late), 'entries', count(*),
      'cases', count(*) FILTER (WHERE seq = 1),
      'sha256', encode(sha256(convert_to(coalesce(
        string_agg(id || ' ' || encode(hash, 'hex'), E'\n' ORDER BY id), ''), 'UTF8')), 'hex'))
    INTO told FROM log WHERE stream = 'case' AND (id BETWEEN first_id AND last_id OR id = ANY (late));
  RETURN log_append('case_digest', 'all', 'digest', told);
END $$;

-- Import -------------------------------------------------------------------------------------------------

-- Where the rows of an import wait for the rest of it. Rows come in by COPY; nobody reads them but import_cases.
CREATE UNLOGGED TABLE case_arrivals (
  batch uuid NOT NULL,
  position integer NOT NULL,
  external_number text,
  category text NOT NULL,
  condition smallint,
  text text NOT NULL,
  address text,
  area_id bigint NOT NULL,
  version_id uuid,
  grid text,
  choices text[] NOT NULL,
  place text NOT NULL,
  geom geometry(Point, 4490),
  accuracy_m real,
  reported_at timestamptz NOT NULL,
  response_due_at timestamptz,
  due_at timestamptz,
  day date NOT NULL
);
CREATE INDEX case_arrivals_batch ON case_arrivals (batch);

CREATE FUNCTION import_cases(batch_id uuid, edition_name text, channel_name text) RETURNS TABLE (added bigint, known bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = weige, public, pg_temp AS $$
DECLARE
  now_at timestamptz := clock_timestamp();
  outside text;
BEGIN
  SELECT min(d.code) INTO outside FROM (SELECT DISTINCT area_id FROM case_arrivals WHERE batch = batch_id) a
    JOIN divisions d ON d.id = a.area_id WHERE NOT d.path <@ ANY (areas('dispatcher', 'admin'));
  IF outside IS NOT NULL THEN
    RAISE EXCEPTION 'not allowed to import there' USING ERRCODE = 'insufficient_privilege';
  END IF;
  PERFORM set_config('weige.facts', 'written', true);  -- as in report_case
  WITH arrived AS (
    DELETE FROM case_arrivals WHERE batch = batch_id RETURNING *
  ), heads AS (
    SELECT d.id, d.path, d.level, d.code, county_of(d.path) AS county
    FROM divisions d WHERE d.id IN (SELECT area_id FROM arrived)
  ), filed AS (
    INSERT INTO cases (
      number, kind, edition, category, condition, state, area_id, area, community_id, version_id, grid, choices, place,
      geom, accuracy_m, channel, external_number, mode, text, address, reported_by, reported_at, response_due_at, due_at,
      updated_at)
    SELECT case_number(h.county, a.day),
           k.kind, k.edition, k.category, a.condition, 'reported', a.area_id, h.path,
           CASE WHEN h.level = 'community' THEN h.id END, a.version_id, a.grid, a.choices, a.place, a.geom,
           a.accuracy_m, channel_name, a.external_number,
           CASE WHEN (SELECT EXISTS (SELECT FROM area_modes)) THEN mode_at(h.path, a.reported_at) ELSE 'routine' END, a.text, a.address, actor(), a.reported_at,
           a.response_due_at, a.due_at, now_at
    FROM arrived a JOIN heads h ON h.id = a.area_id
      JOIN case_categories k ON k.edition = edition_name AND k.category = a.category
    ORDER BY a.position
    ON CONFLICT (channel, external_number) WHERE external_number IS NOT NULL DO NOTHING
    RETURNING *
  ), entries AS (
    SELECT f.number, f.area_id, sha256(convert_to('case ' || f.number, 'UTF8')) AS previous,
      jsonb_strip_nulls(jsonb_build_object(
        'state', f.state, 'edition', f.edition, 'category', f.category, 'condition', f.condition, 'kind', f.kind,
        'channel', f.channel, 'external_number', f.external_number, 'mode', f.mode, 'text', f.text,
        'address', f.address, 'place', f.place, 'area', h.code, 'lon', ST_X(f.geom), 'lat', ST_Y(f.geom),
        'accuracy_m', f.accuracy_m, 'version', f.version_id, 'grid', f.grid,
        'choices', CASE WHEN f.choices <> '{}' THEN to_jsonb(f.choices) END,
        'response_due_at', f.response_due_at, 'due_at', f.due_at, 'at', f.reported_at)) AS body
    FROM filed f JOIN heads h ON h.id = f.area_id
  ), logged AS (
    INSERT INTO log (stream, chain, seq, at, actor, community_id, action, body, previous, hash)
    SELECT 'case', e.number, 1, now_at, actor(), e.area_id, 'report', e.body, e.previous,
           log_hash('case', e.number, 1, now_at, actor(), e.area_id, 'report', e.body, e.previous)
    FROM entries e
  ), facts AS (
    INSERT INTO case_facts (case_id, area_id, kind, mode, category, grid, state, reported_at, accepted_at, due_at,
                            close_due_at, original_due_at, revision)
    SELECT f.number, f.area_id, f.kind, f.mode, f.category, coalesce(f.grid, ''), f.state, f.reported_at,
           f.reported_at, f.due_at, f.due_at, f.due_at, 1
    FROM filed f
  ), told AS (
    INSERT INTO events (community_id, area, kind, roles, body)
    SELECT f.community_id, f.area, 'case.imported', case_readers(), jsonb_build_object('cases', count(*))
    FROM filed f GROUP BY f.community_id, f.area
  )
  SELECT (SELECT count(*) FROM filed), (SELECT count(*) FROM arrived) - (SELECT count(*) FROM filed)
    INTO added, known;
  PERFORM set_config('weige.facts', '', true);
  RETURN NEXT;
END $$;

INSERT INTO job_kinds VALUES ('cases', '{dispatcher,admin}');

-- Row-level security -------------------------------------------------------------------------------------

ALTER TABLE cases ENABLE ROW LEVEL SECURITY;
CREATE POLICY read ON cases FOR SELECT TO weige_app USING (
  area <@ ANY ((SELECT case_areas())::ltree[]) OR reported_by = (SELECT actor()) OR handles_for(receivers, area));

-- The log of a case is for those who see the case.
CREATE POLICY of_cases ON log AS RESTRICTIVE FOR SELECT TO weige_app USING (
  stream <> 'case' OR EXISTS (SELECT FROM cases c WHERE c.number = log.chain));

ALTER TABLE case_intake ENABLE ROW LEVEL SECURITY;
CREATE POLICY read ON case_intake FOR SELECT TO weige_app USING (division_id IN (SELECT readable()));
CREATE POLICY add ON case_intake FOR INSERT TO weige_app WITH CHECK (division_id IN (SELECT administered()));
CREATE POLICY change ON case_intake FOR UPDATE TO weige_app USING (division_id IN (SELECT administered()));
CREATE POLICY remove ON case_intake FOR DELETE TO weige_app USING (division_id IN (SELECT administered()));

GRANT SELECT ON case_states, case_steps, case_editions, case_categories, case_conditions, case_default_points, cases
  TO weige_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON case_intake TO weige_app;
GRANT INSERT ON case_arrivals TO weige_app;
