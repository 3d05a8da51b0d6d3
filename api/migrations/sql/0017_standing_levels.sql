-- Areas in another mode tell their level: a page names one without a name by what it is and its code.

SET LOCAL search_path = weige, public;

DROP FUNCTION standing_modes();
CREATE FUNCTION standing_modes() RETURNS TABLE (
  division_id bigint, area text, name text, level text, mode text, set_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = weige, public, pg_temp AS $$
  SELECT last.division_id, d.code, d.name, d.level, last.mode, last.set_at
  FROM (SELECT DISTINCT ON (m.division_id) m.division_id, m.mode, m.set_at FROM area_modes m
        ORDER BY m.division_id, m.set_at DESC, m.id DESC) last
    JOIN divisions d ON d.id = last.division_id
  WHERE last.mode <> 'routine' AND (d.path <@ ANY (reading_areas()) OR d.path @> ANY (reading_areas()))
  ORDER BY last.mode = 'emergency' DESC, d.path
$$;
