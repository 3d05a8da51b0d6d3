"""Named counts over the facts of a case: one text, evaluated here and in SQL with the same answer.

A predicate is a small expression (`handled and handled_at <= due_at`). Names are facts, other predicates, or
`start` and `end` of the period. A comparison with a fact that is missing is false, both here and in SQL.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from api.cases.facts import CaseFacts
from geo.errors import InputError

BOUNDS = ("start", "end")
_TEXT = re.compile(r"[a-z0-9_]*")
# What a fact is: only values of one kind are compared, and texts only for being equal.
_KINDS = {"datetime": "time", "str": "text", "int": "number", "bool": "flag"}
_FACTS = {field.name: _KINDS[str(field.type).partition(" | ")[0]] for field in fields(CaseFacts)}
_COMPARE: dict[type[ast.cmpop], tuple[str, Callable[[Any, Any], bool]]] = {
    ast.Lt: ("<", operator.lt), ast.LtE: ("<=", operator.le), ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge), ast.Eq: ("=", operator.eq),
}  # fmt: skip

Evaluated = Callable[[CaseFacts, datetime, datetime], bool]


@dataclass(frozen=True)
class _Value:
    """A value of a case: its kind, how it is got, and its name in SQL."""

    kind: str
    get: Callable[[CaseFacts, datetime, datetime], object]
    sql: str


class PredicateError(InputError):
    """A predicate that cannot be read; it names the predicate."""


@dataclass(frozen=True)
class Predicate:
    """One named count.

    Attributes
    ----------
    name, text : str
    holds : callable
        (facts, start, end) -> bool.
    sql : str
        The same over columns of the same names, with `:start` and `:end`; never null.
    """

    name: str
    text: str
    holds: Evaluated
    sql: str


def read_predicates(texts: Mapping[str, str], *, file: str = "") -> dict[str, Predicate]:
    """Read predicates in order; each may name those before it.

    Raises
    ------
    PredicateError
        One is not an expression of facts, earlier predicates, comparisons, `and`, `or` and `not`.
    """
    read: dict[str, Predicate] = {}
    for name, text in texts.items():
        reading = _Reading(file, name, read)
        if not name.isidentifier() or name in _FACTS or name in BOUNDS:
            raise reading.fault("the name is taken or not a name")
        try:
            tree = ast.parse(text, mode="eval").body
        except (SyntaxError, ValueError, TypeError):
            raise reading.fault("it is not an expression") from None
        holds, sql = reading.truth(tree)
        read[name] = Predicate(name, text, holds, sql)
    return read


@dataclass
class _Reading:
    file: str
    name: str
    known: Mapping[str, Predicate]

    def fault(self, message: str) -> PredicateError:
        return PredicateError(
            "predicate_not_valid", message, mend="write it of facts, comparisons, and, or, not",
            file=self.file or None, field=self.name, reason=message,
        )  # fmt: skip

    def truth(self, node: ast.expr) -> tuple[Evaluated, str]:
        if isinstance(node, ast.BoolOp):
            parts = [self.truth(part) for part in node.values]
            word, together = (" AND ", all) if isinstance(node.op, ast.And) else (" OR ", any)
            tests = tuple(test for test, _ in parts)
            return (
                lambda facts, start, end: together(test(facts, start, end) for test in tests),
                "(" + word.join(sql for _, sql in parts) + ")",
            )
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            test, sql = self.truth(node.operand)
            return lambda facts, start, end: not test(facts, start, end), f"(NOT {sql})"
        if isinstance(node, ast.Compare):
            return self.comparison(node)
        if isinstance(node, ast.Name) and node.id in self.known:
            other = self.known[node.id]
            return other.holds, other.sql
        if isinstance(node, ast.Name) and _FACTS.get(node.id) == "flag":
            flag = operator.attrgetter(node.id)
            return lambda facts, start, end: bool(flag(facts)), f"coalesce({node.id}, false)"
        raise self.fault(f"{ast.unparse(node)} is neither true nor false")

    def comparison(self, node: ast.Compare) -> tuple[Evaluated, str]:
        values = [self.value(part) for part in (node.left, *node.comparators)]
        tests: list[Evaluated] = []
        pieces: list[str] = []
        for left, right, op in zip(values, values[1:], node.ops, strict=False):
            if (
                type(op) not in _COMPARE
                or left.kind != right.kind
                or (left.kind == "text" and not isinstance(op, ast.Eq))
            ):
                raise self.fault(f"{ast.unparse(node)} compares what cannot be compared")
            sign, compare = _COMPARE[type(op)]
            tests.append(_compared(compare, left.get, right.get))
            pieces.append(f"{left.sql} {sign} {right.sql}")
        sql = f"coalesce({' AND '.join(pieces)}, false)"
        if len(tests) == 1:
            return tests[0], sql
        both = tuple(tests)
        return lambda facts, start, end: all(test(facts, start, end) for test in both), sql

    def value(self, node: ast.expr) -> _Value:
        if isinstance(node, ast.Constant):
            constant = node.value
            if isinstance(constant, int) and not isinstance(constant, bool):
                return _Value("number", lambda facts, start, end: constant, str(constant))
            if isinstance(constant, str) and _TEXT.fullmatch(constant):
                return _Value("text", lambda facts, start, end: constant, f"'{constant}'")
        if isinstance(node, ast.Name) and node.id == "start":
            return _Value("time", lambda facts, start, end: start, ":start")
        if isinstance(node, ast.Name) and node.id == "end":
            return _Value("time", lambda facts, start, end: end, ":end")
        if isinstance(node, ast.Name) and _FACTS.get(node.id, "flag") != "flag":
            get = operator.attrgetter(node.id)
            return _Value(_FACTS[node.id], lambda facts, start, end: get(facts), node.id)
        raise self.fault(f"{ast.unparse(node)} is no fact")


def _compared(
    compare: Callable[[Any, Any], bool],
    left: Callable[[CaseFacts, datetime, datetime], object],
    right: Callable[[CaseFacts, datetime, datetime], object],
) -> Evaluated:
    def holds(facts: CaseFacts, start: datetime, end: datetime) -> bool:
        one, other = left(facts, start, end), right(facts, start, end)
        return one is not None and other is not None and compare(one, other)

    return holds
