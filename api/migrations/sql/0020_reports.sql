-- What a single report costs the database, without one promise less (tests/bench/cases_load.py).

SET LOCAL search_path = weige, public;

-- As in 0001, without a query: every statement that asks for rights runs through here. Labels of paths are letters,
-- digits and underscores, so that a list of them in JSON is an array but for its brackets.
CREATE OR REPLACE FUNCTION areas(VARIADIC roles text[]) RETURNS ltree[] LANGUAGE plpgsql STABLE AS $$
DECLARE
  held jsonb := nullif(current_setting('weige.grants', true), '')::jsonb;
  found public.ltree[] := '{}';
  role text;
BEGIN
  FOREACH role IN ARRAY roles LOOP
    found := found || coalesce(translate(held ->> role, '[]', '{}')::public.ltree[], '{}');
  END LOOP;
  RETURN found;
END $$;

-- As in 0002, as a query that becomes part of the one that asks.
CREATE OR REPLACE FUNCTION grids_near(place geometry, within_m double precision, day date)
RETURNS TABLE (community_id bigint, version_id uuid, code text, distance_m double precision)
LANGUAGE sql STABLE ROWS 2 AS $$
  SELECT * FROM (
    SELECT g.community_id, g.version_id, g.code,
           CASE WHEN ST_Intersects(g.geom, place) THEN 0
                ELSE ST_Distance(g.geom::geography, place::geography, false) END AS distance_m
    FROM grids g JOIN versions v ON v.id = g.version_id
    WHERE g.geom && ST_Expand(place, within_m / (111000 * greatest(cosd(ST_Y(place)), 0.01)), within_m / 110500)
      AND v.state IN ('published', 'superseded') AND daterange(v.valid_from, v.valid_to) @> day
  ) near WHERE near.distance_m <= within_m ORDER BY near.distance_m, near.code
$$;

-- As in 0002, without a query where the place itself has the code of its county.
CREATE FUNCTION county_of(place divisions) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN CASE WHEN place.code ~ '^[0-9]{6}' THEN left(place.code, 6) ELSE county_of(place.path) END;
END $$;
DO $$
DECLARE
  body text := pg_get_functiondef('report_case(jsonb)'::regprocedure);
BEGIN
  ASSERT body LIKE '%county_of(found_place.path)%';
  EXECUTE replace(body, 'county_of(found_place.path)', 'county_of(found_place)');
END $$;

-- As in 0002: most texts have no four digits in a row, and need no second look.
CREATE OR REPLACE FUNCTION tells_a_person(said text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
  IF said !~ '[0-9０-９]{4}' THEN
    RETURN false;
  END IF;
  said := translate(said, '０１２３４５６７８９Ｘｘ－＋　（）', '0123456789Xx-+ ()');
  RETURN said ~ '(^|[^0-9])1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4}($|[^0-9])'
      OR said ~ '(^|[^0-9])[1-9][0-9]{5}(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx]($|[^0-9])';
END $$;

-- As in 0001, as an expression that becomes part of the statement that asks.
CREATE OR REPLACE FUNCTION log_hash(stream text, chain text, seq bigint, at timestamptz, actor bigint, community_id bigint,
                                    action text, body jsonb, previous bytea)
RETURNS bytea LANGUAGE sql STABLE AS $$
  SELECT sha256(previous || convert_to(jsonb_build_array(
    stream, chain, seq, extract(epoch FROM at)::text, actor, community_id, action, body)::text, 'UTF8'))
$$;

-- The rows of an import are read three times: in memory, where the files of orders that offices bring have room.
ALTER FUNCTION import_cases SET work_mem = '64MB';

-- The rules of a case in one function: a table's own are read from their stored text with every statement, and the
-- constants in them are the longest part of it.
CREATE FUNCTION is_case(number text, place text, geom geometry, accuracy_m real, channel text, external_number text,
                        mode text, said text, address text, grid text, choices text[])
RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN number ~ '^[0-9]{19}$' AND channel ~ '^[a-z0-9_]{1,32}$'
     AND (external_number IS NULL OR external_number ~ '^[^[:cntrl:]]{1,64}$')
     AND place IN ('point', 'area', 'default_point') AND (place = 'point') = (geom IS NOT NULL)
     AND mode IN ('routine', 'emergency', 'drill') AND (accuracy_m IS NULL OR accuracy_m >= 0)
     AND length(said) <= 4000 AND (address IS NULL OR length(address) <= 200)
     AND (grid IS NULL OR choices = '{}');
END $$;
ALTER TABLE cases
  DROP CONSTRAINT cases_number_check, DROP CONSTRAINT cases_place_check, DROP CONSTRAINT default_point_unmapped,
  DROP CONSTRAINT cases_accuracy_m_check, DROP CONSTRAINT cases_channel_check,
  DROP CONSTRAINT cases_external_number_check, DROP CONSTRAINT cases_mode_check, DROP CONSTRAINT cases_text_check,
  DROP CONSTRAINT cases_address_check, DROP CONSTRAINT cases_check2,
  ADD CONSTRAINT is_case CHECK (
    is_case(number, place, geom, accuracy_m, channel, external_number, mode, text, address, grid, choices));

-- Whoever the log names is never deleted. A key would lock the row of the actor and of the community with every
-- entry, and all who write at once would note on it that they do.
ALTER TABLE log DROP CONSTRAINT log_actor_fkey, DROP CONSTRAINT log_community_id_fkey;
CREATE FUNCTION refuse_removal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'what the log names is never deleted'
    USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'named_in_log';
END $$;
CREATE TRIGGER named_in_log BEFORE DELETE OR TRUNCATE ON users FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER named_in_log BEFORE DELETE OR TRUNCATE ON divisions FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
