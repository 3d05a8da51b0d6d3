-- Days begin when they do in the city: a plan in force "from the first" is so from its midnight, not from that of
-- Greenwich eight hours later. China keeps one time.

SET LOCAL search_path = weige, public;

CREATE FUNCTION city_day(at timestamptz DEFAULT now()) RETURNS date LANGUAGE sql STABLE PARALLEL SAFE
RETURN (at AT TIME ZONE 'Asia/Shanghai')::date;

-- As in 0002 but for the day.
DO $$
DECLARE
  body text := pg_get_functiondef('report_case(jsonb)'::regprocedure);
BEGIN
  body := replace(body, '(at AT TIME ZONE ''UTC'')::date', 'city_day(at)');
  body := replace(body, '(now_at AT TIME ZONE ''UTC'')::date', 'city_day(now_at)');
  ASSERT body NOT LIKE '%UTC%';
  EXECUTE body;
END $$;

-- Written out: whoever reads the views may call no function of the store.
CREATE OR REPLACE VIEW published.communities AS
  SELECT d.id, d.code AS community_id, d.name, coalesce(v.micro_grids, 0) AS micro_grids, v.households, d.geom
  FROM divisions d
  LEFT JOIN versions v ON v.community_id = d.id AND v.state IN ('published', 'superseded')
                          AND daterange(v.valid_from, v.valid_to) @> (now() AT TIME ZONE 'Asia/Shanghai')::date
  WHERE d.level = 'community' AND d.geom IS NOT NULL;
CREATE OR REPLACE VIEW published.micro_grids AS
  SELECT d.code || '.' || g.code AS id, g.code AS grid_id, d.code AS community_id, g.name, g.kind, g.households,
         g.units, g.status, g.reason, g.area_m2, g.compactness, v.valid_from, v.valid_to, g.geom
  FROM grids g JOIN versions v ON v.id = g.version_id JOIN divisions d ON d.id = g.community_id
  WHERE v.state IN ('published', 'superseded')
    AND daterange(v.valid_from, v.valid_to) @> (now() AT TIME ZONE 'Asia/Shanghai')::date;
