-- What a class is called where its large class does not stand beside it: 其他 is the name of eleven.

SET LOCAL search_path = weige, public;

CREATE INDEX case_categories_by_name ON case_categories (edition, small_name);

CREATE VIEW case_classes AS
  SELECT k.*, CASE WHEN EXISTS (SELECT FROM case_categories other
                                WHERE (other.edition, other.small_name) = (k.edition, k.small_name)
                                  AND other.category <> k.category)
                   THEN k.large_name || '·' || k.small_name ELSE k.small_name END AS called
  FROM case_categories k;
GRANT SELECT ON case_classes TO weige_app;

DO $$
DECLARE
  name text;
  body text;
BEGIN
  FOREACH name IN ARRAY ARRAY['nearby_reports(geometry,double precision,text,integer)', 'called_departments(bigint[])']
  LOOP
    body := pg_get_functiondef(name::regprocedure);
    ASSERT body LIKE '%.small_name,%' AND body LIKE '%JOIN case_categories %';
    EXECUTE replace(replace(body, '.small_name,', '.called,'), 'JOIN case_categories ', 'JOIN case_classes ');
  END LOOP;
END $$;

CREATE OR REPLACE VIEW public_cases AS
  SELECT c.id, c.number, c.category, k.called AS category_name, c.state, c.duplicate_of, c.reported_at, c.updated_at,
         c.closed_at, c.due_at, c.holder, NULL::text AS text, NULL::text AS address,
         round(ST_X(c.geom)::numeric, 3)::float8 AS lon, round(ST_Y(c.geom)::numeric, 3)::float8 AS lat, c.area_id
  FROM cases c JOIN case_classes k ON (k.edition, k.category) = (c.edition, c.category)
  WHERE c.kind IN ('incident', 'component') AND c.mode <> 'drill' AND publishes(c.area);
