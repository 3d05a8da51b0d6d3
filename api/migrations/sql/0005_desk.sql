-- The desk of cases: what waits for whom, and the ground on which a place is shown.

SET LOCAL search_path = weige, public;

-- Whether a case waits for the actor: at the desk for a dispatcher, with a department for its handlers, to be judged
-- for a verifier, to be appraised for an inspector, to be answered for whoever reported it.
CREATE FUNCTION awaits_actor(c cases) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT CASE s.party
      WHEN 'desk' THEN s.is_open AND c.area <@ ANY (weige.areas('dispatcher'))
                       OR c.state = 'closed' AND c.area <@ ANY (weige.areas('inspector'))
      WHEN 'checker' THEN c.area <@ ANY (weige.areas('verifier'))
                          OR c.state = 'verified' AND c.area <@ ANY (weige.areas('dispatcher'))
      WHEN 'handler' THEN weige.handles_for(ARRAY[c.holder], c.area)
      WHEN 'approver' THEN weige.handles_for(ARRAY[c.holder], c.area)
      WHEN 'reporter' THEN (c.reported_by = weige.actor()) IS TRUE
      ELSE c.area <@ ANY (weige.areas('dispatcher'))
    END
  FROM weige.case_states s WHERE s.state = c.state
$$;

-- Code of a division, for who sees a case there and not the division: whoever reported it.
CREATE FUNCTION area_code(which bigint) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$ SELECT code FROM divisions WHERE id = which $$;

-- Departments and companies that have somebody to handle a case there; a dispatcher need not see whom.
CREATE FUNCTION departments_for(place ltree) RETURNS SETOF text LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
  SELECT DISTINCT g.department FROM grants g JOIN divisions d ON d.id = g.division_id
  WHERE g.role = 'handler' AND d.path @> place AND place <@ ANY (areas('dispatcher'))
  ORDER BY 1
$$;

-- What lies in a box, for a map on which somebody shows or finds a place: outlines and names as anybody sees them
-- in the street, in the areas that the actor sees or reports from. Counts of households are not among it.
CREATE FUNCTION ground_in(box geometry, most integer) RETURNS jsonb LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
DECLARE
  own ltree[] := reading_areas() || areas('reporter');
BEGIN
  RETURN (
    WITH here AS (
      SELECT d.id, d.name, d.code, d.geom FROM divisions d
      WHERE d.level = 'community' AND d.path <@ ANY (own) AND d.geom && box
    ), drawn AS (
      SELECT 'community' AS kind, coalesce(name, code) AS name, NULL AS class, geom FROM here
      UNION ALL SELECT 'water', name, NULL, geom FROM water WHERE geom && box AND EXISTS (SELECT FROM here)
      UNION ALL SELECT 'compound', name, NULL, geom FROM compounds WHERE geom && box AND EXISTS (SELECT FROM here)
      UNION ALL SELECT 'road', name, road_class, geom FROM roads WHERE geom && box AND EXISTS (SELECT FROM here)
      UNION ALL (
        -- A building once, however many stairwells it has.
        SELECT 'building', regexp_replace(min(u.address), '[甲乙丙丁戊0-9一二三四五六七八九十]+单元$', ''), NULL, ST_Union(u.geom)
        FROM here h
          JOIN LATERAL (SELECT max(id) AS id FROM grounds
                        WHERE community_id = h.id AND root_id IS NULL) g ON true
          JOIN units u ON u.ground_id = g.id
        WHERE u.geom && box
        GROUP BY g.id, coalesce(u.building_id, u.unit_id) LIMIT most)
    )
    SELECT coalesce(jsonb_agg(jsonb_build_object(
      'type', 'Feature', 'geometry', ST_AsGeoJSON(geom, 6, 0)::jsonb,
      'properties', jsonb_build_object('kind', kind, 'name', name, 'class', class))), '[]')
    FROM drawn);
END $$;

-- Reports without an account -----------------------------------------------------------------------------

-- Where a street lets anybody report; the nearest row above a place decides, as for reporters.
ALTER TABLE case_intake ADD COLUMN anonymous boolean NOT NULL DEFAULT false;

CREATE FUNCTION takes_anonymous(place ltree) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
  SELECT coalesce((SELECT i.reporters AND i.anonymous FROM case_intake i JOIN divisions d ON d.id = i.division_id
                   WHERE d.path @> place ORDER BY nlevel(d.path) DESC LIMIT 1), false)
$$;

-- Act as somebody without an account, who may report where a street lets him; false where no street does.
CREATE FUNCTION enter_anonymously() RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
DECLARE
  open jsonb := (SELECT coalesce(jsonb_agg(d.path::text), '[]') FROM case_intake i JOIN divisions d ON d.id = i.division_id
                 WHERE i.reporters AND i.anonymous);
BEGIN
  PERFORM act_as(NULL, jsonb_build_object('reporter', open));
  RETURN open <> '[]';
END $$;

-- File a report of somebody without an account. `secret` is the hash of a key that his browser made: it makes the
-- report known when it is sent again, and opens it to its photos and contact for a day.
CREATE FUNCTION report_anonymously(facts jsonb, secret bytea) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
DECLARE
  c cases;
  told jsonb;
BEGIN
  -- Sent twice at once, by two pages of a browser: the second waits, and is told what the first made.
  PERFORM pg_advisory_xact_lock(hashtextextended('report ' || encode(secret, 'hex'), 0));
  SELECT * INTO c FROM anonymous_case(secret);
  IF c.id IS NOT NULL THEN
    RETURN case_receipt(c) || '{"created": false}';
  END IF;
  IF NOT enter_anonymously() THEN
    RAISE EXCEPTION 'nobody reports here without an account' USING ERRCODE = 'insufficient_privilege';
  END IF;
  told := report_case((facts - '{step,mode,rework_of,grid,area}'::text[])
                      || jsonb_build_object('channel', 'public', 'external_number', encode(secret, 'hex')));
  SELECT * INTO c FROM cases WHERE number = told ->> 'number';
  IF NOT takes_anonymous(c.area) THEN
    RAISE EXCEPTION 'nobody reports there without an account'
      USING ERRCODE = 'invalid_parameter_value', CONSTRAINT = 'outside_areas';
  END IF;
  RETURN told;
END $$;

-- The report that a browser made with a key; nothing a day after it came in.
CREATE FUNCTION anonymous_case(secret bytea) RETURNS cases LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
  SELECT c FROM cases c JOIN log l ON l.stream = 'case' AND l.chain = c.number AND l.seq = 1
  WHERE c.channel = 'public' AND c.external_number = encode(secret, 'hex') AND l.at > now() - interval '1 day'
$$;

CREATE FUNCTION reported_number(secret bytea) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$ SELECT (anonymous_case(secret)).number $$;

-- What is open nearby and of one class, as anybody may know it who reports there: no texts, distances to 10 m.
CREATE FUNCTION nearby_reports(here geometry, within_m double precision, wanted text, most integer)
RETURNS TABLE (distance_m integer, category_name text, state text, days_ago integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = weige, public, pg_temp AS $$
  SELECT (round(ST_Distance(c.geom::geography, here::geography, false) / 10) * 10)::integer AS distance_m,
         k.small_name, c.state, floor(extract(epoch FROM now() - c.reported_at) / 86400)::integer
  FROM cases c JOIN case_states s ON s.state = c.state AND s.is_open
    JOIN case_categories k ON (k.edition, k.category) = (c.edition, c.category)
  WHERE c.category = wanted AND may_report('{reporter,grid_worker,dispatcher,verifier,inspector}', c.area)
    AND c.geom && ST_Expand(here, within_m / (111000 * greatest(cosd(ST_Y(here)), 0.01)), within_m / 110500)
    AND ST_Distance(c.geom::geography, here::geography, false) <= within_m
  ORDER BY 1, c.id LIMIT most
$$;

CREATE FUNCTION audit_intake() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
DECLARE
  what case_intake := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
BEGIN
  PERFORM audit('intake_changed', jsonb_build_object('division', what.division_id, 'reporters', what.reporters,
    'anonymous', what.anonymous, 'removed', TG_OP = 'DELETE'), what.division_id);
  RETURN NULL;
END $$;
CREATE TRIGGER audit_intake AFTER INSERT OR UPDATE OR DELETE ON case_intake
  FOR EACH ROW EXECUTE FUNCTION audit_intake();

-- Photos -------------------------------------------------------------------------------------------------

-- The picture itself lies in the data folder under its hash, drawn anew without what cameras write into it.
CREATE TABLE case_photos (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  case_id bigint NOT NULL REFERENCES cases,
  sha256 bytea NOT NULL CHECK (length(sha256) = 32),
  width integer NOT NULL CHECK (width > 0),
  height integer NOT NULL CHECK (height > 0),
  n_bytes integer NOT NULL CHECK (n_bytes > 0),
  -- Of the case when it was added: before, during or after the work.
  state text NOT NULL REFERENCES case_states,
  added_by bigint REFERENCES users,
  added_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (case_id, sha256)
);
CREATE INDEX case_photos_sha256 ON case_photos (sha256);

CREATE FUNCTION keep_photo(c cases, sha bytea, wide integer, high integer, size integer, most integer)
RETURNS case_photos LANGUAGE plpgsql SET search_path = weige, public, pg_temp AS $$
DECLARE
  made case_photos;
BEGIN
  -- Two at once do not pass the limit together.
  PERFORM FROM cases WHERE id = c.id FOR NO KEY UPDATE;
  SELECT * INTO made FROM case_photos WHERE case_id = c.id AND sha256 = sha;
  IF FOUND THEN
    RETURN made;
  END IF;
  IF (SELECT count(*) FROM case_photos WHERE case_id = c.id) >= most THEN
    RAISE EXCEPTION 'the case has % photos', most USING ERRCODE = 'check_violation', CONSTRAINT = 'photos_enough';
  END IF;
  INSERT INTO case_photos (case_id, sha256, width, height, n_bytes, state, added_by)
    VALUES (c.id, sha, wide, high, size, c.state, actor()) RETURNING * INTO made;
  PERFORM log_append('case_photo', c.number, 'add', jsonb_build_object(
    'photo', made.id, 'sha256', encode(sha, 'hex'), 'state', c.state), c.area_id);
  RETURN made;
END $$;

-- Whoever may add a note may add a photo. Null where there is no such case for the actor.
CREATE FUNCTION add_photo(which text, sha bytea, wide integer, high integer, size integer) RETURNS SETOF case_photos
LANGUAGE plpgsql SECURITY DEFINER SET search_path = weige, public, pg_temp AS $$
DECLARE
  c cases;
  allowed text[];
BEGIN
  SELECT * INTO c FROM cases WHERE number = which;
  IF NOT FOUND OR sees_case(c) IS NOT TRUE THEN
    RETURN;
  END IF;
  SELECT roles INTO allowed FROM case_steps WHERE step = 'note' AND from_state = c.state;
  IF NOT FOUND OR may_step(c, allowed) IS NOT TRUE THEN
    RAISE EXCEPTION 'not allowed to add photos' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEXT keep_photo(c, sha, wide, high, size, 12);
END $$;

CREATE FUNCTION add_photo_anonymously(secret bytea, sha bytea, wide integer, high integer, size integer)
RETURNS SETOF case_photos LANGUAGE plpgsql SECURITY DEFINER SET search_path = weige, public, pg_temp AS $$
DECLARE
  c cases := anonymous_case(secret);
BEGIN
  IF c.id IS NOT NULL THEN
    PERFORM act_as(NULL, '{}');
    RETURN NEXT keep_photo(c, sha, wide, high, size, 3);
  END IF;
END $$;

-- Take a photo away that shows somebody; that it was there stays in the log. Its hash, where nobody else has it.
CREATE FUNCTION remove_photo(which text, photo uuid, why text) RETURNS TABLE (sha256 bytea, is_last boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = weige, public, pg_temp AS $$
DECLARE
  c cases;
BEGIN
  SELECT * INTO c FROM cases WHERE number = which;
  IF NOT FOUND OR sees_case(c) IS NOT TRUE THEN
    RETURN;
  END IF;
  IF may_step(c, '{dispatcher,admin}') IS NOT TRUE THEN
    RAISE EXCEPTION 'not allowed to remove photos' USING ERRCODE = 'insufficient_privilege';
  END IF;
  DELETE FROM case_photos p WHERE p.id = photo AND p.case_id = c.id RETURNING p.sha256 INTO remove_photo.sha256;
  IF FOUND THEN
    PERFORM log_append('case_photo', c.number, 'remove', jsonb_build_object('photo', photo, 'why', why), c.area_id);
    is_last := NOT EXISTS (SELECT FROM case_photos p WHERE p.sha256 = remove_photo.sha256);
    RETURN NEXT;
  END IF;
END $$;

ALTER TABLE case_photos ENABLE ROW LEVEL SECURITY;
CREATE POLICY read ON case_photos FOR SELECT TO weige_app USING (
  EXISTS (SELECT FROM cases c WHERE c.id = case_photos.case_id));
GRANT SELECT ON case_photos TO weige_app;

-- Contacts -----------------------------------------------------------------------------------------------

-- How to call back whoever reported: apart from the cases, under a role of its own, sealed with a key that is in no
-- database and in no backup. The service reads one by the functions below only, and each reading is audited.
DO $$
BEGIN
  BEGIN CREATE ROLE weige_vault NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END;
  EXECUTE format('GRANT weige_vault TO %I', current_user);
END $$;
CREATE SCHEMA vault;
CREATE TABLE vault.contacts (
  case_id bigint PRIMARY KEY REFERENCES cases,
  -- AES-256-GCM; null once erased.
  sealed bytea,
  -- A keyed hash, so that what is held about a number can be found by whoever has the key.
  trace bytea CHECK (length(trace) = 32),
  key_id text NOT NULL,
  kept_at timestamptz NOT NULL DEFAULT now(),
  -- When the return visit ended, or the case without one: from then on the days are counted.
  done_at timestamptz,
  erased_at timestamptz,
  CHECK (num_nulls(sealed, trace) IN (0, 2)),
  CHECK ((sealed IS NULL) = (erased_at IS NOT NULL))
);
CREATE INDEX contacts_trace ON vault.contacts (trace);
CREATE INDEX contacts_done ON vault.contacts (done_at) WHERE erased_at IS NULL;
GRANT USAGE ON SCHEMA vault TO weige_vault;
GRANT SELECT, INSERT, UPDATE ON vault.contacts TO weige_vault;

CREATE FUNCTION time_contact() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
BEGIN
  UPDATE vault.contacts SET done_at = CASE WHEN NEW.visit IS NOT NULL OR NEW.closed_at IS NOT NULL THEN now() END
    WHERE case_id = NEW.id AND erased_at IS NULL;
  RETURN NULL;
END $$;
CREATE TRIGGER time_contact AFTER UPDATE ON cases FOR EACH ROW
  WHEN (NEW.visit IS DISTINCT FROM OLD.visit OR NEW.closed_at IS DISTINCT FROM OLD.closed_at)
  EXECUTE FUNCTION time_contact();

CREATE FUNCTION seal_contact(c cases, sealed bytea, trace bytea, key_id text) RETURNS boolean LANGUAGE plpgsql
SET search_path = weige, public, pg_temp AS $$
BEGIN
  IF c.closed_at IS NOT NULL THEN
    RAISE EXCEPTION 'the case has ended' USING ERRCODE = 'check_violation', CONSTRAINT = 'case_step';
  END IF;
  INSERT INTO vault.contacts AS k (case_id, sealed, trace, key_id) VALUES (c.id, sealed, trace, key_id)
    ON CONFLICT (case_id) DO UPDATE SET sealed = excluded.sealed, trace = excluded.trace, key_id = excluded.key_id,
      kept_at = now(), erased_at = NULL;
  PERFORM audit('contact_kept', jsonb_build_object('case', c.id), c.area_id);
  RETURN true;
END $$;

-- Whoever reported it, or those who take calls. Null where there is no such case for the actor.
CREATE FUNCTION keep_contact(which text, sealed bytea, trace bytea, key_id text) RETURNS boolean LANGUAGE plpgsql
SECURITY DEFINER SET search_path = weige, public, pg_temp AS $$
DECLARE
  c cases;
BEGIN
  SELECT * INTO c FROM cases WHERE number = which;
  IF NOT FOUND OR sees_case(c) IS NOT TRUE THEN
    RETURN NULL;
  END IF;
  IF may_step(c, '{own,grid_worker,dispatcher}') IS NOT TRUE THEN
    RAISE EXCEPTION 'not allowed to keep a contact' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN seal_contact(c, sealed, trace, key_id);
END $$;

CREATE FUNCTION keep_contact_anonymously(secret bytea, sealed bytea, trace bytea, key_id text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = weige, public, pg_temp AS $$
DECLARE
  c cases := anonymous_case(secret);
BEGIN
  IF c.id IS NULL THEN
    RETURN NULL;
  END IF;
  PERFORM act_as(NULL, '{}');
  RETURN seal_contact(c, sealed, trace, key_id);
END $$;

-- Who may call back, and whether there is anybody to be called.
CREATE FUNCTION may_call(which text) RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
DECLARE
  c cases;
BEGIN
  SELECT * INTO c FROM cases WHERE number = which;
  RETURN FOUND AND sees_case(c) AND may_step(c, '{dispatcher,verifier,handler}')
    AND EXISTS (SELECT FROM vault.contacts k WHERE k.case_id = c.id AND k.erased_at IS NULL);
END $$;

CREATE FUNCTION contact_for_call(which text) RETURNS TABLE (sealed bytea, key_id text) LANGUAGE plpgsql
SECURITY DEFINER SET search_path = weige, public, pg_temp AS $$
DECLARE
  c cases;
BEGIN
  IF may_call(which) IS NOT TRUE THEN
    RETURN;
  END IF;
  SELECT * INTO c FROM cases WHERE number = which;
  PERFORM audit('contact_called', jsonb_build_object('case', c.id), c.area_id);
  RETURN QUERY SELECT k.sealed, k.key_id FROM vault.contacts k WHERE k.case_id = c.id;
END $$;

-- Erase what is held longer than some days after the return visit; return how many.
CREATE FUNCTION erase_contacts(days integer) RETURNS bigint LANGUAGE plpgsql SET search_path = weige, public, pg_temp AS $$
DECLARE
  erased bigint;
BEGIN
  UPDATE vault.contacts SET sealed = NULL, trace = NULL, erased_at = now()
    WHERE erased_at IS NULL AND done_at < now() - make_interval(days => days);
  GET DIAGNOSTICS erased = ROW_COUNT;
  RETURN erased;
END $$;

DO $$
DECLARE
  name text;
BEGIN
  -- Only by the functions that check who asks.
  FOREACH name IN ARRAY ARRAY['keep_photo(cases, bytea, integer, integer, integer, integer)',
                             'seal_contact(cases, bytea, bytea, text)', 'erase_contacts(integer)',
                             'anonymous_case(bytea)'] LOOP
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', name);
  END LOOP;
END $$;

-- Middle of the communities from which the actor reports: where his map opens.
CREATE FUNCTION report_centre() RETURNS geometry LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
  SELECT ST_Centroid(ST_SetSRID(ST_Extent(geom)::geometry, 4490)) FROM divisions
  WHERE level = 'community' AND path <@ ANY (areas('reporter', 'grid_worker', 'dispatcher', 'verifier', 'inspector'))
$$;
