-- What a work order costs the database (tests/bench/orders_table.py).

SET LOCAL search_path = weige, public;

-- As in 0002. Cases are points, for which this kind of index is less work to write.
DROP INDEX cases_geom;
CREATE INDEX cases_geom ON cases USING spgist (geom);

-- As in 0022. Each entry is written to the log and hashed: as part of the statement that does both it was made twice.
-- Who imports is the same for all orders, and asked once.
DO $$
DECLARE
  body text := pg_get_functiondef('import_cases(uuid, text, text)'::regprocedure);
BEGIN
  ASSERT body LIKE '%), entries AS (%' AND body LIKE '%actor()%' AND body LIKE '%outside text;%';
  body := replace(replace(body, '), entries AS (', '), entries AS MATERIALIZED ('), 'actor()', 'importer');
  EXECUTE replace(body, 'outside text;', E'outside text;\n  importer bigint := actor();');
END $$;
