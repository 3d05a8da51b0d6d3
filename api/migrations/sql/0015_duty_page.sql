-- What the page of rosters and modes reads: accounts of posts by name, for those who put them on the roster; and which
-- areas are in a mode other than routine, for everybody whom that touches.

SET LOCAL search_path = weige, public;

-- Accounts of posts with a role in the areas where the actor keeps the roster; whoever only reports is on no roster.
CREATE FUNCTION posts() RETURNS TABLE (id bigint, name text) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
  SELECT u.id, u.name FROM users u
  WHERE u.disabled_at IS NULL AND u.id IN (
    SELECT g.user_id FROM grants g JOIN divisions d ON d.id = g.division_id
    WHERE g.role <> 'reporter' AND d.path <@ ANY (areas('dispatcher', 'admin')))
  ORDER BY u.name
$$;

-- Areas that are in another mode than routine by their own last switch, as far as they lie in those of the actor or
-- these lie in them.
CREATE FUNCTION standing_modes() RETURNS TABLE (
  division_id bigint, area text, name text, mode text, set_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = weige, public, pg_temp AS $$
  SELECT last.division_id, d.code, coalesce(d.name, d.code), last.mode, last.set_at
  FROM (SELECT DISTINCT ON (m.division_id) m.division_id, m.mode, m.set_at FROM area_modes m
        ORDER BY m.division_id, m.set_at DESC, m.id DESC) last
    JOIN divisions d ON d.id = last.division_id
  WHERE last.mode <> 'routine' AND (d.path <@ ANY (reading_areas()) OR d.path @> ANY (reading_areas()))
  ORDER BY last.mode = 'emergency' DESC, d.path
$$;
