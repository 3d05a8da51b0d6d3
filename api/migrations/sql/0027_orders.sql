-- What a work order costs the database (tests/bench/orders_table.py); a single report gains by the index as well.

SET LOCAL search_path = weige, public;

-- As in 0002. Cases are points, for which this kind of index is quicker to write and to ask.
DROP INDEX cases_geom;
CREATE INDEX cases_geom ON cases USING spgist (geom);

-- As in 0022. Each entry is written to the log and hashed: as part of the statement that does both it was made twice, a
-- sixth of the work of an import. Its keys stand in the order of jsonb, which sorts them otherwise. Who imports is the
-- same for all orders, and asked once.
CREATE OR REPLACE FUNCTION import_cases(batch_id uuid, edition_name text, channel_name text)
RETURNS TABLE (added bigint, known bigint) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = weige, public, pg_temp SET work_mem = '64MB' AS $$
DECLARE
  now_at timestamptz := clock_timestamp();
  importer bigint := actor();
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
           CASE WHEN (SELECT EXISTS (SELECT FROM area_modes)) THEN mode_at(h.path, a.reported_at) ELSE 'routine' END,
           a.text, a.address, importer, a.reported_at, a.response_due_at, a.due_at, now_at
    FROM arrived a JOIN heads h ON h.id = a.area_id
      JOIN case_categories k ON k.edition = edition_name AND k.category = a.category
    -- Numbers begin with the day, and three indexes are by number: in the order of the file each would go to another page.
    ORDER BY a.day, a.position
    ON CONFLICT (channel, external_number) WHERE external_number IS NOT NULL DO NOTHING
    RETURNING *
  ), entries AS MATERIALIZED (
    SELECT f.number, f.area_id, sha256(convert_to('case ' || f.number, 'UTF8')) AS previous,
      jsonb_strip_nulls(jsonb_build_object(
        'at', f.reported_at, 'lat', ST_Y(f.geom), 'lon', ST_X(f.geom), 'area', h.code, 'grid', f.grid, 'kind', f.kind,
        'mode', f.mode, 'text', f.text, 'place', f.place, 'state', f.state, 'due_at', f.due_at, 'address', f.address,
        'channel', f.channel, 'choices', CASE WHEN f.choices <> '{}' THEN to_jsonb(f.choices) END,
        'edition', f.edition, 'version', f.version_id, 'category', f.category, 'condition', f.condition,
        'accuracy_m', f.accuracy_m, 'external_number', f.external_number, 'response_due_at', f.response_due_at)) AS body
    FROM filed f JOIN heads h ON h.id = f.area_id
  ), logged AS (
    INSERT INTO log (stream, chain, seq, at, actor, community_id, action, body, previous, hash)
    SELECT 'case', e.number, 1, now_at, importer, e.area_id, 'report', e.body, e.previous,
           log_hash('case', e.number, 1, now_at, importer, e.area_id, 'report', e.body, e.previous)
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
