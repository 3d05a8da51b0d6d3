"""Address text to candidates among a project's own units, compounds and streets: scored, never a guess.

An address is a name (of a street, lane, village or compound) with the number of a house behind it, maybe of
a stairwell too; what else a sentence says is passed over. A street without a number is a line, not a point
on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Literal, TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray

PlaceKind: TypeAlias = Literal["building", "stairwell", "compound", "street", "crossing"]
# What of a text a candidate rests on, and what of it was not found.
Ground: TypeAlias = Literal[
    "name", "number", "stairwell", "name_misspelt", "number_unknown", "stairwell_unknown", "other_numbering"
]  # fmt: skip

# Scores order candidates; they are no probabilities. Whole: everything that the text says was found.
WHOLE, CROSSING, NAME_ONLY = 1.0, 0.95, 0.9
OTHER_NUMBERING, STAIRWELL_UNKNOWN = 0.8, 0.9
NUMBER_UNKNOWN = 0.5
MISSPELT = 0.7
# A text is decided where one candidate is this good, and this much better than the next.
DECIDED, CLEARLY = 0.9, 0.05
# Two streets cross where their axes come this near, in degrees (about 30 m): axes may end short.
CROSSING_DEG = 0.0003
# Names shorter than this are not looked for with a letter wrong.
SHORTEST_MISSPELT = 4

_FULL_WIDTH = {0xFF10 + digit: str(digit) for digit in range(10)} | {
    0xFF08: "(", 0xFF09: ")", 0xFF0D: "-", 0xFF03: "#", 0x3000: " ",
}  # fmt: skip
_DIGITS = {"一": "1", "二": "2", "三": "3", "四": "4", "五": "5", "六": "6", "七": "7", "八": "8", "九": "9",
           "甲": "1", "乙": "2", "丙": "3", "丁": "4"}  # fmt: skip
_HOUSE = (
    r"(?P<house>\d{1,5}(?:-\d{1,4})?[A-Za-z]?)(?P<kind>号楼|号院|号|#楼|#|栋|幢|座|弄|楼)?"
    r"(?:(?P<stair>\d{1,2}|[一二三四五六七八九甲乙丙丁])单元)?"
)
_ADDRESS = re.compile(rf"(?P<name>.*?\D)??{_HOUSE}")
_BEHIND = re.compile(rf"(?:小区|社区|村)?(?:\(.{{0,20}}?\))?第?{_HOUSE}")
# Numberings that offices use for the same: of a building in a compound or along a street, or of a door.
_BUILDING = frozenset(("号楼", "#楼", "#", "栋", "幢", "座", "楼"))


def plain(said: str) -> str:
    """Return a text as addresses are compared: half-width digits, no spaces."""
    return re.sub(r"\s", "", said.translate(_FULL_WIDTH))


@dataclass(frozen=True)
class Addressed:
    """A unit or small house with its address.

    Attributes
    ----------
    address : str
    community : int
    shape : bytes
        WKB, in degrees.
    """

    address: str
    community: int
    shape: bytes


@dataclass(frozen=True)
class Named:
    """A street or compound by its name; parts of one name are one place.

    Attributes
    ----------
    name : str
    kind : `street` or `compound`
    communities : tuple of int
        Those that it lies in or along.
    shape : bytes
        WKB, in degrees.
    """

    name: str
    kind: PlaceKind
    communities: tuple[int, ...]
    shape: bytes


@dataclass(frozen=True)
class Candidate:
    """A place that a text may mean.

    Attributes
    ----------
    kind : PlaceKind
    name : str
        As the project's own layers have it.
    score : float
        1 where everything that the text says was found; it orders, and is no probability.
    rests_on : tuple of Ground
    communities : tuple of int
    shape : Geometry
        In degrees: of a street its line, never a point on it.
    """

    kind: PlaceKind
    name: str
    score: float
    rests_on: tuple[Ground, ...]
    communities: tuple[int, ...]
    shape: shapely.Geometry

    @property
    def point(self) -> shapely.Point | None:
        """The point that it is; None of a street or compound, which are no points."""
        if self.kind in ("street", "compound"):
            return None
        at: shapely.Point = self.shape.representative_point()
        return at

    @property
    def radius_m(self) -> float:
        """How far it reaches from its middle, in metres."""
        west, south, east, north = self.shape.bounds
        wide = (east - west) * 111_320 * float(np.cos(np.radians((south + north) / 2)))
        return float(np.hypot(wide, (north - south) * 110_574) / 2)


@dataclass(frozen=True)
class _Number:
    house: str
    is_building: bool | None
    stair: str


def _number(found: re.Match[str]) -> _Number:
    kind = found["kind"]
    stair = found["stair"] or ""
    return _Number(found["house"].upper(), None if kind is None else kind in _BUILDING,
                   _DIGITS.get(stair, stair.lstrip("0")))  # fmt: skip


class Gazetteer:
    """Names and numbers of a project's units, compounds and streets.

    Parameters
    ----------
    addressed : iterable of Addressed
    named : iterable of Named
    """

    def __init__(self, addressed: Iterable[Addressed], named: Iterable[Named]) -> None:
        self._houses: dict[str, dict[str, list[tuple[_Number, Addressed]]]] = {}
        self._named: dict[str, list[Named]] = {}
        self._whole: dict[str, list[Addressed]] = {}
        for one in addressed:
            address = plain(one.address)
            found = _ADDRESS.match(address)
            if found is not None and found["name"]:
                number = _number(found)
                of_name = self._houses.setdefault(found["name"], {})
                of_name.setdefault(number.house, []).append((number, one))
            elif address:
                self._whole.setdefault(address, []).append(one)
        for place in named:
            if plain(place.name):
                self._named.setdefault(plain(place.name), []).append(place)

    @cached_property
    def _names(self) -> dict[int, frozenset[str]]:
        """Every name by its length."""
        by_length: dict[int, set[str]] = {}
        for name in (*self._houses, *self._named, *self._whole):
            by_length.setdefault(len(name), set()).add(name)
        return {length: frozenset(by_length[length]) for length in sorted(by_length, reverse=True)}

    def find(self, text: str, *, most: int = 5) -> tuple[Candidate, ...]:
        """Return what a text may mean, the best first; nothing where no name of the project is in it."""
        said = plain(text)
        found: list[Candidate] = []
        mentioned = list(self._mentioned(said))
        spelt = 1.0
        if not mentioned:
            mentioned, spelt = list(self._misspelt(said)), MISSPELT
        for name, end in mentioned:
            found += self._of_name(name, said[end:], spelt)
        streets = [place for name, _ in mentioned for place in self._streets(name)]
        crossings = list(_crossings(streets)) if spelt == 1.0 else []
        if crossings:
            # Who names two streets that meet means where they do.
            found = [replace(one, score=NUMBER_UNKNOWN) if one.kind == "street" else one for one in found]
            found += crossings
        best: dict[tuple[str, str, tuple[int, ...]], Candidate] = {}
        for one in found:
            key = (one.kind, one.name, one.communities)
            if key not in best or best[key].score < one.score:
                best[key] = one
        return tuple(sorted(best.values(), key=lambda one: (-one.score, one.kind, one.name))[:most])

    def _mentioned(self, said: str) -> Iterator[tuple[str, int]]:
        """Yield the names in a text with where each ends, the longest at each place."""
        at = 0
        while at < len(said):
            name = next((said[at : at + n] for n in self._names if said[at : at + n] in self._names[n]), None)
            if name is None:
                at += 1
            else:
                at += len(name)
                yield name, at

    @cached_property
    def _halves(self) -> dict[tuple[int, bool, str], tuple[str, ...]]:
        """Names by either half: of a name with one letter wrong the other half is right."""
        halves: dict[tuple[int, bool, str], list[str]] = {}
        for length, names in self._names.items():
            for name in sorted(names) if length >= SHORTEST_MISSPELT else ():
                halves.setdefault((length, True, name[: length // 2]), []).append(name)
                halves.setdefault((length, False, name[length // 2 :]), []).append(name)
        return {key: tuple(names) for key, names in halves.items()}

    def _misspelt(self, said: str) -> Iterator[tuple[str, int]]:
        """Yield names that stand in a text with one letter wrong, each once."""
        seen: set[str] = set()
        for length in self._names:
            for at in range(len(said) - length + 1):
                part = said[at : at + length]
                for name in (
                    *self._halves.get((length, True, part[: length // 2]), ()),
                    *self._halves.get((length, False, part[length // 2 :]), ()),
                ):
                    if name not in seen and sum(a != b for a, b in zip(part, name, strict=True)) == 1:
                        seen.add(name)
                        yield name, at + length

    def _of_name(self, name: str, behind: str, spelt: float) -> Iterator[Candidate]:
        grounds: tuple[Ground, ...] = ("name",) if spelt == 1.0 else ("name_misspelt",)
        for same in _same_place(self._whole.get(name, ())):
            yield _candidate("building", name, spelt * WHOLE, grounds, same)
        found = _BEHIND.match(behind)
        houses = self._houses.get(name, {})
        if found is not None:
            asked = _number(found)
            known = houses.get(asked.house, [])
            if known:
                yield from _of_number(name, asked, known, spelt, grounds)
                return
        number_unknown = found is not None
        score = spelt * (NUMBER_UNKNOWN if number_unknown else NAME_ONLY)
        if number_unknown:
            grounds = (*grounds, "number_unknown")
        places = self._named.get(name, [])
        for kind in ("street", "compound"):
            parts = [place for place in places if place.kind == kind]
            if parts:
                communities = tuple(sorted({one for part in parts for one in part.communities}))
                shape = shapely.union_all(shapely.from_wkb([part.shape for part in parts]))
                yield Candidate(parts[0].kind, name, score, grounds, communities, shape)
        if not places and houses:
            # A name that stands in addresses alone, such as a village: where its houses are.
            every = [one for same in houses.values() for _, one in same]
            yield _candidate("compound", name, score, grounds, every)

    def _streets(self, name: str) -> Iterator[tuple[str, shapely.Geometry, tuple[int, ...]]]:
        parts = [place for place in self._named.get(name, []) if place.kind == "street"]
        if parts:
            shape = shapely.union_all(shapely.from_wkb([part.shape for part in parts]))
            yield name, shape, tuple(sorted({one for part in parts for one in part.communities}))


def decided(candidates: Sequence[Candidate]) -> Candidate | None:
    """Return the one candidate that a text means; None where it could be another, or is not whole enough."""
    if not candidates or candidates[0].score < DECIDED:
        return None
    if len(candidates) > 1 and candidates[1].score > candidates[0].score - CLEARLY:
        return None
    return candidates[0]


def _of_number(
    name: str,
    asked: _Number,
    known: Sequence[tuple[_Number, Addressed]],
    spelt: float,
    grounds: tuple[Ground, ...],
) -> Iterator[Candidate]:
    """Yield the houses of a number: those of the numbering that the text names, others with less score."""
    numberings: dict[bool | None, list[tuple[_Number, Addressed]]] = {}
    for number, one in known:
        numberings.setdefault(number.is_building, []).append((number, one))
    for numbering, same in numberings.items():
        other = None not in (asked.is_building, numbering) and asked.is_building != numbering
        score = spelt * (OTHER_NUMBERING if other else WHOLE)
        rests: tuple[Ground, ...] = (*grounds, "other_numbering" if other else "number")
        stairs = [(number, one) for number, one in same if asked.stair and number.stair == asked.stair]
        if stairs:
            for place in _same_place([one for _, one in stairs]):
                yield _candidate("stairwell", place[0].address, score, (*rests, "stairwell"), place)
            continue
        if asked.stair:
            score, rests = score * STAIRWELL_UNKNOWN, (*rests, "stairwell_unknown")
        for place in _same_place([one for _, one in same]):
            house = plain(place[0].address).split("单元", maxsplit=1)[0]
            found = _ADDRESS.match(house)
            shown = house if found is None else f"{name}{found['house']}{found['kind'] or ''}"
            yield _candidate("building", shown, score, rests, place)


def _same_place(units: Sequence[Addressed]) -> Iterator[list[Addressed]]:
    """Yield units of one address community by community: the same address in two is two places."""
    by_community: dict[int, list[Addressed]] = {}
    for one in units:
        by_community.setdefault(one.community, []).append(one)
    for community in sorted(by_community):
        yield by_community[community]


def _candidate(
    kind: PlaceKind, name: str, score: float, grounds: tuple[Ground, ...], units: Sequence[Addressed]
) -> Candidate:
    shapes: NDArray[np.object_] = shapely.from_wkb([one.shape for one in units])
    communities = tuple(sorted({one.community for one in units}))
    return Candidate(kind, name, round(score, 3), grounds, communities, shapely.union_all(shapes))


def _crossings(
    streets: Sequence[tuple[str, shapely.Geometry, tuple[int, ...]]],
) -> Iterator[Candidate]:
    """Yield where the streets that a text names meet."""
    for (one, a, here), (other, b, there) in combinations(streets, 2):
        if one == other or a.distance(b) > CROSSING_DEG:
            continue
        communities = tuple(sorted({*here, *there}))
        at = shapely.shortest_line(a, b).centroid
        yield Candidate("crossing", f"{one}/{other}", CROSSING, ("name",), communities, at)
