-- What a work order costs the database (tests/bench/orders_table.py); a single report gains a little as well.

SET LOCAL search_path = weige, public;

-- As in 0020. A repetition with bounds is spelt out by the engine of patterns, a class of characters is not.
CREATE OR REPLACE FUNCTION is_case(number text, place text, geom geometry, accuracy_m real, channel text,
                                   external_number text, mode text, said text, address text, grid text, choices text[])
RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN length(number) = 19 AND number !~ '[^0-9]'
     AND length(channel) BETWEEN 1 AND 32 AND channel !~ '[^a-z0-9_]'
     AND (external_number IS NULL
          OR length(external_number) BETWEEN 1 AND 64 AND external_number !~ '[[:cntrl:]]')
     AND place IN ('point', 'area', 'default_point') AND (place = 'point') = (geom IS NOT NULL)
     AND mode IN ('routine', 'emergency', 'drill') AND (accuracy_m IS NULL OR accuracy_m >= 0)
     AND length(said) <= 4000 AND (address IS NULL OR length(address) <= 200)
     AND (grid IS NULL OR choices = '{}');
END $$;

-- As in 0020: the text of the same array, without making an array of it.
CREATE OR REPLACE FUNCTION log_hash(stream text, chain text, seq bigint, at timestamptz, actor bigint, community_id bigint,
                                    action text, body jsonb, previous bytea)
RETURNS bytea LANGUAGE sql STABLE AS $$
  SELECT sha256(previous || convert_to(concat(
    '[', to_json(stream), ', ', to_json(chain), ', ', seq, ', "', extract(epoch FROM at), '", ',
    coalesce(actor::text, 'null'), ', ', coalesce(community_id::text, 'null'), ', ', to_json(action), ', ', body, ']'),
    'UTF8'))
$$;

-- As in 0002, but in the order of their days: numbers of cases begin with the day, and three indexes are by number.
-- In a file that is in another order each entry would go to another page of them.
DO $$
DECLARE
  body text := pg_get_functiondef('import_cases(uuid, text, text)'::regprocedure);
BEGIN
  ASSERT body LIKE '%ORDER BY a.position%';
  EXECUTE replace(body, 'ORDER BY a.position', 'ORDER BY a.day, a.position');
END $$;
