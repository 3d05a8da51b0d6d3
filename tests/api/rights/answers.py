"""What each request is answered, by who asks: as rules in words of the field, not as the policies say it."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from tests.api.rights.roles import ADMINS, DISPATCHERS, EVERYBODY, NOBODY, OVERSEERS, PLANNERS, READERS

# Where a role is held, seen from the community that a request is about.
NEAR = frozenset({"there", "above"})
ANYWHERE = NEAR | {"elsewhere"}

OK = frozenset({200})
DONE = frozenset({200, 201, 202, 204})
NOT_THERE = frozenset({404})
CONFLICT = frozenset({409})
NOT_VALID = frozenset({422})

REPORTERS = frozenset({"reporter", "grid_worker", "dispatcher", "verifier", "inspector"})
# A handler sees what his department has: the case of these requests nobody has yet.
CASE_READERS = READERS - {"handler"}


@dataclass(frozen=True)
class Answers:
    """Statuses of a request: `done` to roles that are allowed it, 403 to others that see what it is about.

    All others get `unseen`. A role is allowed it where it is held at one of `where`, and sees what is near.
    """

    allowed: frozenset[str]
    sees: frozenset[str] = READERS
    done: frozenset[int] = DONE
    unseen: int = 404
    where: frozenset[str] = NEAR

    def to(self, role: str, held: str) -> frozenset[int]:
        if role in self.allowed and held in self.where:
            return self.done
        return frozenset({403 if role in self.sees and held in NEAR else self.unseen})


UNSEEN = Answers(NOBODY, sees=NOBODY)
BY_ADMINS = Answers(ADMINS)
BY_DISPATCHERS = Answers(DISPATCHERS)
BY_HANDLERS = Answers(frozenset({"handler"}))

# By method and path; of several patterns that fit, the first holds.
ANSWERS = {
    "POST /users": Answers(ADMINS, where=ANYWHERE, unseen=403),
    # The street above is on the reader's way; what is elsewhere is not there.
    "POST /divisions": Answers(ADMINS, where=frozenset({"above"})),
    # Nothing is in force there: there is a draft only.
    "GET /divisions/{division_id}/map": Answers(READERS, done=CONFLICT),
    # Whose community the place is in is not told.
    "POST /stations": Answers(PLANNERS, unseen=400),
    # Nobody here administers everything.
    "POST /stations/checklists": Answers(NOBODY, unseen=403),
    "POST /stations/{station_id}/checks": Answers(PLANNERS | {"grid_worker", "inspector"}),
    # Whose area the place is in is told to those only who see its cases.
    "POST /cases": Answers(REPORTERS, sees=CASE_READERS, unseen=422),
    # As of the steps of a case: who does not see it is not told of it.
    "POST /wall/notes": Answers(DISPATCHERS | {"verifier", "inspector", "grid_worker"}, sees=CASE_READERS),
    **dict.fromkeys(("POST /dispatch-rules", "* /dispatch-rules/*", "* /intake/{*"), BY_ADMINS),
    **dict.fromkeys(("POST /duties", "* /duties/{*", "POST /joint-actions", "POST /points"), BY_DISPATCHERS),
    # Others' points are not seen.
    "* /points/{*": Answers(DISPATCHERS, sees=NOBODY),
    **dict.fromkeys(
        ("POST /visits", "* /visits/{*", "POST /meetings"), Answers(DISPATCHERS | {"grid_worker"})
    ),
    "GET /duties/gaps": Answers(READERS, done=OK),
    **dict.fromkeys(("GET /visits", "GET /visits/grids"), Answers(READERS, done=OK, where=ANYWHERE)),
    "POST /modes": BY_DISPATCHERS,
    "* /offers/*": BY_HANDLERS,
    "* /whistle-calls/*/release": Answers(frozenset({"dispatcher", "inspector"})),
    # Nobody has reported in yet.
    "* /whistle-calls/*/done": Answers(frozenset({"handler"}), done=CONFLICT),
    "* /whistle-calls/*": BY_HANDLERS,
    "POST /cases/{number}/whistles": Answers(
        frozenset({"grid_worker", "dispatcher", "inspector"}), sees=CASE_READERS
    ),
    # It is not accepted yet.
    "POST /cases/{number}/offer": Answers(frozenset({"dispatcher"}), sees=CASE_READERS, done=CONFLICT),
    # A photo that is not there.
    "GET /cases/{number}/*{photo_id}": UNSEEN,
    "* /cases/{number}/*{photo_id}": Answers(DISPATCHERS, sees=CASE_READERS, done=NOT_THERE),
    # A photo that is none.
    "POST /cases/{number}/photos": Answers(CASE_READERS, sees=NOBODY, done=NOT_VALID),
    # A service without the key that seals contacts.
    **dict.fromkeys(
        ("PUT /cases/{number}/contact", "POST /cases/{number}/calls"),
        Answers(CASE_READERS, sees=NOBODY, done=CONFLICT),
    ),
    "GET /cases/{number}*": Answers(CASE_READERS, sees=NOBODY),
    "* /cases/{number}*": Answers(REPORTERS & CASE_READERS, sees=CASE_READERS),
    "POST /jobs": Answers(PLANNERS),
    # An empty object is no layer.
    "POST /uploads": Answers(READERS, done=NOT_VALID, where=ANYWHERE, unseen=403),
    # Another's.
    "* /uploads/{*": UNSEEN,
    # It is not done yet.
    "* /jobs/{*/result": Answers(ADMINS, sees=NOBODY, done=CONFLICT),
    "* /jobs/{*": Answers(ADMINS, sees=NOBODY),
    "* /users/{*{token_id}": Answers(ADMINS, sees=NOBODY),
    "GET /users/{*": Answers(OVERSEERS, sees=NOBODY, done=OK),
    "* /users/{*": Answers(ADMINS, sees=OVERSEERS),
    # What belongs to an area is read there, and planned or administered; what belongs to none is everybody's.
    "GET *{*": Answers(READERS, done=OK),
    **dict.fromkeys(("* /divisions/{*", "* /versions/*/publish"), BY_ADMINS),
    "* *{*": Answers(PLANNERS),
    "*": Answers(EVERYBODY, done=OK, where=ANYWHERE),
}


def expected(name: str, role: str, held: str) -> frozenset[int]:
    """Statuses of a request about a community, for a role held there, above it, or elsewhere."""
    answers = next(each for pattern, each in ANSWERS.items() if fnmatchcase(name, pattern))
    return answers.to(role, held)
