"""Places for further stations of a plan: which, for whom, what each adds, and who is still not reached."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.errors import InputError
from geo.paths import FloatArray, IntArray
from geo.plan_layers import PlanLayers
from geo.planning import inner_points
from geo.reach import METRES_PER_MINUTE, walks
from geo.reached import paths_of
from geo.siting import (
    Answer,
    Nearby,
    Served,
    best_next,
    fewest,
    gains_table,
    in_order_of_gain,
    most_reached,
    nearest,
    serving,
)
from geo.siting.gains import Gain

Aim: TypeAlias = Literal["reach", "cover", "nearest"]

# More candidates are not weighed: most of a city's doors are as good as those beside them.
MOST_CANDIDATES = 5_000
# Of more doors than that, one stands for all in a square of this side, or of twice, four times as much.
_SQUARE_M = 30.0
# The table of gains goes on so far beyond the chosen places.
_FURTHER = 20


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes
    ----------
    aim : {"reach", "cover", "nearest"}
        The k places that reach most households; the fewest that reach all that can be reached; the k places
        that make walks least.
    k : int
        Not used for `cover`.
    minutes : float
        Whoever walks longer is not reached.
    capacity : int or None
        Most households of a place, for `nearest`.
    """

    aim: Aim
    k: int
    minutes: float
    capacity: int | None = None


@dataclass(frozen=True)
class Sited:
    """Places chosen for a plan; who is served is counted within the capacity of places where they have one.

    Attributes
    ----------
    layers : PlanLayers
    question : Question
    places : GeoDataFrame, m rows
        Standing stations, then candidates: `place_id`, `name`, and points in the working CRS.
    nearby : Nearby
        Of the units (rows of `layers.units`) and `places`.
    answer : Answer
    order : (k,) int64
        The chosen places in the order of what they add.
    lost : (u,) int64
        Units that no way leads to.
    places_lost : (t,) int64
        Places that no way leads to.
    is_straight : bool
        Whether the times are those of straight lines, for want of streets.
    side_m : float
        One door stood for all in squares of this side; 0 where every door was weighed.
    """

    layers: PlanLayers
    question: Question
    places: gpd.GeoDataFrame
    nearby: Nearby
    answer: Answer
    order: IntArray
    lost: IntArray
    places_lost: IntArray
    is_straight: bool
    side_m: float = 0.0

    @property
    def opened(self) -> IntArray:
        """Standing and chosen places, ascending."""
        return np.sort(np.concatenate([np.flatnonzero(self.nearby.is_standing), self.order]))

    @cached_property
    def gains(self) -> pd.DataFrame:
        """What the chosen places add one after another, then what still more would (`gains_table`).

        With `place_id`, and `chosen`: 1 for those that are. Under a capacity only the chosen ones.
        """
        capacity, more = self.question.capacity, np.empty(0, np.int64)
        if capacity is None:
            more = best_next(self.nearby, _FURTHER, after=self.order, by=_gain_of(self.question))
        table = gains_table(self.nearby, np.concatenate([self.order, more]), capacity=capacity)
        ids = np.array([*self.places["place_id"], None], object)
        chosen = (table["n"].to_numpy() > 0) & (table["n"].to_numpy() <= len(self.order))
        named = table.assign(place_id=ids[table["place"].to_numpy()], chosen=chosen.astype(np.int64))
        return named.drop(columns="place")

    @property
    def called(self) -> dict[str, str]:
        """What each place is called, by its id: its name, with the id where others share it; else the id."""
        ids, given = self.places["place_id"].astype(str), self.places["name"]
        names = given.where(given.notna(), "").astype(str).str.strip()
        shared = names.duplicated(keep=False)
        return {
            place: place if not name or name == place else f"{name} ({place})" if twice else name
            for place, name, twice in zip(ids, names, shared, strict=True)
        }

    @cached_property
    def _served(self) -> Served:
        """Who goes where: to the nearest place, or to one that has room."""
        return self.answer.served or serving(self.nearby, self.order)

    def served(self) -> pd.DataFrame:
        """Return who goes where: unit_id, place_id, households, minutes."""
        ids = self.layers.units["unit_id"].to_numpy(dtype=object)
        told = self._served
        some = told.households > 0
        return pd.DataFrame(
            {
                "unit_id": ids[told.unit[some]],
                "place_id": self.places["place_id"].to_numpy(dtype=object)[told.place[some]],
                "households": told.households[some],
                "minutes": np.round(told.minutes[some], 2),
            }
        )

    def sites(self) -> gpd.GeoDataFrame:
        """Return standing and chosen places with what they add and the households that go there."""
        told, m = self._served, self.nearby.n_places
        goes = np.bincount(told.place, told.households, m)
        walked = np.bincount(told.place, told.households * told.minutes, m)
        reached = np.asarray(self.nearby.cover.T @ self.nearby.households, np.int64).ravel()
        rows = np.concatenate([np.flatnonzero(self.nearby.is_standing), self.order])
        gained = self.gains.loc[self.gains["chosen"] == 1, "gained"]
        n_standing = len(rows) - len(self.order)
        with np.errstate(invalid="ignore"):
            mean = np.round(walked[rows] / goes[rows], 2)
        sites = self.places.iloc[rows].reset_index(drop=True)
        return sites.assign(
            kind=["standing"] * n_standing + ["new"] * len(self.order),
            n=pd.array([pd.NA] * n_standing + list(range(1, len(self.order) + 1)), dtype="Int64"),
            gained=pd.array([pd.NA] * n_standing + gained.tolist(), dtype="Int64"),
            within=reached[rows],
            households=goes[rows].astype(np.int64),
            mean_minutes=mean,
        )

    def units(self) -> gpd.GeoDataFrame:
        """Return the units with how many households are served, where most of them go, and how far that is.

        `minutes` are to the place that `place_id` names, `minutes_before` to where most of them went when
        nothing new stood, `nearest_minutes` to the nearest place, which may have no room.
        """
        capacity, none = self.question.capacity, self.order[:0]
        before, _, _ = self._of_units(serving(self.nearby, none, capacity=capacity))
        minutes, to, served = self._of_units(self._served)
        ids = np.array([*self.places["place_id"], None], object)
        kept = self.layers.units[["unit_id", "households", "community_id", "geometry"]]
        return kept.assign(
            minutes_before=_minutes(before),
            minutes=_minutes(minutes),
            place_id=ids[to],
            served=served,
            nearest_minutes=_minutes(self.nearby.minutes_to(self.opened)),
        )

    def households_served(self) -> IntArray:
        """Return the households of each unit that a place serves, (n,)."""
        return self._of_units(self._served)[2]

    def _of_units(self, told: Served) -> tuple[FloatArray, IntArray, IntArray]:
        """Return minutes, place (-1 for none; the most used of several) and households served of units."""
        n = self.nearby.n_units
        minutes, to = np.full(n, np.inf), np.full(n, -1)
        order = np.lexsort((told.place, -told.households, told.unit))
        unit, first = np.unique(told.unit[order], return_index=True)
        minutes[unit], to[unit] = told.minutes[order][first], told.place[order][first]
        return minutes, to, np.bincount(told.unit, told.households, n).astype(np.int64)

    def unreached(self) -> gpd.GeoDataFrame:
        """Return units with households that no place serves, as points, with how many and why.

        `no_way`: no way leads to it. `no_place`: no station and no candidate within the limit.
        `not_chosen`: only candidates that were not chosen. `full`: the places are full.
        """
        near = self.nearby
        left = near.households - self.households_served()
        rows = np.flatnonzero(left > 0)
        now = np.isfinite(near.minutes_to(self.opened))
        why = np.select(
            [np.isin(rows, self.lost), ~near.reached_by_any[rows], ~now[rows]],
            ["no_way", "no_place", "not_chosen"],
            "full",
        )
        units = self.layers.units.iloc[rows]
        spots = shapely.points(inner_points(units.geometry.to_numpy()))
        columns = {
            "unit_id": units["unit_id"].to_numpy(),
            "community_id": units["community_id"].to_numpy(),
            "households": left[rows],
            "reason": why.astype(object),
        }
        return gpd.GeoDataFrame(columns, geometry=spots, crs=self.layers.working_crs)

    @property
    def all_households(self) -> int:
        """Households of all units."""
        return int(self.nearby.households.sum())


def sited(
    layers: PlanLayers,
    question: Question,
    *,
    stations: gpd.GeoDataFrame | None = None,
    candidates: gpd.GeoDataFrame | None = None,
    metres_per_minute: float = METRES_PER_MINUTE,
) -> Sited:
    """Answer where further stations should be.

    Parameters
    ----------
    layers : PlanLayers
        Units, roads, and the water, barriers, compounds and gates that cut or open them.
    question : Question
    stations : GeoDataFrame, optional
        `station_id`, `name` and points of those that stand, in any CRS.
    candidates : GeoDataFrame, optional
        `candidate_id`, `name` and points; without them the doors of the units.
    metres_per_minute : float

    Raises
    ------
    InputError
        There are more candidates than can be weighed.
    """
    standing = _places(stations, "station_id", layers)
    could, side_m = (
        _doors(layers) if candidates is None else (_places(candidates, "candidate_id", layers), 0.0)
    )
    if len(could) > MOST_CANDIDATES:
        raise InputError(
            "candidates_too_many",
            f"{len(could)} candidates are more than {MOST_CANDIDATES}",
            mend="give fewer with --candidates",
            n=len(could),
            most=MOST_CANDIDATES,
        )
    places = pd.concat([standing, could], ignore_index=True)
    places = gpd.GeoDataFrame(places, geometry="geometry", crs=layers.working_crs)
    found = walks(
        inner_points(layers.units.geometry.to_numpy()),
        shapely.get_coordinates(places.geometry.to_numpy()),
        paths_of(layers),
        limit_m=question.minutes * metres_per_minute,
    )
    nearby = Nearby.of(
        found, layers.units["households"].to_numpy(dtype=np.int64), np.arange(len(places)) < len(standing),
        limit_minutes=question.minutes, metres_per_minute=metres_per_minute,
    )  # fmt: skip
    if question.aim == "cover":
        answer = fewest(nearby)
    elif question.aim == "nearest":
        answer = nearest(nearby, question.k, capacity=question.capacity)
    else:
        answer = most_reached(nearby, question.k)
    return Sited(
        layers, question, places, nearby, answer,
        in_order_of_gain(nearby, answer.places, by=_gain_of(question), capacity=question.capacity),
        found.unconnected, found.starts_unconnected, found.is_straight, side_m,
    )  # fmt: skip


def _gain_of(question: Question) -> Gain:
    return "minutes" if question.aim == "nearest" else "households"


def _places(frame: gpd.GeoDataFrame | None, id_column: str, layers: PlanLayers) -> gpd.GeoDataFrame:
    if frame is None:
        return gpd.GeoDataFrame({"place_id": [], "name": []}, geometry=[], crs=layers.working_crs)
    moved = frame.to_crs(layers.working_crs)
    name = moved["name"].to_numpy(dtype=object) if "name" in moved else np.full(len(moved), None, object)
    columns = {"place_id": moved[id_column].to_numpy(dtype=object), "name": name}
    return gpd.GeoDataFrame(columns, geometry=moved.geometry.to_numpy(), crs=layers.working_crs)


def _doors(layers: PlanLayers) -> tuple[gpd.GeoDataFrame, float]:
    """Return the doors of all units; of too many one in each square, and the side of the squares (else 0)."""
    units = layers.units
    spots = inner_points(units.geometry.to_numpy())
    ids = units["unit_id"].to_numpy(dtype=object)
    rows = np.argsort(ids.astype(str), kind="stable")
    rows = rows[~np.isnan(spots[rows]).any(axis=1)]
    side_m = 0.0
    chosen = rows
    while len(chosen) > MOST_CANDIDATES:
        side_m = 2 * side_m or _SQUARE_M
        square = np.floor(spots[rows] / side_m).astype(np.int64)
        chosen = rows[np.sort(np.unique(square, axis=0, return_index=True)[1])]
    columns = {"place_id": ids[chosen], "name": np.full(len(chosen), None, object)}
    return (
        gpd.GeoDataFrame(columns, geometry=shapely.points(spots[chosen]), crs=layers.working_crs),
        side_m,
    )


def _minutes(values: FloatArray) -> pd.Series:
    return pd.Series(np.where(np.isfinite(values), np.round(values, 2), np.nan))
