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
