"""The steps of the loop as a table: which step leads from where to where, who may take it, what it needs."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final, Literal, TypeAlias, get_args

from api.cases.holding import Party

# A step that leads here leaves the state as it is, or brings back what it was before the case stood still.
SAME: Final = "same"
BEFORE: Final = "before"
# Whoever reported the case, whatever else he may be.
OWN: Final = "own"
# Roles that no account holds: steps of functions of the database that keep books of claims and whistles.
BOOKS: Final = frozenset({"claims", "whistles"})

Need: TypeAlias = Literal[
    "note", "reason", "to", "of", "until", "outcome", "visit_or_reason", "grace", "due", "category", "grid",
    "held", "unheld", "requested", "rating", "unrated",
]  # fmt: skip
Effect: TypeAlias = Literal[
    "receive", "handle", "approve", "verify", "rework", "visit", "close", "end", "reopen", "duplicate", "due",
    "stop", "park", "extend", "classify", "place",
]  # fmt: skip


@dataclass(frozen=True)
class State:
    """A state of a case.

    Attributes
    ----------
    name : str
    party : Party
        Who holds the case in it.
    is_open : bool
    stands_for : str
        State of the loop that it stands for: itself, unless it is a side state.
    """

    name: str
    party: Party
    is_open: bool
    stands_for: str


@dataclass(frozen=True)
class Step:
    """A step of the loop.

    Attributes
    ----------
    name : str
    sources : tuple of str
        States that it may be taken in; none: it opens a case.
    target : str
        The state after it, `SAME` or `BEFORE`.
    roles : tuple of str
        Who may take it in the case's area; `OWN` is whoever reported the case.
    needs : tuple of Need
        What it must carry.
    reasons : tuple of str
        Codes that `reason` or `outcome` may be.
    others_than : tuple of str
        `handlers`: refused to whoever handled the case.
    effects : tuple of Effect
        What becomes of the case beside its state.
    is_exception : bool
        It passes over a step of the loop; it needs a reason.
    """

    name: str
    sources: tuple[str, ...]
    target: str
    roles: tuple[str, ...]
    needs: tuple[Need, ...] = ()
    reasons: tuple[str, ...] = ()
    others_than: tuple[str, ...] = ()
    effects: tuple[Effect, ...] = ()
    is_exception: bool = False

    @property
    def by_hand(self) -> bool:
        """Whether people take it with a case that is there."""
        return bool(self.sources) and not BOOKS.issuperset(self.roles)


@dataclass(frozen=True)
class StepTable:
    """The loop: its states, its steps, and what a city calls them.

    Attributes
    ----------
    edition : str
    grace_days : int
        How long after closing a case may be opened again, in days.
    order : tuple of str
        States in the order of the loop; side states (returned, parked, …) are in none.
    states : mapping of name to State
    steps : mapping of name to Step
    labels : mapping of city edition to mapping of state or step to label
        Only what differs from the words of `maps/locale`.
    """

    edition: str
    grace_days: int
    order: tuple[str, ...]
    states: Mapping[str, State]
    steps: Mapping[str, Step]
    labels: Mapping[str, Mapping[str, str]]

    def openings(self) -> tuple[Step, ...]:
        """Return the steps that open a case."""
        return tuple(step for step in self.steps.values() if not step.sources)

    def allowed(self, state: str) -> tuple[Step, ...]:
        """Return the steps that may be taken in a state, whoever asks."""
        return tuple(step for step in self.steps.values() if state in step.sources)

    def passed_over(self, step: Step, source: str, target: str) -> tuple[str, ...]:
        """Return the states of the loop that a step from one state to another passes over.

        On the way into a side state nothing is: it stands where the loop was left.
        """
        if source == target or step.target in (SAME, BEFORE) or target not in self.order:
            return ()
        end = self.order.index(target)
        start = self.order.index(self.states[source].stands_for)
        return self.order[start + 1 : end]


class StepTableError(ValueError):
    """The table of steps contradicts itself."""


def read_steps(source: str) -> StepTable:
    """Read a table of steps from TOML, and refuse one that contradicts itself.

    Raises
    ------
    StepTableError
        A step names what is not there, or passes over a step without being an exception.
    """
    said = tomllib.loads(source)
    states = {
        name: State(name, Party(about["party"]), about["open"], about.get("stands_for", name))
        for name, about in said["states"].items()
    }
    steps = {about["name"]: _step(about) for about in said["steps"]}
    if len(steps) != len(said["steps"]):
        raise StepTableError("two steps have the same name")
    table = StepTable(
        said["edition"], said["grace_days"], tuple(said["order"]), states, steps, said["labels"]
    )
    for step in steps.values():
        _require_sound(table, step)
    return table


@cache
def loop() -> StepTable:
    """Return the table that the product ships."""
    return read_steps((resources.files("api.cases") / "data" / "steps.toml").read_text(encoding="utf-8"))


def _step(about: Mapping[str, Any]) -> Step:
    return Step(
        about["name"], tuple(about["from"]), about["to"], tuple(about["roles"]),
        tuple(about.get("needs", ())), tuple(about.get("reasons", ())),
        tuple(about.get("others_than", ())), tuple(about.get("effects", ())),
        about.get("exception", False),
    )  # fmt: skip


def _require_sound(table: StepTable, step: Step) -> None:
    known = {*table.states, SAME, BEFORE}
    _require_known(step, {*step.sources, step.target}, known)
    _require_known(step, step.needs, get_args(Need))
    _require_known(step, step.effects, get_args(Effect))
    if step.is_exception and not {"reason"} & {*step.needs}:
        raise StepTableError(f"the exception {step.name} needs a reason")
    if {"reason", "outcome", "visit_or_reason"} & {*step.needs} and not step.reasons:
        raise StepTableError(f"{step.name} needs a reason and names none")
    for source in step.sources:
        if table.passed_over(step, source, step.target) and not step.is_exception:
            raise StepTableError(f"{step.name} passes over a step from {source} and is no exception")


def _require_known(step: Step, names: Iterable[str], known: Iterable[str]) -> None:
    unknown = {*names} - {*known}
    if unknown:
        raise StepTableError(f"{step.name} names {', '.join(sorted(unknown))}")
