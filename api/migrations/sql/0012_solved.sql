-- What was solved, for everybody: cases of the areas that show theirs, with how long each took and how it was rated.

SET LOCAL search_path = weige, public;

CREATE INDEX cases_solved ON cases (closed_at DESC, number DESC) WHERE state IN ('closed', 'appraised');

-- Divisions that show their cases, by their ids.
CREATE FUNCTION publishing() RETURNS SETOF bigint LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
  SELECT DISTINCT d.id FROM case_publication p JOIN divisions above ON above.id = p.division_id
    JOIN divisions d ON d.path <@ above.path
  WHERE p.published AND publishes(d.path)
$$;

-- As before, and the division that a case is in.
CREATE OR REPLACE VIEW public_cases AS
  SELECT c.id, c.number, c.category, k.small_name AS category_name, c.state, c.duplicate_of, c.reported_at, c.updated_at,
         c.closed_at, c.due_at, c.holder, NULL::text AS text, NULL::text AS address,
         round(ST_X(c.geom)::numeric, 3)::float8 AS lon, round(ST_Y(c.geom)::numeric, 3)::float8 AS lat, c.area_id
  FROM cases c JOIN case_categories k ON (k.edition, k.category) = (c.edition, c.category)
  WHERE c.kind IN ('incident', 'component') AND c.mode <> 'drill' AND publishes(c.area);

-- What `public_cases` tells of what is closed, and no more than it: of the area only the name of its division, of
-- residents only the last rating.
CREATE VIEW public_solved AS
  SELECT c.number, c.category, c.category_name, c.area_id, coalesce(d.name, d.code) AS area_name, c.reported_at,
         c.closed_at, c.lon, c.lat,
         (SELECT (l.body ->> 'rating')::smallint FROM log l
          WHERE l.stream = 'case' AND l.chain = c.number AND l.action = 'rate' ORDER BY l.seq DESC LIMIT 1) AS rating
  FROM public_cases c JOIN divisions d ON d.id = c.area_id
  WHERE c.state IN ('closed', 'appraised') AND c.closed_at IS NOT NULL;

-- Areas that show their cases, for whoever chooses among them.
CREATE VIEW public_areas AS
  SELECT d.id, d.code, coalesce(d.name, d.code) AS name, d.path, d.level,
         CASE WHEN d.level = 'community' THEN ST_SimplifyPreserveTopology(d.geom, 0.0001) END AS geom
  FROM divisions d WHERE d.id IN (SELECT publishing());

GRANT SELECT ON public_solved, public_areas TO weige_app;
