"""What the engine proposes for a draft: moves of units that nobody has made yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from api.drafts import Draft
from api.errors import NotFoundError
from geo.partition import Locks, Partition, matching, mend, rebalance, split, with_wanted_count

# Whoever asks waits for the answer: a number that is not reached by then is too far from what stands.
COUNT_S = 15.0


@dataclass(frozen=True)
class ProposedMove:
    """Units and the code of the grid they would go to; None stands for a new grid of them alone."""

    unit_ids: list[str]
    to: str | None


@dataclass(frozen=True)
class ProposedChange:
    """Households of a grid as it stands and as proposed; a code of None stands for a new grid."""

    code: str | None
    before: int
    after: int


@dataclass(frozen=True)
class Proposal:
    """Moves, what they do to each grid they touch, and grids that stay as they are, with the reason.

    Attributes
    ----------
    moved_households : int
        Households that would change from one grid to another.
    left : dict of code to reason
        `locked`, `special`, `limit`, `stopped`, or the code of the proof that it cannot be otherwise.
    """

    moves: list[ProposedMove]
    changes: list[ProposedChange]
    moved_households: int
    left: dict[str, str]
    households: Mapping[str, int] = field(default_factory=dict)

    def households_of(self, unit_ids: Collection[str]) -> int:
        """Return the households of those of some units that would move."""
        return sum(
            self.households.get(unit, 0) for move in self.moves for unit in move.unit_ids if unit in unit_ids
        )


class _Standing:
    """A draft as the engine takes it: parts numbered from 0, each the grid of a code."""

    def __init__(self, draft: Draft, locked_grids: Iterable[str], locked_units: Iterable[str]) -> None:
        self.draft = draft
        n = len(draft.households)
        self.partition = Partition(
            draft.adjacency, draft.households, np.zeros(n, np.int64), draft.labels, draft.band
        )
        placed = np.flatnonzero(draft.labels >= 0)
        parts, first = np.unique(self.partition.labels[placed], return_index=True)
        self.code_of = {
            int(part): draft.grids[int(draft.labels[placed[at]])].code
            for part, at in zip(parts, first, strict=True)
        }
        self.part_of = {code: part for part, code in self.code_of.items()}
        self.special = [
            part
            for part, code in self.code_of.items()
            if any(grid.code == code and grid.kind == "special" for grid in draft.grids.values())
        ]
        position = {unit_id: at for at, unit_id in enumerate(draft.adjacency.unit_ids.tolist())}
        missing = [unit_id for unit_id in locked_units if unit_id not in position]
        if missing:
            raise NotFoundError("unit_not_found", f"the draft has no unit {missing[0]}", unit=missing[0])
        self.locks = Locks(
            parts=[self.part(code) for code in locked_grids],
            units=[position[unit_id] for unit_id in locked_units],
        )
        self.compound: NDArray[np.int64] = pd.factorize(draft.compounds, sort=True)[0].astype(np.int64)

    def part(self, code: str) -> int:
        if code not in self.part_of:
            raise NotFoundError("grid_not_found", f"the draft has no grid {code} with units", grid=code)
        return self.part_of[code]


def propose_mending(
    draft: Draft,
    around: Collection[str] | None,
    *,
    locked_grids: Iterable[str] = (),
    locked_units: Iterable[str] = (),
    max_moved: int | None = None,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Proposal:
    """Propose how grids come back in band while as few households as possible change grids.

    Parameters
    ----------
    around : collection of codes, or None
        Only these grids and those one can walk to from them change; None: all.
    on_progress, should_stop : callable, optional
        As of `geo.partition.rebalance`: stopped, what is proposed is the best found by then.

    Raises
    ------
    NotFoundError
        A grid or unit named is not in the draft.
    InputError
        As `geo.partition.rebalance`.
    """
    standing = _Standing(draft, locked_grids, locked_units)
    if around is None:
        done = rebalance(
            standing.partition, special=standing.special, locks=standing.locks,
            compound=standing.compound, max_moved=max_moved, seed=seed, on_progress=on_progress,
            should_stop=should_stop,
        )  # fmt: skip
    else:
        done = mend(
            standing.partition, [standing.part(code) for code in around], special=standing.special,
            locks=standing.locks, compound=standing.compound, max_moved=max_moved, seed=seed,
        )  # fmt: skip
    left = {part: str(why) for part, why in done.left.items()}
    left |= {part: proof.code for part, proof in done.partition.proofs.items() if part not in left}
    return _proposal(standing, done.partition.labels, done.follows, left)


def propose_arrival(
    draft: Draft, coming: Collection[str], around: Collection[str], *, seed: int = 0
) -> Proposal:
    """Propose where houses go that nobody lives in yet, and how grids come back in band with them.

    Nobody knows a grid worker there, so that a house goes wherever that asks least of those who live here
    today: to a neighbouring grid with room, else to a grid of its own, and only then do others change grids.

    Parameters
    ----------
    draft : Draft
        With these houses counted in the grids on whose ground they stand.
    coming : collection of str
        Ids of these units.
    around : collection of codes
        Grids out of band; they, those one can walk to from them, and these houses change.
    """
    standing = _Standing(draft, (), ())
    arrives = np.isin(draft.adjacency.unit_ids.astype(str), list(coming))
    stood = standing.partition
    start = stood.with_labels(np.where(arrives, -1, stood.labels))
    # Parts are numbered by their first units, and a new house may be the first of its grid.
    here = np.flatnonzero(start.labels >= 0)
    parts, first = np.unique(start.labels[here], return_index=True)
    stood_as = np.full(start.n_parts, -1, np.int64)
    stood_as[parts] = stood.labels[here[first]]
    now = {int(old): part for part, old in enumerate(stood_as)}
    special = [now[part] for part in standing.special if part in now]
    done = mend(
        start, [now[part] for code in around if (part := standing.part(code)) in now], special=special,
        compound=standing.compound, seed=seed,
    )  # fmt: skip
    follows = np.where(done.follows >= 0, stood_as[done.follows], -1)
    own = (done.partition.labels >= 0) & (follows[done.partition.labels] < 0)
    after = _with_neighbours(done.partition, arrives & own, done.special)
    totals = np.bincount(after[after >= 0], draft.households[after >= 0], done.partition.n_parts)
    left = {part: str(why) for part, why in done.left.items()}
    left |= {
        part: proof.code
        for part, proof in done.partition.proofs.items()
        if part not in left and draft.band.status(int(totals[part])) != "ok"
    }
    return _proposal(standing, after, follows, left)


def _with_neighbours(
    partition: Partition, new: NDArray[np.bool_], special: Collection[int]
) -> NDArray[np.int64]:
    """Return labels in which parts of new houses alone lie in neighbouring parts that have room for them."""
    pairs, labels, band = partition.adjacency, partition.labels.copy(), partition.band
    totals = partition.part_households.copy()
    alone = [part for part in np.unique(labels[new]).tolist() if new[labels == part].all()]
    for part in alone:
        border: dict[int, float] = {}
        for ours, other in ((pairs.left, pairs.right), (pairs.right, pairs.left)):
            meets = pairs.joins & (labels[ours] == part) & (labels[other] >= 0) & (labels[other] != part)
            meets &= partition.community[ours] == partition.community[other]
            for goal, length in zip(
                labels[other[meets]].tolist(), pairs.border_m[meets].tolist(), strict=True
            ):
                border[goal] = border.get(goal, 0.0) + length
        roomy = [
            goal for goal in border
            if goal not in special and band.lower <= totals[goal] + totals[part] <= band.upper
        ]  # fmt: skip
        if roomy:
            goal = max(roomy, key=lambda goal: (border[goal], -goal))
            labels[labels == part] = goal
            totals[goal] += totals[part]
    return labels


def propose_split(
    draft: Draft, code: str, parts: int, *, locked_units: Iterable[str] = (), seed: int = 0
) -> Proposal:
    """Propose how one grid becomes several in band; the one of most households keeps the code.

    Raises
    ------
    NotFoundError
        The draft has no such grid.
    InputError
        As `geo.partition.split`.
    """
    standing = _Standing(draft, (), locked_units)
    part = standing.part(code)
    divided = split(
        standing.partition, part, parts, locks=standing.locks, compound=standing.compound, seed=seed
    )
    before, after = standing.partition.labels, divided.labels
    follows = np.full(divided.n_parts, -1, np.int64)
    for new in range(divided.n_parts):
        old = before[divided.members(new)[0]]
        if old != part:
            follows[new] = old
    pieces = np.unique(after[before == part])
    follows[pieces[np.argmax(divided.part_households[pieces])]] = part
    return _proposal(standing, after, follows, {})


def propose_count(
    draft: Draft,
    count: int,
    *,
    locked_grids: Iterable[str] = (),
    locked_units: Iterable[str] = (),
    seed: int = 0,
) -> Proposal:
    """Propose a plan with so many grids besides special ones; codes follow most households.

    Raises
    ------
    NotFoundError
        A grid or unit named is not in the draft.
    InputError
        As `geo.partition.with_wanted_count`; also where no plan is found in `COUNT_S` seconds.
    """
    standing = _Standing(draft, locked_grids, locked_units)
    end = time.monotonic() + COUNT_S
    made = with_wanted_count(
        standing.partition, count, special=standing.special, locks=standing.locks,
        compound=standing.compound, seed=seed, should_stop=lambda: time.monotonic() > end,
    )  # fmt: skip
    follows = matching(
        standing.partition.labels, made.labels, standing.draft.households,
        held=standing.locks.holds_units(standing.partition),
    )  # fmt: skip
    left = {
        part: "special" if follows[part] in standing.special else "not_proved"
        for part in made.out_of_band.tolist()
    }
    return _proposal(standing, made.labels, follows, left)


def _proposal(
    standing: _Standing, after: NDArray[np.int64], follows: NDArray[np.int64], left: dict[int, str]
) -> Proposal:
    before, households = standing.partition.labels, standing.draft.households
    ids = standing.draft.adjacency.unit_ids
    target = np.where(after >= 0, follows[after], -1)
    begins = (after >= 0) & (target < 0)
    changed = np.flatnonzero((target != before) | begins)
    moves = [
        ProposedMove(
            [str(ids[unit]) for unit in changed[after[changed] == part]], _code(standing, follows, part)
        )
        for part in np.unique(after[changed]).tolist()
    ]
    touched = set(before[changed].tolist()) | set(target[changed].tolist())
    changes = [
        ProposedChange(
            standing.code_of[part],
            int(households[before == part].sum()),
            int(households[target == part].sum()),
        )
        for part in sorted(touched - {-1}, key=lambda part: standing.code_of[part])
    ]
    changes += [
        ProposedChange(None, 0, int(households[after == part].sum()))
        for part in np.unique(after[begins]).tolist()
    ]
    from_grid = changed[before[changed] >= 0]
    return Proposal(
        moves, changes, int(households[from_grid].sum()),
        {code: why for part, why in left.items() if (code := _code(standing, follows, part)) is not None},
        {str(ids[unit]): int(households[unit]) for unit in from_grid.tolist()},
    )  # fmt: skip


def _code(standing: _Standing, follows: NDArray[np.int64], part: int) -> str | None:
    """Return the code that a part goes on with; None for a new one."""
    follows_part = int(follows[part]) if part >= 0 else -1
    return standing.code_of.get(follows_part)
