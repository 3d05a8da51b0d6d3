-- What is expected of stations, and what was seen there on which day.

SET LOCAL search_path = weige, public;

-- An edition is never changed: another takes its place from a day on, and what was judged before stays as it was.
CREATE TABLE checklists (
  edition text PRIMARY KEY CHECK (edition ~ '^[A-Za-z0-9][A-Za-z0-9.-]{0,63}$'),
  name text NOT NULL CHECK (name ~ '^[^[:cntrl:]]{1,200}$'),
  -- Who published it; `unverified` where nobody did.
  source text NOT NULL CHECK (source !~ '[[:cntrl:]]' AND length(source) BETWEEN 1 AND 500),
  begins date NOT NULL,
  types text[] NOT NULL CHECK (cardinality(types) BETWEEN 1 AND 50),
  checked_within_days integer NOT NULL CHECK (checked_within_days BETWEEN 1 AND 3660),
  in_each_grid boolean NOT NULL DEFAULT false
);

CREATE TABLE checklist_items (
  edition text NOT NULL REFERENCES checklists,
  position smallint NOT NULL CHECK (position >= 0),
  item text NOT NULL CHECK (item ~ '^[a-z][a-z0-9_]{0,31}$'),
  name text NOT NULL CHECK (name ~ '^[^[:cntrl:]]{1,200}$'),
  -- The register says that it is there where a facility has one of these in its name.
  words text[] NOT NULL CHECK (cardinality(words) BETWEEN 1 AND 50),
  PRIMARY KEY (edition, item),
  UNIQUE (edition, position)
);

-- A row for each look at a facility. Items have the same code in all editions, so a check holds for the next one too.
CREATE TABLE station_checks (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- Without a key: what was seen stays when the station is taken out of the register.
  station_id bigint NOT NULL,
  community_id bigint NOT NULL REFERENCES divisions,
  item text NOT NULL CHECK (item ~ '^[a-z][a-z0-9_]{0,31}$'),
  day date NOT NULL,
  state text NOT NULL CHECK (state IN ('working', 'broken', 'missing')),
  note text NOT NULL DEFAULT '' CHECK (note !~ '[[:cntrl:]]' AND length(note) <= 500)
    CONSTRAINT impersonal_note CHECK (NOT tells_a_person(note)),
  set_by bigint NOT NULL REFERENCES users,
  set_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT check_of_tomorrow CHECK (day <= (set_at AT TIME ZONE 'Asia/Shanghai')::date)
);
CREATE INDEX station_checks_last ON station_checks (station_id, item, day DESC, id DESC);

-- A check is of a station that is there, and belongs to the community that it stands in.
CREATE FUNCTION place_check() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
BEGIN
  SELECT community_id INTO NEW.community_id FROM stations WHERE id = NEW.station_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no station %', NEW.station_id
      USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'check_of_station';
  END IF;
  IF NOT EXISTS (SELECT FROM checklist_items WHERE item = NEW.item) THEN
    RAISE EXCEPTION 'no checklist has the item %', NEW.item
      USING ERRCODE = 'invalid_parameter_value', CONSTRAINT = 'no_such_item';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER place_check BEFORE INSERT ON station_checks FOR EACH ROW EXECUTE FUNCTION place_check();

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['checklists', 'checklist_items', 'station_checks'] LOOP
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I
                    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('GRANT SELECT ON %I TO weige_app', name);
  END LOOP;
  -- Whoever keeps a network of ways in memory asks whether these were changed.
  FOREACH name IN ARRAY ARRAY['barriers', 'gates', 'compounds'] LOOP
    EXECUTE format('CREATE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %I
                    FOR EACH STATEMENT EXECUTE FUNCTION note_change(%I)', name, name);
  END LOOP;
END $$;

CREATE POLICY read ON checklists FOR SELECT TO weige_app USING (true);
CREATE POLICY read ON checklist_items FOR SELECT TO weige_app USING (true);
-- By an edition all stations are judged.
CREATE POLICY add ON checklists FOR INSERT TO weige_app WITH CHECK ((SELECT everywhere('admin')));
CREATE POLICY add ON checklist_items FOR INSERT TO weige_app WITH CHECK ((SELECT everywhere('admin')));
GRANT INSERT ON checklists, checklist_items TO weige_app;

CREATE FUNCTION checkable() RETURNS SETOF bigint LANGUAGE sql STABLE AS
$$ SELECT weige.divisions_in(weige.areas('grid_worker', 'inspector', 'planner', 'admin')) $$;
CREATE POLICY read ON station_checks FOR SELECT TO weige_app USING (community_id IN (SELECT readable()));
CREATE POLICY add ON station_checks FOR INSERT TO weige_app WITH CHECK (
  set_by = (SELECT actor()) AND community_id IN (SELECT checkable()));
GRANT INSERT (station_id, item, day, state, note, set_by) ON station_checks TO weige_app;

-- What anybody may know who looks for a station: what is published of it, and the facilities that were seen not to work.
CREATE FUNCTION stations_around(box geometry) RETURNS TABLE (
  station_id text, name text, type text, facilities text[], opening_hours text, lon double precision,
  lat double precision, out_of_order text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = weige, public, pg_temp AS $$
  SELECT s.station_id, s.name, s.type, s.facilities, s.opening_hours, ST_X(s.geom), ST_Y(s.geom),
         ARRAY(SELECT last.item FROM (
                 SELECT DISTINCT ON (k.item) k.item, k.state FROM station_checks k
                 WHERE k.station_id = s.id ORDER BY k.item, k.day DESC, k.id DESC) last
               WHERE last.state <> 'working')
  FROM stations s WHERE s.geom && box ORDER BY s.station_id
$$;

INSERT INTO job_kinds VALUES ('stations', '{planner,admin}');
