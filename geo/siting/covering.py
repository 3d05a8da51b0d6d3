"""Covering: which k places reach most households, and how few places reach all that can be reached.

References
----------
Church, R., ReVelle, C. (1974). The maximal covering location problem. Papers in Regional Science 32.
Toregas, C., Swain, R., ReVelle, C., Bergman, L. (1971). The location of emergency service facilities.
Operations Research 19(6).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags, hstack, identity, vstack

from geo.siting.answer import Answer, FloatArray, IntArray
from geo.siting.nearby import Nearby
from geo.siting.program import least

# With so many candidates the search goes on until the optimum is proved.
PROVED_UP_TO = 60
# With more it ends when this share at most is missed, or after so many nodes.
_GAP = 0.002
_NODES = 200
# Pairs of more rows than this are not compared for one that makes the other needless.
_COMPARED = 6_000


@dataclass(frozen=True)
class _Groups:
    """Units that could be reached by the same candidates, as one: `member` (g, c), `households` (g,)."""

    candidates: IntArray
    member: csr_matrix
    households: FloatArray


def most_reached(nearby: Nearby, k: int) -> Answer:
    """Choose at most k candidates that reach most households within the limit that no standing place reaches.

    Returns
    -------
    Answer
        `value` and `bound` are households newly reached. Fewer than k places where more reach nobody else.
    """
    groups = _groups(nearby)
    if not len(groups.candidates) or not len(groups.households) or k <= 0:
        return Answer(np.empty(0, np.int64), 0.0, 0.0, proved=True)
    g, c = groups.member.shape
    known = _swapped(groups, _greedy(groups, k))
    # Reached by a chosen one, or not: reached - sum(chosen) <= 0; at most k are chosen.
    links = hstack([-groups.member, identity(g)], format="csr")
    choice = csr_matrix(np.concatenate([np.ones(c), np.zeros(g)])[None, :])
    small = c <= PROVED_UP_TO
    chosen = np.zeros(c)
    chosen[known] = 1.0
    reached = np.asarray(groups.member @ chosen > 0, np.float64).ravel()
    found = least(
        np.concatenate([np.zeros(c), -groups.households]),
        vstack([links, choice], format="csr"),
        np.full(g + 1, -np.inf),
        np.concatenate([np.zeros(g), [float(k)]]),
        n_integer=c,
        start=np.concatenate([chosen, reached]),
        nodes=1 << 30 if small else _NODES,
        gap=0.0 if small else _GAP,
    )
    total = float(groups.households.sum())
    value, best, bound, proved = _reached(groups, known), known, total, False
    if found is not None:
        solved = np.flatnonzero(found.values[:c] > 0.5)
        bound, proved = min(total, np.floor(-found.bound + 1e-6)), found.proved
        if _reached(groups, solved) > value:
            value, best = _reached(groups, solved), solved
    best = _needed(groups, best)
    return Answer(np.sort(groups.candidates[best]), value, max(bound, value), proved or value >= bound)


def fewest(nearby: Nearby) -> Answer:
    """Choose the fewest candidates so that whoever can be reached within the limit is.

    Returns
    -------
    Answer
        `value` and `bound` are numbers of places.
    """
    groups = _groups(nearby)
    if not len(groups.households):
        return Answer(np.empty(0, np.int64), 0.0, 0.0, proved=True)
    groups = _without_implied(groups)
    g, c = groups.member.shape
    known = _greedy(groups, c)
    start = np.zeros(c)
    start[known] = 1.0
    small = c <= PROVED_UP_TO
    found = least(
        np.ones(c), groups.member, np.ones(g), np.full(g, np.inf), n_integer=c, start=start,
        nodes=1 << 30 if small else _NODES,
    )  # fmt: skip
    best, bound = known, 1.0
    if found is not None:
        solved = np.flatnonzero(found.values > 0.5)
        bound = float(np.ceil(found.bound - 1e-6))
        if len(solved) < len(best):
            best = solved
    return Answer(
        np.sort(groups.candidates[best]), float(len(best)), min(bound, float(len(best))), len(best) <= bound
    )


def _groups(nearby: Nearby) -> _Groups:
    """Join units with the same candidates, and leave out candidates that another makes needless."""
    candidates = nearby.candidates
    open_ = np.flatnonzero(
        np.isinf(nearby.standing_minutes) & nearby.reached_by_any & (nearby.households > 0)
    )
    rows = csr_matrix(nearby.cover[open_][:, candidates])
    rows.sort_indices()
    number: dict[bytes, int] = {}
    group = np.empty(len(open_), np.int64)
    for row in range(len(open_)):
        key = rows.indices[rows.indptr[row] : rows.indptr[row + 1]].tobytes()
        group[row] = number.setdefault(key, len(number))
    first = np.unique(group, return_index=True)[1]
    households = np.bincount(group, weights=nearby.households[open_], minlength=len(number))
    member = csr_matrix(rows[first])
    kept = np.flatnonzero(~_needless(csr_matrix(member.T)))
    return _Groups(candidates[kept], csr_matrix(member[:, kept]), households.astype(np.float64))


def _without_implied(groups: _Groups) -> _Groups:
    """Leave out groups that are reached whenever another is, then candidates that this makes needless."""
    member, candidates = groups.member, groups.candidates
    while True:
        size = member.shape
        kept = np.flatnonzero(~_implied(member))
        member = csr_matrix(member[kept])
        chosen = np.flatnonzero(~_needless(csr_matrix(member.T)))
        member, candidates = csr_matrix(member[:, chosen]), candidates[chosen]
        if member.shape == size:
            return _Groups(candidates, member, np.ones(size[0], np.float64))


def _needless(sets: csr_matrix) -> NDArray[np.bool_]:
    """Which sets (rows) lie in another; of equal ones all but the first, and the empty ones."""
    size = np.diff(sets.indptr)
    needless: NDArray[np.bool_] = size == 0
    if len(size) <= _COMPARED:
        shared = (sets @ sets.T).tocoo()
        one, other = shared.row, shared.col
        inside = (one != other) & (shared.data == size[one])
        inside &= (size[other] > size[one]) | (other < one)
        needless[one[inside]] = True
    return needless


def _implied(sets: csr_matrix) -> NDArray[np.bool_]:
    """Which sets (rows) hold another; of equal ones all but the first."""
    size = np.diff(sets.indptr)
    implied: NDArray[np.bool_] = np.zeros(len(size), bool)
    if len(size) <= _COMPARED:
        shared = (sets @ sets.T).tocoo()
        one, other = shared.row, shared.col
        holds = (one != other) & (shared.data == size[other])
        holds &= (size[other] < size[one]) | (other < one)
        implied[one[holds]] = True
    return implied


def _greedy(groups: _Groups, k: int) -> IntArray:
    """Return candidates, each reaching most of what those before it leave."""
    left = groups.households.copy()
    by_candidate = csr_matrix(groups.member.T)
    chosen: list[int] = []
    while len(chosen) < k:
        gain = by_candidate @ left
        best = int(np.argmax(gain))
        if gain[best] <= 0:
            break
        chosen.append(best)
        left[by_candidate.indices[by_candidate.indptr[best] : by_candidate.indptr[best + 1]]] = 0.0
    return np.array(chosen, np.int64)


def _swapped(groups: _Groups, chosen: IntArray) -> IntArray:
    """Exchange one chosen candidate for another as long as that reaches more."""
    by_candidate = csr_matrix(groups.member.T)
    chosen = chosen.copy()
    while len(chosen):
        times = np.asarray(groups.member[:, chosen].sum(axis=1)).ravel()
        alone = groups.households * (times == 1)
        gain = by_candidate @ (groups.households * (times == 0))
        own = csr_matrix(by_candidate[chosen])
        # What only the one that goes reached, less what the one that comes reaches of it.
        lost = (own @ alone)[:, None] - (own @ diags(alone) @ groups.member).toarray()
        change = gain[None, :] - lost
        change[:, chosen] = -np.inf
        out, into = np.unravel_index(int(np.argmax(change)), change.shape)
        if change[out, into] <= 1e-9:
            break
        chosen[out] = into
    return chosen


def _reached(groups: _Groups, chosen: IntArray) -> float:
    times = np.asarray(groups.member[:, chosen].sum(axis=1)).ravel()
    return float(groups.households[times > 0].sum())


def _needed(groups: _Groups, chosen: IntArray) -> IntArray:
    """Leave out places without which as many are reached."""
    kept = list(chosen.tolist())
    for place in chosen.tolist():
        others = np.array([each for each in kept if each != place], np.int64)
        if _reached(groups, others) == _reached(groups, np.array(kept, np.int64)):
            kept.remove(place)
    return np.array(kept, np.int64)
