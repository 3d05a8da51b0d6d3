"""The sample town in the store: communities, units, streets, compounds; each community one grid in force."""

from __future__ import annotations

import hashlib

import shapely
from sqlalchemy import text

from api.database import Store
from geo.synthetic import sample_city
from tests.api.accounts import add_area


def fill_with_sample_town(store: Store) -> dict[str, int]:
    """Write the town; return the divisions by code: two streets with their communities."""
    town = sample_city()
    units, communities = town.units.to_crs(4490), town.communities.to_crs(4490)
    streets = {code[:9]: 0 for code in sorted(communities["community_id"])}
    divisions = {code: add_area(store, code, "street") for code in streets}
    with store.owner.begin() as owner:
        for row in communities.itertuples():
            code = row.community_id
            values = {"code": code, "above": divisions[code[:9]], "geom": shapely.to_wkb(row.geometry),
                      "sha": hashlib.sha256(code.encode()).digest()}  # fmt: skip
            values["c"] = divisions[code] = owner.execute(
                text("INSERT INTO divisions (parent_id, level, code, name, geom) VALUES (:above, 'community',"
                     " :code, :code, ST_GeomFromWKB(:geom, 4490)) RETURNING id"), values
            ).scalar_one()  # fmt: skip
            own = units[units["community_id"] == code]
            values |= {"n": len(own), "households": int(own["households"].sum())}
            values["ground"] = owner.execute(
                text("INSERT INTO grounds (community_id, n_units, households, sha256, pair_left, pair_right,"
                     " border_m, crosses, joins) VALUES (:c, :n, :households, :sha, '{}', '{}', '{}', '{}',"
                     " '{}') RETURNING id"), values
            ).scalar_one()  # fmt: skip
            owner.execute(
                text("INSERT INTO units (ground_id, number, community_id, unit_id, households, address, geom)"
                     " VALUES (:ground, :number, :c, :unit, :households, :address,"
                     " ST_GeomFromWKB(:geom, 4490))"),
                [{"ground": values["ground"], "number": at, "c": values["c"], "unit": unit.unit_id,
                  "households": int(unit.households), "address": unit.address,
                  "geom": shapely.to_wkb(unit.geometry)} for at, unit in enumerate(own.itertuples())],
            )  # fmt: skip
            values["plan"] = owner.execute(
                text("INSERT INTO plans (community_id, name) VALUES (:c, 'drawn') RETURNING id"), values
            ).scalar_one()
            values["v"] = owner.execute(
                text("INSERT INTO versions (plan_id, community_id, ground_id, min_households, max_households)"
                     " VALUES (:plan, :c, :ground, 50, 100) RETURNING id"), values
            ).scalar_one()  # fmt: skip
            owner.execute(
                text("INSERT INTO grids"
                     " (version_id, number, community_id, code, households, units, status, geom)"
                     " VALUES (:v, 0, :c, :code || '001', :households, :n, 'too_large',"
                     " ST_GeomFromWKB(:geom, 4490))"), values
            )  # fmt: skip
            owner.execute(
                text("INSERT INTO assignments (version_id, unit_number, grid_number, community_id, ground_id)"
                     " SELECT :v, number, 0, :c, :ground FROM units WHERE ground_id = :ground"), values
            )  # fmt: skip
            for state in ("submitted", "published"):
                owner.execute(
                    text("UPDATE versions SET state = :s, valid_from = CASE :s WHEN 'published' THEN"
                         " date '2020-01-01' END WHERE id = :v"), {"s": state, **values}
                )  # fmt: skip
        for layer, frame in (("roads", town.roads), ("compounds", town.compounds)):
            owner.execute(
                text(f"INSERT INTO {layer} (name, geom) VALUES (:name, ST_GeomFromWKB(:geom, 4490))"),
                [{"name": name, "geom": shapely.to_wkb(shape)}
                 for name, shape in zip(frame["name"], frame.to_crs(4490).geometry, strict=True)],
            )  # fmt: skip
    return divisions
