-- The store: divisions, units, plans and their versions, stations, people, jobs, logs, events.
-- Rules that must hold whoever writes stand here, not only in Python.

CREATE EXTENSION IF NOT EXISTS postgis;
CREATE EXTENSION IF NOT EXISTS ltree;
CREATE EXTENSION IF NOT EXISTS btree_gist;

-- Roles belong to the whole cluster; another database of it may have made them already.
DO $$
BEGIN
  BEGIN CREATE ROLE weige_app NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END;
  BEGIN CREATE ROLE weige_public NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END;
  EXECUTE format('GRANT weige_app, weige_public TO %I', current_user);
END $$;

CREATE SCHEMA weige;
CREATE SCHEMA published;
GRANT USAGE ON SCHEMA weige TO weige_app;
GRANT USAGE ON SCHEMA published TO weige_app, weige_public;
SET LOCAL search_path = weige, public;

-- Division tree ----------------------------------------------------------------------------------------

CREATE TABLE division_levels (
  code text PRIMARY KEY,
  rank smallint NOT NULL UNIQUE
);
INSERT INTO division_levels VALUES
  ('all', 0), ('province', 1), ('city', 2), ('county', 3), ('street', 4), ('community', 5);

CREATE TABLE divisions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  parent_id bigint REFERENCES divisions,
  level text NOT NULL REFERENCES division_levels ON UPDATE CASCADE,
  code text NOT NULL UNIQUE CHECK (code <> ''),
  name text,
  path ltree NOT NULL UNIQUE,
  geom geometry(Geometry, 4490)
    CHECK (ST_IsValid(geom)) CHECK (GeometryType(geom) IN ('POLYGON', 'MULTIPOLYGON')),
  revision bigint NOT NULL DEFAULT 1,
  CHECK ((level = 'all') = (parent_id IS NULL))
);
CREATE UNIQUE INDEX one_root ON divisions ((true)) WHERE parent_id IS NULL;
CREATE INDEX divisions_path ON divisions USING gist (path);
CREATE INDEX divisions_geom ON divisions USING gist (geom);
CREATE INDEX divisions_parent ON divisions (parent_id);

-- The path is made of ids, from the root down, and follows from the parent: nobody writes it.
CREATE FUNCTION place_division() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
DECLARE
  above divisions;
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.parent_id IS DISTINCT FROM OLD.parent_id THEN
    RAISE EXCEPTION 'a division does not move' USING ERRCODE = 'check_violation', CONSTRAINT = 'division_moves';
  END IF;
  IF NEW.parent_id IS NULL THEN
    NEW.path := NEW.id::text::ltree;
    RETURN NEW;
  END IF;
  SELECT * INTO above FROM divisions WHERE id = NEW.parent_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no division %', NEW.parent_id
      USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'division_parent';
  END IF;
  IF (SELECT rank FROM division_levels WHERE code = above.level)
     >= (SELECT rank FROM division_levels WHERE code = NEW.level) THEN
    RAISE EXCEPTION 'a % cannot stand below a %', NEW.level, above.level
      USING ERRCODE = 'check_violation', CONSTRAINT = 'division_rank';
  END IF;
  NEW.path := above.path || NEW.id::text;
  RETURN NEW;
END $$;
CREATE TRIGGER place_division BEFORE INSERT OR UPDATE ON divisions FOR EACH ROW EXECUTE FUNCTION place_division();
INSERT INTO divisions (level, code) VALUES ('all', 'all');

-- People: accounts of posts, never residents -----------------------------------------------------------

CREATE TABLE users (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL UNIQUE CHECK (name ~ '^[^[:cntrl:][:space:]]{1,64}$'),
  password_hash text,
  disabled_at timestamptz,
  created_by bigint REFERENCES users,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE grants (
  user_id bigint NOT NULL REFERENCES users,
  role text NOT NULL CHECK (role IN ('viewer', 'reporter', 'grid_worker', 'dispatcher', 'handler', 'verifier',
                                     'inspector', 'planner', 'admin', 'auditor')),
  division_id bigint NOT NULL REFERENCES divisions,
  -- Of a handler: the department or company it acts for.
  department text NOT NULL DEFAULT '' CHECK (length(department) <= 200),
  PRIMARY KEY (user_id, role, division_id, department),
  CONSTRAINT department_of_handler CHECK ((role = 'handler') = (department <> ''))
);
CREATE INDEX grants_division ON grants (division_id);

-- What opens a door: browser sessions, tokens of machines, one-time links. Only hashes are kept.
CREATE TABLE keys (
  token_sha256 bytea PRIMARY KEY CHECK (length(token_sha256) = 32),
  id bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  user_id bigint NOT NULL REFERENCES users,
  kind text NOT NULL CHECK (kind IN ('session', 'token', 'link')),
  label text NOT NULL DEFAULT '' CHECK (length(label) <= 200),
  csrf_token text,
  created_by bigint REFERENCES users,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- Seen at work, to five minutes; a session that rests longer than idle_s has ended.
  used_at timestamptz NOT NULL DEFAULT now(),
  idle_s integer CHECK (idle_s > 0),
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz
);
CREATE INDEX keys_user ON keys (user_id);

-- Attempts to sign in, counted for all workers together; a key is the hash of an account or an address.
CREATE TABLE rate_counters (
  key text PRIMARY KEY,
  n integer NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX rate_counters_expiry ON rate_counters (expires_at);

-- Rights: who acts, and where, is set for each transaction -----------------------------------------------

-- What runs with every request is in PL/pgSQL: a session plans it once, where a function in SQL that cannot be
-- inlined is planned anew in each statement (0.2 ms for the next one).

-- What a user is granted now: role -> paths of divisions.
CREATE FUNCTION grants_of(holder bigint) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (SELECT coalesce(jsonb_object_agg(g.role, g.areas), '{}')
          FROM (SELECT gr.role, jsonb_agg(DISTINCT d.path::text) AS areas
                FROM grants gr JOIN divisions d ON d.id = gr.division_id
                WHERE gr.user_id = holder GROUP BY gr.role) g);
END $$;

-- Let the holder of a key act in this transaction: sets weige.actor and weige.grants, returns the user.
CREATE FUNCTION enter(token bytea, kinds text[]) RETURNS TABLE (user_id bigint, name text, csrf_token text, grants jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = weige, public, pg_temp AS $$
DECLARE
  last_used timestamptz;
BEGIN
  SELECT u.id, u.name, k.csrf_token, k.used_at, grants_of(u.id)
    INTO user_id, name, csrf_token, last_used, grants
    FROM keys k JOIN users u ON u.id = k.user_id
    WHERE k.token_sha256 = token AND k.kind = ANY (kinds) AND k.revoked_at IS NULL AND k.expires_at > now()
      AND (k.idle_s IS NULL OR k.used_at + make_interval(secs => k.idle_s) > now()) AND u.disabled_at IS NULL;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  -- Seldom, and without waiting: a page sends several requests at once.
  IF last_used < now() - interval '5 minutes' AND current_setting('transaction_read_only') = 'off' THEN
    UPDATE keys SET used_at = now() WHERE token_sha256 = (
      SELECT token_sha256 FROM keys WHERE token_sha256 = token FOR NO KEY UPDATE SKIP LOCKED);
  END IF;
  PERFORM act_as(user_id, grants);
  RETURN NEXT;
END $$;

CREATE FUNCTION act_as(actor bigint, grants jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('weige.actor', coalesce(actor::text, ''), true);
  PERFORM set_config('weige.grants', grants::text, true);
END $$;

CREATE FUNCTION actor() RETURNS bigint LANGUAGE sql STABLE AS
$$ SELECT nullif(current_setting('weige.actor', true), '')::bigint $$;

-- Areas in which the actor holds one of some roles.
CREATE FUNCTION areas(VARIADIC roles text[]) RETURNS ltree[] LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (SELECT coalesce(array_agg(area::public.ltree), '{}')
          FROM unnest(roles) AS role,
               jsonb_array_elements_text(
                 nullif(current_setting('weige.grants', true), '')::jsonb -> role) AS area);
END $$;

CREATE FUNCTION reading_areas() RETURNS ltree[] LANGUAGE sql STABLE AS $$
  SELECT weige.areas('viewer', 'grid_worker', 'dispatcher', 'handler', 'verifier', 'inspector', 'planner', 'admin',
                     'auditor')
$$;

-- Communities in some areas, whatever the caller may see of the tree.
CREATE FUNCTION divisions_in(places ltree[]) RETURNS SETOF bigint LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$ SELECT id FROM divisions WHERE path <@ ANY (places) $$;

CREATE FUNCTION readable() RETURNS SETOF bigint LANGUAGE sql STABLE AS
$$ SELECT weige.divisions_in(weige.reading_areas()) $$;
CREATE FUNCTION plannable() RETURNS SETOF bigint LANGUAGE sql STABLE AS
$$ SELECT weige.divisions_in(weige.areas('planner', 'admin')) $$;
CREATE FUNCTION administered() RETURNS SETOF bigint LANGUAGE sql STABLE AS
$$ SELECT weige.divisions_in(weige.areas('admin')) $$;

-- Whether the actor holds one of some roles everywhere.
CREATE FUNCTION everywhere(VARIADIC roles text[]) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
  SELECT (SELECT path FROM divisions WHERE parent_id IS NULL) = ANY (areas(VARIADIC roles))
$$;

-- Users with a grant in some places.
CREATE FUNCTION users_in(places ltree[]) RETURNS SETOF bigint LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
  SELECT g.user_id FROM grants g JOIN divisions d ON d.id = g.division_id WHERE d.path <@ ANY (places)
$$;

-- Users with no grant outside some places.
CREATE FUNCTION users_within(places ltree[]) RETURNS SETOF bigint LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
  SELECT g.user_id FROM grants g JOIN divisions d ON d.id = g.division_id
  GROUP BY g.user_id HAVING bool_and(d.path <@ ANY (places))
$$;

-- Users whom the actor administers: all their grants lie in his areas. Nobody administers himself.
CREATE FUNCTION managed() RETURNS SETOF bigint LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
  SELECT u.id FROM users u
  WHERE u.id <> actor() AND cardinality(areas('admin')) > 0
    AND (u.id IN (SELECT users_within(areas('admin')))
         OR ((u.created_by = actor() OR everywhere('admin'))
             AND NOT EXISTS (SELECT FROM grants g WHERE g.user_id = u.id)))
$$;

-- Units and what lies round them -------------------------------------------------------------------------

-- One edition of the units of a community, their cells and who can be reached from whom. Editions stay, so
-- that an old version keeps its ground.
CREATE TABLE grounds (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  community_id bigint NOT NULL REFERENCES divisions,
  loaded_at timestamptz NOT NULL DEFAULT now(),
  loaded_by bigint REFERENCES users,
  n_units integer NOT NULL CHECK (n_units >= 0),
  households integer NOT NULL CHECK (households >= 0),
  sha256 bytea NOT NULL CHECK (length(sha256) = 32),
  -- A draft that divides towers by floors stands on a ground of its own, made from one that was loaded: by the
  -- tower's id the bands of floors, none where bands that were loaded are one unit again.
  root_id bigint REFERENCES grounds,
  divisions jsonb NOT NULL DEFAULT '{}',
  CHECK ((root_id IS NULL) = (divisions = '{}')),
  -- The pairs of the adjacency as parallel arrays of unit numbers: always read whole, never by row.
  pair_left integer[] NOT NULL,
  pair_right integer[] NOT NULL,
  border_m real[] NOT NULL,
  crosses smallint[] NOT NULL,
  joins boolean[] NOT NULL,
  UNIQUE (community_id, id),
  UNIQUE (community_id, sha256),
  CHECK (cardinality(pair_left) = ALL (ARRAY[cardinality(pair_right), cardinality(border_m), cardinality(crosses),
                                             cardinality(joins)]))
);

-- Counts only. A column that tells who lives in a unit is refused by tests/api/test_privacy.py.
CREATE TABLE units (
  ground_id bigint NOT NULL REFERENCES grounds ON DELETE CASCADE,
  number integer NOT NULL CHECK (number >= 0),
  community_id bigint NOT NULL,
  unit_id text NOT NULL CHECK (unit_id <> ''),
  households integer NOT NULL CHECK (households >= 0),
  building_id text,
  compound_id text,
  address text,
  -- Of a band of floors: the tower it is of, its lowest and its highest floor.
  divided_from text CHECK (divided_from <> ''),
  floor_from smallint CHECK (floor_from >= 1),
  floor_to smallint CHECK (floor_to >= floor_from),
  CHECK (num_nulls(divided_from, floor_from, floor_to) IN (0, 3)),
  geom geometry(Geometry, 4490) CHECK (ST_IsValid(geom)),
  cell geometry(Geometry, 4490)
    CHECK (ST_IsValid(cell)) CHECK (GeometryType(cell) IN ('POLYGON', 'MULTIPOLYGON')),
  PRIMARY KEY (ground_id, number),
  UNIQUE (ground_id, unit_id),
  FOREIGN KEY (community_id, ground_id) REFERENCES grounds (community_id, id)
);
CREATE INDEX units_geom ON units USING gist (geom);
CREATE INDEX units_cell ON units USING gist (cell);

-- Layers as last loaded: a load replaces what lies in its communities.
CREATE TABLE roads (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text, road_class text, bridge boolean NOT NULL DEFAULT false,
  geom geometry(Geometry, 4490) NOT NULL CHECK (ST_IsValid(geom))
);
CREATE TABLE water (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text,
  geom geometry(Geometry, 4490) NOT NULL CHECK (ST_IsValid(geom))
);
CREATE TABLE barriers (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text,
  geom geometry(Geometry, 4490) NOT NULL CHECK (ST_IsValid(geom))
);
CREATE TABLE gates (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text,
  geom geometry(Geometry, 4490) NOT NULL CHECK (ST_IsValid(geom))
);
CREATE TABLE compounds (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, compound_id text,
  walled boolean NOT NULL DEFAULT true,
  geom geometry(Geometry, 4490) NOT NULL CHECK (ST_IsValid(geom))
);
CREATE INDEX roads_geom ON roads USING gist (geom);
CREATE INDEX water_geom ON water USING gist (geom);
CREATE INDEX barriers_geom ON barriers USING gist (geom);
CREATE INDEX gates_geom ON gates USING gist (geom);
CREATE INDEX compounds_geom ON compounds USING gist (geom);

-- Whether something lies, at least partly, in some communities, and whether it lies in no other besides;
-- whatever the caller may see of the tree.
CREATE FUNCTION lies_in(place geometry, communities bigint[]) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM divisions d WHERE d.id = ANY (communities) AND ST_Intersects(d.geom, place))
$$;
CREATE FUNCTION lies_only_in(place geometry, communities bigint[]) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = weige, public, pg_temp AS $$
  SELECT coalesce(bool_and(d.id = ANY (communities)), false)
  FROM divisions d WHERE d.level = 'community' AND ST_Intersects(d.geom, place)
$$;

-- Plans and their versions -------------------------------------------------------------------------------

CREATE TABLE plans (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  community_id bigint NOT NULL REFERENCES divisions,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  created_by bigint REFERENCES users,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (community_id, id)
);
CREATE INDEX plans_community ON plans (community_id);

CREATE TABLE versions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  plan_id uuid NOT NULL,
  community_id bigint NOT NULL,
  parent_id uuid REFERENCES versions,
  ground_id bigint NOT NULL,
  state text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'submitted', 'published', 'superseded')),
  valid_from date,
  valid_to date,
  min_households integer NOT NULL CHECK (min_households >= 1),
  max_households integer NOT NULL,
  seed bigint NOT NULL DEFAULT 0,
  -- Of what was loaded from a file, so that the same plan is known again; null: made here.
  loaded_sha256 bytea CHECK (length(loaded_sha256) = 32),
  revision bigint NOT NULL DEFAULT 1,
  created_by bigint REFERENCES users,
  created_at timestamptz NOT NULL DEFAULT now(),
  submitted_at timestamptz,
  published_at timestamptz,
  published_by bigint REFERENCES users,
  -- Set when it is published, for maps of small scale, which must not count grids.
  micro_grids integer,
  households integer,
  FOREIGN KEY (community_id, plan_id) REFERENCES plans (community_id, id),
  FOREIGN KEY (community_id, ground_id) REFERENCES grounds (community_id, id),
  UNIQUE (community_id, ground_id, id),
  UNIQUE (community_id, id),
  CHECK (min_households <= max_households),
  CHECK ((state IN ('published', 'superseded')) = (valid_from IS NOT NULL)),
  CHECK (valid_to IS NULL OR valid_from < valid_to),
  CHECK ((state = 'superseded') = (valid_to IS NOT NULL)),
  -- One published version for each community and day.
  CONSTRAINT one_published_version_a_day EXCLUDE USING gist (
    community_id WITH =, daterange(valid_from, valid_to) WITH &&
  ) WHERE (state IN ('published', 'superseded')) DEFERRABLE INITIALLY IMMEDIATE
);
CREATE INDEX versions_plan ON versions (plan_id, created_at);

-- A function, so that it says how many rows to expect: nothing in the statistics tells that almost every
-- community has a version in force, and where one row is expected the box of a tile is searched once for each.
CREATE FUNCTION versions_in_force(day date) RETURNS TABLE (id uuid, ground_id bigint)
LANGUAGE plpgsql STABLE ROWS 1000 SET search_path = weige, public, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT v.id, v.ground_id FROM versions v
    WHERE v.state IN ('published', 'superseded') AND daterange(v.valid_from, v.valid_to) @> day;
END $$;

CREATE TABLE grids (
  version_id uuid NOT NULL REFERENCES versions ON DELETE CASCADE,
  number integer NOT NULL CHECK (number >= 0),
  community_id bigint NOT NULL,
  code text NOT NULL CHECK (code <> ''),
  name text,
  kind text NOT NULL DEFAULT 'basic' CHECK (kind IN ('basic', 'special')),
  households integer NOT NULL CHECK (households >= 0),
  units integer NOT NULL CHECK (units >= 0),
  status text NOT NULL CHECK (status IN ('ok', 'too_small', 'too_large', 'exempt')),
  reason text,
  area_m2 double precision,
  perimeter_m double precision,
  compactness double precision,
  geom geometry(Geometry, 4490)
    CHECK (ST_IsValid(geom)) CHECK (GeometryType(geom) IN ('POLYGON', 'MULTIPOLYGON')),
  PRIMARY KEY (version_id, number),
  UNIQUE (version_id, code) DEFERRABLE INITIALLY IMMEDIATE,
  FOREIGN KEY (community_id, version_id) REFERENCES versions (community_id, id) ON DELETE CASCADE
);
CREATE INDEX grids_geom ON grids USING gist (geom);
CREATE INDEX grids_code ON grids (code);

-- The key lets a unit be in at most one grid of a version.
CREATE TABLE assignments (
  version_id uuid NOT NULL,
  unit_number integer NOT NULL,
  grid_number integer NOT NULL,
  community_id bigint NOT NULL,
  ground_id bigint NOT NULL,
  PRIMARY KEY (version_id, unit_number),
  FOREIGN KEY (version_id, grid_number) REFERENCES grids ON DELETE CASCADE DEFERRABLE INITIALLY IMMEDIATE,
  FOREIGN KEY (ground_id, unit_number) REFERENCES units,
  FOREIGN KEY (community_id, ground_id, version_id) REFERENCES versions (community_id, ground_id, id) ON DELETE CASCADE
);
CREATE INDEX assignments_grid ON assignments (version_id, grid_number) INCLUDE (unit_number);

CREATE TABLE findings (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  version_id uuid NOT NULL,
  community_id bigint NOT NULL,
  code text NOT NULL,
  severity text NOT NULL CHECK (severity IN ('error', 'warning', 'info')),
  grid_code text,
  unit_ids text[] NOT NULL DEFAULT '{}',
  details jsonb NOT NULL DEFAULT '{}',
  geom geometry(Point, 4490),
  accepted_by bigint REFERENCES users,
  accepted_at timestamptz,
  accepted_note text,
  CHECK ((accepted_at IS NULL) = (accepted_by IS NULL)),
  FOREIGN KEY (community_id, version_id) REFERENCES versions (community_id, id) ON DELETE CASCADE
);
CREATE INDEX findings_version ON findings (version_id);

-- What is expected of a draft: towers due for handover, demolitions. A what-if, which changes no plan.
CREATE TABLE expected_changes (
  version_id uuid NOT NULL,
  number integer NOT NULL CHECK (number >= 0),
  community_id bigint NOT NULL,
  day date NOT NULL,
  -- That come or, below 0, go; null: the unit is demolished.
  households integer CHECK (households <> 0),
  unit_id text CHECK (unit_id <> ''),
  place geometry(Point, 4490),
  note text NOT NULL DEFAULT '' CHECK (length(note) <= 500),
  PRIMARY KEY (version_id, number),
  CHECK (num_nonnulls(unit_id, place) = 1),
  CHECK (place IS NULL OR households > 0),
  FOREIGN KEY (community_id, version_id) REFERENCES versions (community_id, id) ON DELETE CASCADE
);

-- Only a version whose unassigned units all carry an accepted finding can be published.
CREATE FUNCTION require_units_assigned() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
DECLARE
  missing text;
  how_many bigint;
BEGIN
  SELECT min(u.unit_id), count(*) INTO missing, how_many
  FROM units u
  WHERE u.ground_id = NEW.ground_id
    AND NOT EXISTS (SELECT FROM assignments a WHERE a.version_id = NEW.id AND a.unit_number = u.number)
    AND NOT EXISTS (SELECT FROM findings f
                    WHERE f.version_id = NEW.id AND f.accepted_at IS NOT NULL AND u.unit_id = ANY (f.unit_ids));
  IF how_many > 0 THEN
    RAISE EXCEPTION '% units are in no grid and carry no accepted finding, the first is %', how_many, missing
      USING ERRCODE = 'check_violation', CONSTRAINT = 'units_unassigned';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER require_units_assigned AFTER INSERT OR UPDATE OF state ON versions
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.state = 'published')
  EXECUTE FUNCTION require_units_assigned();

-- Forward only; back to draft from submitted.
CREATE FUNCTION step_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
       ('draft', 'submitted'), ('submitted', 'draft'), ('submitted', 'published'), ('published', 'superseded')) THEN
    RAISE EXCEPTION 'a % version cannot become %', OLD.state, NEW.state
      USING ERRCODE = 'check_violation', CONSTRAINT = 'version_step';
  END IF;
  IF NEW.state = 'published' AND OLD.state <> 'published' THEN
    SELECT count(*), coalesce(sum(households), 0) INTO NEW.micro_grids, NEW.households
    FROM grids WHERE version_id = NEW.id;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER step_version BEFORE UPDATE OF state ON versions FOR EACH ROW EXECUTE FUNCTION step_version();

-- What was submitted or published stands: grids and assignments change in drafts only.
CREATE FUNCTION require_draft() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM versions v JOIN changed c ON c.version_id = v.id WHERE v.state <> 'draft') THEN
    RAISE EXCEPTION 'only a draft can be changed' USING ERRCODE = 'check_violation', CONSTRAINT = 'not_a_draft';
  END IF;
  RETURN NULL;
END $$;
DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['grids', 'assignments'] LOOP
    EXECUTE format('CREATE TRIGGER require_draft_insert AFTER INSERT ON %I REFERENCING NEW TABLE AS changed
                    FOR EACH STATEMENT EXECUTE FUNCTION require_draft()', name);
    EXECUTE format('CREATE TRIGGER require_draft_update AFTER UPDATE ON %I REFERENCING NEW TABLE AS changed
                    FOR EACH STATEMENT EXECUTE FUNCTION require_draft()', name);
    EXECUTE format('CREATE TRIGGER require_draft_delete AFTER DELETE ON %I REFERENCING OLD TABLE AS changed
                    FOR EACH STATEMENT EXECUTE FUNCTION require_draft()', name);
  END LOOP;
END $$;

-- Red stations -------------------------------------------------------------------------------------------

CREATE TABLE stations (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  community_id bigint NOT NULL REFERENCES divisions,
  station_id text NOT NULL UNIQUE CHECK (station_id <> ''),
  name text NOT NULL,
  type text,
  facilities text[] NOT NULL DEFAULT '{}',
  opening_hours text,
  revision bigint NOT NULL DEFAULT 1,
  geom geometry(Point, 4490) NOT NULL
);
CREATE INDEX stations_geom ON stations USING gist (geom);
CREATE INDEX stations_community ON stations (community_id);

-- What caches ask: how often a published layer was changed ------------------------------------------------

-- Transactions add rows and never wait for each other; the sum of `n` grows with each of them at its commit.
CREATE TABLE layer_changes (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  layer text NOT NULL,
  n bigint NOT NULL DEFAULT 1
);

CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
DECLARE
  mark text := 'weige.noted_' || TG_ARGV[0];
  entry bigint;
BEGIN
  IF coalesce(current_setting(mark, true), '') <> '' THEN
    RETURN NULL;  -- once a transaction
  END IF;
  PERFORM set_config(mark, 'yes', true);
  INSERT INTO layer_changes (layer) VALUES (TG_ARGV[0]) RETURNING id INTO entry;
  -- Now and then fold the rows of the past into one; the sum stays.
  IF entry % 256 = 0 AND pg_try_advisory_xact_lock(hashtextextended('layer_changes', 0)) THEN
    WITH gone AS (DELETE FROM layer_changes WHERE layer = TG_ARGV[0] AND id <> entry RETURNING n)
    UPDATE layer_changes SET n = n + (SELECT coalesce(sum(n), 0) FROM gone) WHERE id = entry;
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION layer_revision(VARIADIC layers text[]) RETURNS bigint LANGUAGE sql STABLE AS
$$ SELECT coalesce(sum(n), 0)::bigint FROM weige.layer_changes WHERE layer = ANY (layers) $$;

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['divisions', 'stations', 'roads', 'water'] LOOP
    EXECUTE format('CREATE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %I
                    FOR EACH STATEMENT EXECUTE FUNCTION note_change(%I)', name, name);
  END LOOP;
END $$;
-- Drafts are not on the published map.
CREATE TRIGGER note_new AFTER INSERT ON versions FOR EACH ROW
  WHEN (NEW.state IN ('published', 'superseded')) EXECUTE FUNCTION note_change('versions');
CREATE TRIGGER note_changed AFTER UPDATE ON versions FOR EACH ROW
  WHEN (NEW.state IN ('published', 'superseded')) EXECUTE FUNCTION note_change('versions');
CREATE TRIGGER note_gone AFTER DELETE ON versions FOR EACH ROW
  WHEN (OLD.state IN ('published', 'superseded')) EXECUTE FUNCTION note_change('versions');

-- Logs: append-only chains of hashes ---------------------------------------------------------------------

CREATE TABLE log (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  stream text NOT NULL,           -- audit, edits, case, case_digest
  chain text NOT NULL,            -- of edits the version, of cases the number, of audit the user
  seq bigint NOT NULL CHECK (seq >= 1),
  at timestamptz NOT NULL,
  actor bigint REFERENCES users,
  community_id bigint REFERENCES divisions,
  action text NOT NULL,
  body jsonb NOT NULL,
  previous bytea NOT NULL CHECK (length(previous) = 32),
  hash bytea NOT NULL CHECK (length(hash) = 32),
  UNIQUE (stream, chain, seq)
);
CREATE INDEX log_at ON log (stream, at);

-- What a hash covers: every column of the entry but its id, and the hash before.
CREATE FUNCTION log_hash(stream text, chain text, seq bigint, at timestamptz, actor bigint, community_id bigint,
                         action text, body jsonb, previous bytea)
RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN sha256(previous || convert_to(jsonb_build_array(
    stream, chain, seq, extract(epoch FROM at)::text, actor, community_id, action, body)::text, 'UTF8'));
END $$;

-- Append one entry; two writers of one chain wait for each other.
CREATE FUNCTION log_append(stream text, chain text, action text, body jsonb, community_id bigint DEFAULT NULL)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = weige, public, pg_temp AS $$
DECLARE
  last log;
  now_at timestamptz := clock_timestamp();
  before bytea;
  number bigint;
  entry bigint;
BEGIN
  -- Cases are stepped, and digests taken, by functions of their own.
  IF stream IN ('case', 'case_digest') AND current_setting('role') = 'weige_app' THEN
    RAISE EXCEPTION 'nobody writes to the log of cases' USING ERRCODE = 'insufficient_privilege';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended(stream || ' ' || chain, 0));
  SELECT * INTO last FROM log l WHERE l.stream = log_append.stream AND l.chain = log_append.chain
    ORDER BY seq DESC LIMIT 1;
  before := coalesce(last.hash, sha256(convert_to(stream || ' ' || chain, 'UTF8')));
  number := coalesce(last.seq, 0) + 1;
  INSERT INTO log (stream, chain, seq, at, actor, community_id, action, body, previous, hash)
  VALUES (stream, chain, number, now_at, actor(), log_append.community_id, log_append.action, log_append.body, before,
          log_hash(stream, chain, number, now_at, actor(), log_append.community_id, log_append.action,
                   log_append.body, before))
  RETURNING id INTO entry;
  RETURN entry;
END $$;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the log is append-only' USING ERRCODE = 'insufficient_privilege', CONSTRAINT = 'append_only';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON log
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Where a chain begins whose older entries were purged: their last number and hash.
CREATE TABLE log_anchors (
  stream text NOT NULL,
  chain text NOT NULL,
  seq bigint NOT NULL,
  hash bytea NOT NULL,
  purged_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (stream, chain)
);

-- An anchor is an entry of its chain, and moves forward only.
CREATE FUNCTION require_anchored() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND (NEW.stream, NEW.chain) = (OLD.stream, OLD.chain) AND NEW.seq > OLD.seq
     OR TG_OP = 'INSERT' THEN
    IF EXISTS (SELECT FROM log l
               WHERE (l.stream, l.chain, l.seq, l.hash) = (NEW.stream, NEW.chain, NEW.seq, NEW.hash)) THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION 'the log is append-only' USING ERRCODE = 'insufficient_privilege', CONSTRAINT = 'append_only';
END $$;
CREATE TRIGGER require_anchored BEFORE INSERT OR UPDATE OR DELETE ON log_anchors
  FOR EACH ROW EXECUTE FUNCTION require_anchored();
CREATE TRIGGER append_only BEFORE TRUNCATE ON log_anchors FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The audit log is kept at least 180 days (Cybersecurity Law, article 21: six months); other streams stay.
CREATE FUNCTION require_purgeable() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
BEGIN
  IF OLD.stream = 'audit' AND OLD.at < now() - interval '180 days'
     AND EXISTS (SELECT FROM log_anchors a
                 WHERE (a.stream, a.chain) = (OLD.stream, OLD.chain) AND a.seq >= OLD.seq) THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'the log is append-only' USING ERRCODE = 'insufficient_privilege', CONSTRAINT = 'append_only';
END $$;
CREATE TRIGGER require_purgeable BEFORE DELETE ON log FOR EACH ROW EXECUTE FUNCTION require_purgeable();

-- Delete audit entries before a time, but never the newest of a chain: the next one hangs on it.
CREATE FUNCTION purge_audit(before timestamptz) RETURNS bigint LANGUAGE plpgsql
SET search_path = weige, public, pg_temp AS $$
DECLARE
  purged bigint;
BEGIN
  INSERT INTO log_anchors (stream, chain, seq, hash)
    SELECT l.stream, l.chain, l.seq, l.hash
    FROM (SELECT chain, least(coalesce(min(seq) FILTER (WHERE at >= before), max(seq)), max(seq)) - 1 AS seq
          FROM log WHERE stream = 'audit' GROUP BY chain) last
    JOIN log l ON l.stream = 'audit' AND (l.chain, l.seq) = (last.chain, last.seq)
  ON CONFLICT (stream, chain) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, purged_at = now();
  DELETE FROM log l USING log_anchors a
    WHERE l.stream = 'audit' AND (a.stream, a.chain) = (l.stream, l.chain) AND l.seq <= a.seq;
  GET DIAGNOSTICS purged = ROW_COUNT;
  RETURN purged;
END $$;

-- One entry of the audit log, in the chain of whoever acts (else of whom it is about): ids, never words.
CREATE FUNCTION audit(action text, body jsonb, area bigint DEFAULT NULL, subject bigint DEFAULT NULL)
RETURNS void LANGUAGE sql SET search_path = weige, public, pg_temp AS $$
  SELECT log_append('audit', coalesce(actor(), subject, 0)::text, action, body, area)
$$;

CREATE FUNCTION audit_user() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
DECLARE
  about jsonb := jsonb_build_object('user', NEW.id);
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM audit('user_added', about, NULL, NEW.id);
    RETURN NULL;
  END IF;
  IF (NEW.disabled_at IS NULL) <> (OLD.disabled_at IS NULL) THEN
    PERFORM audit(CASE WHEN NEW.disabled_at IS NULL THEN 'user_enabled' ELSE 'user_disabled' END, about, NULL, NEW.id);
    UPDATE keys SET revoked_at = now() WHERE user_id = NEW.id AND revoked_at IS NULL AND NEW.disabled_at IS NOT NULL;
  END IF;
  IF NEW.password_hash IS DISTINCT FROM OLD.password_hash THEN
    PERFORM audit('password_set', about, NULL, NEW.id);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER audit_user AFTER INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION audit_user();

CREATE FUNCTION audit_grant() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
DECLARE
  what grants := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
BEGIN
  PERFORM audit(CASE TG_OP WHEN 'DELETE' THEN 'grant_removed' ELSE 'granted' END,
                jsonb_build_object('user', what.user_id, 'role', what.role, 'division', what.division_id),
                what.division_id, what.user_id);
  -- Who holds another's key shall not rise with him.
  IF TG_OP = 'INSERT' THEN
    UPDATE keys SET revoked_at = now()
      WHERE user_id = NEW.user_id AND kind <> 'session' AND revoked_at IS NULL
        AND created_by <> NEW.user_id AND created_by IS DISTINCT FROM actor();
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER audit_grant AFTER INSERT OR DELETE ON grants FOR EACH ROW EXECUTE FUNCTION audit_grant();

CREATE FUNCTION audit_key() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
DECLARE
  about jsonb := jsonb_build_object('user', NEW.user_id, 'key', NEW.id);
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM audit(CASE NEW.kind WHEN 'session' THEN 'signed_in' ELSE NEW.kind || '_made' END, about, NULL, NEW.user_id);
  ELSIF NEW.revoked_at IS NOT NULL AND OLD.revoked_at IS NULL THEN
    PERFORM audit(NEW.kind || '_ended', about, NULL, NEW.user_id);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER audit_key AFTER INSERT OR UPDATE OF revoked_at ON keys FOR EACH ROW EXECUTE FUNCTION audit_key();

CREATE FUNCTION audit_publication() RETURNS trigger LANGUAGE plpgsql SET search_path = weige, public, pg_temp AS $$
BEGIN
  PERFORM audit('published', jsonb_build_object('version', NEW.id), NEW.community_id, NEW.published_by);
  RETURN NULL;
END $$;
-- At the end of the transaction, so that a long one keeps nobody waiting for his chain.
CREATE CONSTRAINT TRIGGER audit_publication AFTER INSERT OR UPDATE OF state ON versions
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.state = 'published') EXECUTE FUNCTION audit_publication();

-- Events: what is told live. `number` is given after commit, one batch at a time, so that numbers become
-- visible in their order and "everything after N" misses nothing.
CREATE TABLE events (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  number bigint UNIQUE,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  community_id bigint,             -- without a key, as the user: an event is a message, not a record
  area ltree NOT NULL,
  kind text NOT NULL CHECK (kind ~ '^[a-z][a-z0-9_.]{0,63}$'),
  roles text[],                    -- null: all who may read the area
  user_id bigint,                  -- told to this user besides those of the roles; alone where roles is null
  body jsonb NOT NULL
);
CREATE INDEX events_waiting ON events (id) WHERE number IS NULL;
CREATE SEQUENCE event_numbers;

CREATE FUNCTION announce_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('weige_events_waiting', '');
  RETURN NULL;
END $$;
CREATE TRIGGER announce_events AFTER INSERT ON events FOR EACH STATEMENT EXECUTE FUNCTION announce_events();

-- Tell something to those who may read a division; whoever tells need not read it.
CREATE FUNCTION tell(kind text, body jsonb, division_id bigint, roles text[], user_id bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = weige, public, pg_temp AS $$
  INSERT INTO events (community_id, area, kind, roles, user_id, body)
  SELECT CASE WHEN d.level = 'community' THEN d.id END, d.path, tell.kind, tell.roles, tell.user_id, tell.body
  FROM divisions d WHERE d.id = division_id
$$;

-- Give committed events that wait their numbers, at most `most` at a time; return how many, null while another
-- does it. The lock is released after the numbers are visible, so the next batch is visible after this one.
CREATE FUNCTION number_events(most integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  how_many bigint;
  highest bigint;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtextextended('weige.number_events', 0)) THEN
    RETURN NULL;
  END IF;
  WITH waiting AS (
    SELECT w.id, nextval('weige.event_numbers') AS given
    FROM (SELECT id FROM weige.events WHERE number IS NULL ORDER BY id LIMIT most) w
  ), numbered AS (
    UPDATE weige.events e SET number = w.given FROM waiting w WHERE e.id = w.id RETURNING e.number
  )
  SELECT count(*), max(number) INTO how_many, highest FROM numbered;
  IF how_many > 0 THEN
    PERFORM pg_notify('weige_events', highest::text);
  END IF;
  RETURN how_many;
END $$;

-- Jobs ---------------------------------------------------------------------------------------------------

-- Who may start what: one of these roles over the area of the job.
CREATE TABLE job_kinds (
  kind text PRIMARY KEY,
  roles text[] NOT NULL
);
INSERT INTO job_kinds VALUES
  ('plan', '{planner,admin}'), ('load', '{planner,admin}'), ('import', '{planner,admin}'),
  ('proposal', '{planner,admin}'),
  ('check', '{viewer,grid_worker,dispatcher,inspector,planner,admin}'),
  ('map', '{viewer,grid_worker,dispatcher,inspector,planner,admin}');

CREATE FUNCTION may_start(job_kind text, area_id bigint) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM job_kinds k, divisions d
                 WHERE k.kind = job_kind AND d.id = area_id AND d.path <@ ANY (areas(VARIADIC k.roles)))
$$;

CREATE TABLE jobs (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  kind text NOT NULL REFERENCES job_kinds,
  area_id bigint NOT NULL REFERENCES divisions,
  params jsonb NOT NULL DEFAULT '{}',
  state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
  stage text,
  done bigint NOT NULL DEFAULT 0,
  total bigint NOT NULL DEFAULT 0,
  result jsonb,
  problem jsonb,
  file text,                       -- result file, a name inside the data folder
  attempts integer NOT NULL DEFAULT 0,
  cancel_requested boolean NOT NULL DEFAULT false,
  worker text,
  lease_until timestamptz,
  created_by bigint REFERENCES users,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  started_at timestamptz,
  finished_at timestamptz
);
CREATE INDEX jobs_waiting ON jobs (created_at) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_created ON jobs (created_by, created_at);

CREATE FUNCTION announce_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('weige_jobs', '');
  RETURN NULL;
END $$;
CREATE TRIGGER announce_jobs AFTER INSERT ON jobs FOR EACH STATEMENT EXECUTE FUNCTION announce_jobs();

-- Uploads ------------------------------------------------------------------------------------------------

-- Files that people sent, inspected. The file itself lies in the data folder under its hash.
CREATE TABLE uploads (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id bigint NOT NULL REFERENCES users,
  name text NOT NULL CHECK (name ~ '^[^[:cntrl:]/\\:]{1,200}$'),
  sha256 bytea NOT NULL CHECK (length(sha256) = 32),
  n_bytes bigint NOT NULL CHECK (n_bytes > 0),
  layers jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX uploads_user ON uploads (user_id, created_at);
CREATE INDEX uploads_sha256 ON uploads (sha256);

-- Answers to POSTs with an Idempotency-Key, so that a repeated request does nothing twice.
CREATE TABLE idempotency_keys (
  user_id bigint NOT NULL REFERENCES users,
  key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
  request_sha256 bytea NOT NULL,
  status integer,
  headers jsonb,
  body bytea,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, key)
);

-- Row-level security -------------------------------------------------------------------------------------

ALTER TABLE divisions ENABLE ROW LEVEL SECURITY;
-- The way up to the root may be seen by those who may read below: it is the breadcrumb.
CREATE POLICY read ON divisions FOR SELECT TO weige_app USING (
  path <@ ANY ((SELECT reading_areas())::ltree[]) OR path @> ANY ((SELECT reading_areas())::ltree[]));
CREATE POLICY add ON divisions FOR INSERT TO weige_app WITH CHECK (path <@ ANY ((SELECT areas('admin'))::ltree[]));
CREATE POLICY change ON divisions FOR UPDATE TO weige_app USING (path <@ ANY ((SELECT areas('admin'))::ltree[]));

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['grounds', 'units', 'plans', 'versions', 'grids', 'assignments', 'findings',
                             'expected_changes', 'stations']
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY read ON %I FOR SELECT TO weige_app USING (community_id IN (SELECT readable()))', name);
    EXECUTE format('CREATE POLICY add ON %I FOR INSERT TO weige_app
                    WITH CHECK (community_id IN (SELECT plannable()))', name);
    EXECUTE format('CREATE POLICY change ON %I FOR UPDATE TO weige_app
                    USING (community_id IN (SELECT plannable()))', name);
    EXECUTE format('CREATE POLICY remove ON %I FOR DELETE TO weige_app
                    USING (community_id IN (SELECT plannable()))', name);
  END LOOP;
END $$;
-- Layers round the units belong to the communities they lie in; what lies in others too is not taken from them.
DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['roads', 'water', 'barriers', 'gates', 'compounds']
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY read ON %I FOR SELECT TO weige_app USING (true)', name);
    EXECUTE format('CREATE POLICY add ON %I FOR INSERT TO weige_app
                    WITH CHECK (lies_in(geom, ARRAY(SELECT plannable())))', name);
    EXECUTE format('CREATE POLICY remove ON %I FOR DELETE TO weige_app
                    USING (lies_only_in(geom, ARRAY(SELECT plannable())))', name);
  END LOOP;
END $$;
-- A planner submits; an administrator of the area publishes, and nothing published is taken back by others.
CREATE POLICY publish ON versions AS RESTRICTIVE FOR UPDATE TO weige_app
  USING (state IN ('draft', 'submitted') OR community_id IN (SELECT administered()))
  WITH CHECK (state IN ('draft', 'submitted') OR community_id IN (SELECT administered()));
CREATE POLICY publish_new ON versions AS RESTRICTIVE FOR INSERT TO weige_app
  WITH CHECK (state = 'draft');
CREATE POLICY keep ON versions AS RESTRICTIVE FOR DELETE TO weige_app USING (state = 'draft');

ALTER TABLE log ENABLE ROW LEVEL SECURITY;
CREATE POLICY read ON log FOR SELECT TO weige_app USING (
  actor = (SELECT actor())
  OR (stream <> 'audit' AND community_id IN (SELECT readable()))
  OR community_id IN (SELECT divisions_in(areas('auditor', 'admin')))
  -- What belongs to no area is for the auditors of everything, or of all that its actor holds.
  OR (community_id IS NULL AND ((SELECT everywhere('auditor', 'admin'))
                                OR actor IN (SELECT users_within(areas('auditor', 'admin'))))));

ALTER TABLE events ENABLE ROW LEVEL SECURITY;
-- api/live.py decides by the same rule for whom an event is; tests/api/test_live.py compares the two.
CREATE POLICY read ON events FOR SELECT TO weige_app USING (
  user_id = (SELECT actor())
  OR (roles IS NULL AND user_id IS NULL AND area <@ ANY ((SELECT reading_areas())::ltree[]))
  OR (roles IS NOT NULL AND area <@ ANY (areas(VARIADIC roles))));
-- Nobody tells of an area in which they hold nothing.
CREATE POLICY add ON events FOR INSERT TO weige_app WITH CHECK (
  area <@ ANY ((SELECT reading_areas() || areas('reporter'))::ltree[]));

ALTER TABLE jobs ENABLE ROW LEVEL SECURITY;
CREATE POLICY read ON jobs FOR SELECT TO weige_app USING (
  created_by = (SELECT actor()) OR area_id IN (SELECT administered()));
CREATE POLICY add ON jobs FOR INSERT TO weige_app WITH CHECK (
  created_by = (SELECT actor()) AND may_start(kind, area_id));
CREATE POLICY change ON jobs FOR UPDATE TO weige_app USING (
  created_by = (SELECT actor()) OR area_id IN (SELECT administered()));

ALTER TABLE uploads ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON uploads TO weige_app USING (user_id = (SELECT actor()))
  WITH CHECK (user_id = (SELECT actor()) AND cardinality((SELECT reading_areas())) > 0);

ALTER TABLE users ENABLE ROW LEVEL SECURITY;
CREATE POLICY read ON users FOR SELECT TO weige_app USING (
  id = (SELECT actor()) OR created_by = (SELECT actor()) OR (SELECT everywhere('admin', 'auditor'))
  OR id IN (SELECT users_in(areas('admin', 'auditor'))));
CREATE POLICY add ON users FOR INSERT TO weige_app WITH CHECK (
  created_by = (SELECT actor()) AND cardinality(areas('admin')) > 0);
CREATE POLICY change ON users FOR UPDATE TO weige_app USING (id IN (SELECT managed()));
ALTER TABLE grants ENABLE ROW LEVEL SECURITY;
CREATE POLICY read ON grants FOR SELECT TO weige_app USING (
  user_id = (SELECT actor()) OR division_id IN (SELECT divisions_in(areas('admin', 'auditor'))));
-- Inside his areas, to users he sees, and never to himself.
CREATE POLICY add ON grants FOR INSERT TO weige_app WITH CHECK (
  user_id <> (SELECT actor()) AND division_id IN (SELECT administered()) AND user_id IN (SELECT id FROM users));
CREATE POLICY remove ON grants FOR DELETE TO weige_app USING (
  user_id <> (SELECT actor()) AND division_id IN (SELECT administered()));
ALTER TABLE keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY read ON keys FOR SELECT TO weige_app USING (
  user_id = (SELECT actor()) OR user_id IN (SELECT managed()));
-- A token for oneself or whom one administers; a link that sets a password only for the latter.
CREATE POLICY add ON keys FOR INSERT TO weige_app WITH CHECK (
  created_by = (SELECT actor()) AND expires_at <= now() + interval '400 days'
  AND (user_id IN (SELECT managed()) AND kind IN ('token', 'link')
       OR user_id = (SELECT actor()) AND kind = 'token'));
CREATE POLICY revoke ON keys FOR UPDATE TO weige_app
  USING (user_id = (SELECT actor()) OR user_id IN (SELECT managed())) WITH CHECK (revoked_at IS NOT NULL);

GRANT SELECT, INSERT, UPDATE, DELETE ON
  grounds, units, plans, versions, grids, assignments, findings, expected_changes, stations TO weige_app;
GRANT SELECT, INSERT, DELETE ON roads, water, barriers, gates, compounds TO weige_app;
GRANT SELECT, INSERT, UPDATE ON divisions TO weige_app;
GRANT SELECT ON layer_changes, division_levels, log, events, grants TO weige_app;
GRANT SELECT (id, name, disabled_at, created_by, created_at), INSERT (name, created_by), UPDATE (disabled_at)
  ON users TO weige_app;
GRANT INSERT, DELETE ON grants TO weige_app;
GRANT SELECT (id, user_id, kind, label, created_by, created_at, used_at, expires_at, revoked_at),
  INSERT (token_sha256, user_id, kind, label, created_by, expires_at), UPDATE (revoked_at) ON keys TO weige_app;
GRANT INSERT (community_id, area, kind, roles, user_id, body) ON events TO weige_app;
GRANT SELECT ON jobs, job_kinds TO weige_app;
GRANT INSERT (id, kind, area_id, params, created_by) ON jobs TO weige_app;
GRANT SELECT, INSERT, DELETE ON uploads TO weige_app;
GRANT UPDATE (cancel_requested) ON jobs TO weige_app;
GRANT SELECT, INSERT, UPDATE ON idempotency_keys TO weige_app;
ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON idempotency_keys TO weige_app USING (user_id = (SELECT actor()))
  WITH CHECK (user_id = (SELECT actor()));

-- Published views: what anybody may see, without rights. Counts and borders of what is in force today.
-- They run with their owner's rights; each names its columns.
CREATE VIEW published.communities AS
  SELECT d.id, d.code AS community_id, d.name, coalesce(v.micro_grids, 0) AS micro_grids, v.households, d.geom
  FROM divisions d
  LEFT JOIN versions v ON v.community_id = d.id AND v.state IN ('published', 'superseded')
                          AND daterange(v.valid_from, v.valid_to) @> current_date
  WHERE d.level = 'community' AND d.geom IS NOT NULL;
-- Grid codes are unique within a version only; `id` is unique among all.
CREATE VIEW published.micro_grids AS
  SELECT d.code || '.' || g.code AS id, g.code AS grid_id, d.code AS community_id, g.name, g.kind, g.households,
         g.units, g.status, g.reason, g.area_m2, g.compactness, v.valid_from, v.valid_to, g.geom
  FROM grids g JOIN versions v ON v.id = g.version_id JOIN divisions d ON d.id = g.community_id
  WHERE v.state IN ('published', 'superseded') AND daterange(v.valid_from, v.valid_to) @> current_date;
CREATE VIEW published.stations AS
  SELECT s.station_id AS id, s.station_id, s.name, s.type, s.facilities, s.opening_hours, s.geom FROM stations s;
CREATE VIEW published.roads AS SELECT id, name, road_class, bridge, geom FROM roads;
CREATE VIEW published.water AS SELECT id, name, geom FROM water;
GRANT SELECT ON ALL TABLES IN SCHEMA published TO weige_public, weige_app;
