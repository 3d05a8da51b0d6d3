-- What anybody may see of cases, where an area lets it: no text, no address, no exact place, nothing of homes.

SET LOCAL search_path = weige, public;

-- Whether an area shows its cases to everybody: nearest above decides; where nothing is said, it does not.
CREATE TABLE case_publication (
  division_id bigint PRIMARY KEY REFERENCES divisions,
  published boolean NOT NULL
);

CREATE FUNCTION publishes(place ltree) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
  SELECT coalesce((SELECT p.published FROM case_publication p JOIN divisions d ON d.id = p.division_id
                   WHERE d.path @> place ORDER BY nlevel(d.path) DESC LIMIT 1), false)
$$;

-- Wishes, complaints about property and disputes lie inside homes: they are never shown. A place is told to three
-- decimals, about 100 m. It runs with its owner's rights and names its columns.
CREATE VIEW public_cases AS
  SELECT c.id, c.number, c.category, k.small_name AS category_name, c.state, c.duplicate_of, c.reported_at, c.updated_at,
         c.closed_at, c.due_at, c.holder, NULL::text AS text, NULL::text AS address,
         round(ST_X(c.geom)::numeric, 3)::float8 AS lon, round(ST_Y(c.geom)::numeric, 3)::float8 AS lat
  FROM cases c JOIN case_categories k ON (k.edition, k.category) = (c.edition, c.category)
  WHERE c.kind IN ('incident', 'component') AND c.mode <> 'drill' AND publishes(c.area);

ALTER TABLE case_publication ENABLE ROW LEVEL SECURITY;
CREATE POLICY read ON case_publication FOR SELECT TO weige_app USING (division_id IN (SELECT readable()));
CREATE POLICY add ON case_publication FOR INSERT TO weige_app WITH CHECK (division_id IN (SELECT administered()));
CREATE POLICY change ON case_publication FOR UPDATE TO weige_app USING (division_id IN (SELECT administered()));
CREATE POLICY remove ON case_publication FOR DELETE TO weige_app USING (division_id IN (SELECT administered()));

CREATE FUNCTION audit_publication_of_cases() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
BEGIN
  PERFORM audit(CASE WHEN NEW.published THEN 'cases_shown' ELSE 'cases_hidden' END,
                jsonb_build_object('division', NEW.division_id), NEW.division_id);
  RETURN NULL;
END $$;
CREATE TRIGGER audit_publication_of_cases AFTER INSERT OR UPDATE ON case_publication
  FOR EACH ROW EXECUTE FUNCTION audit_publication_of_cases();

GRANT SELECT, INSERT, UPDATE, DELETE ON case_publication TO weige_app;
GRANT SELECT ON public_cases TO weige_app;
