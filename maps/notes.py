"""Notes of a meeting, as the page saves them (`maps/web/src/meeting/notes.ts`): read, merged, written."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import pandas as pd

from geo.errors import InputError
from geo.formats.raw import open_regular
from geo.typed_numbers import masked_as_typed
from maps.text import Language, one_line, text
from maps.workbook import add_table, book_at

FORMAT, VERSION = "weige-notes", 1
LONGEST_TEXT, MOST_ENTRIES, MOST_BYTES = 2000, 5000, 16 << 20
_KINDS = ("estate_day", "lane_list", "other")
_TEXTS = ("id", "text", "decision", "department", "due", "grid", "case_id", "kind", "changed_at", "form_of")
_VOTES = ("yes", "no", "abstain")
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})?")


@dataclass(frozen=True)
class Entry:
    """A comment or an item of the agenda.

    Attributes
    ----------
    kind, category : str
        What the case that the item is about is, and its class in the edition; "" for none.
    lon, lat : float or None
        WGS 84.
    meeting, place, date : str
        Kind of the meeting (`estate_day`, `lane_list`, `other`), its place and its day.
    is_other_form : bool
        Another copy says something later under the same id.
    form_of : str
        The entry that this one is another form of; "" for none.
    position : int
        Place in its file, from 1: that on the agenda.
    said : str
        What it says without when, as the page writes it to compare entries.
    """

    id: str
    type: str
    text: str
    decision: str
    department: str
    due: str
    votes: tuple[int, int, int]
    grid: str
    case_id: str
    kind: str
    category: str
    lon: float | None
    lat: float | None
    changed_at: str
    removed: bool
    meeting: str
    date: str
    place: str
    form_of: str
    position: int
    said: str
    is_other_form: bool = False

    @property
    def content(self) -> tuple[Any, ...]:
        """What it says, without when it was said."""
        return (
            self.type, self.text, self.decision, self.department, self.due, self.votes, self.grid,
            self.case_id, self.kind, self.lon, self.lat, self.removed,
        )  # fmt: skip


def meeting_id(page: Path) -> str:
    """Return the name by which notes call the file for a meeting that they were made on.

    Raises
    ------
    InputError
        The file cannot be read, or is none that `weige map` wrote.
    """
    reader = _Settings()
    with open_regular(page) as handle:
        content = handle.read()
    try:
        reader.feed(content.decode("utf-8"))
        return str(json.loads("".join(reader.found))["meeting"]["id"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            "not_a_meeting",
            "is no file for a meeting",
            mend="give a file written by `weige map`",
            file=page.name,
        ) from error


class _Settings(HTMLParser):
    """Collects the tag of the settings; nothing of the page is run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag == "script" and ("id", "weige-settings") in attrs

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.found.append(data)


def read_notes(path: Path, meeting: str) -> list[Entry]:
    """Return the entries of a file of notes.

    Parameters
    ----------
    path : Path
    meeting : str
        `meeting_id` of the file that the notes must have been made on.

    Raises
    ------
    InputError
        The file is damaged or no file of notes, or was made on another map.
    """
    with open_regular(path) as handle:
        written = handle.read(MOST_BYTES + 1)
    if len(written) > MOST_BYTES:
        _damaged(path, "it is too large")
    try:
        content = json.loads(written.decode("utf-8-sig"), parse_constant=lambda name: _damaged(path, name))
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise _fault(path, "no JSON, or cut off") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT or content.get("version") != VERSION:
        _damaged(path, "no notes of a meeting")
    about, entries = content.get("meeting"), content.get("entries")
    if (
        not isinstance(about, dict)
        or about.get("kind") not in _KINDS
        or not all(_is_text(about.get(name)) for name in ("date", "place"))
        or not isinstance(entries, list)
        or len(entries) > MOST_ENTRIES
    ):
        _damaged(path, "its head")
    if content.get("file") != meeting:
        raise InputError(
            "notes_of_other_map",
            "was made on another map file",
            mend="give the file that it was made on",
            file=path.name,
        )
    return [_entry(path, number, each, about) for number, each in enumerate(entries, 1)]


def _entry(path: Path, number: int, entry: Any, about: dict[str, str]) -> Entry:
    votes = entry.get("votes") if isinstance(entry, dict) else None
    if (
        not isinstance(entry, dict)
        or entry.get("type") not in ("comment", "item")
        or not all(_is_text(entry.get(name)) for name in _TEXTS)
        or not entry["id"]
        or not isinstance(votes, dict)
        or not all(_is_count(votes.get(way)) for way in _VOTES)
        or not all(_is_degree(entry.get(name)) for name in ("lon", "lat"))
        or not isinstance(entry.get("removed"), bool)
        or not _DATE.fullmatch(entry["due"])
        # Files of before classes were noted have none.
        or not _is_text(entry.get("category", ""))
    ):
        _damaged(path, f"entry {number}")
    said, decision, department = (
        masked_as_typed(one_line(entry[name])) for name in ("text", "decision", "department")
    )
    return Entry(
        id=entry["id"], type=entry["type"], due=entry["due"],
        text=said, decision=decision, department=department,
        votes=(votes["yes"], votes["no"], votes["abstain"]),
        grid=one_line(entry["grid"]), case_id=one_line(entry["case_id"]), kind=one_line(entry["kind"]),
        category=one_line(entry.get("category", "")),
        lon=entry["lon"], lat=entry["lat"], changed_at=entry["changed_at"], removed=entry["removed"],
        meeting=about["kind"], date=about["date"], place=one_line(about["place"]),
        form_of=entry["form_of"], position=number, said=_said(entry),
    )  # fmt: skip


def merged(copies: Iterable[Sequence[Entry]]) -> list[Entry]:
    """Return the entries of several copies: each once where they agree, every form of it where they do not.

    The form changed last comes first, the others are marked; the order of the copies makes no difference. It
    is what the page does (`mergedEntries`): a form that was set aside there stays aside whatever is done to
    it, and is gone once it is removed; where the entry itself is removed there, what was left of it stands.
    What an item said that was removed before its case was listed again comes last, as removed.
    Items of one case at one meeting are one entry, whatever their ids. Entries are in the order of the
    agenda.
    """
    entries = _under_one_id([each for copy in copies for each in copy])
    found: dict[str, Entry] = {}
    for entry in entries:
        _put(found, entry)
    set_aside = {each.id for each in entries if each.form_of}
    positions: dict[str, int] = {}
    for entry in entries:
        of = entry.form_of or entry.id
        positions[of] = min(entry.position, positions.get(of, entry.position))
    forms: dict[str, list[Entry]] = {}
    for entry in sorted(found.values(), key=lambda each: (not each.form_of, *_rank(each)), reverse=True):
        forms.setdefault(entry.form_of or entry.id, []).append(entry)
    groups = [_in_order(known, set_aside) for known in forms.values()]
    settled = [
        [replace(each, id=of, position=positions[of]) for each in group]
        for of, group in zip(forms, groups, strict=True)
        if group
    ]
    settled.sort(key=lambda group: (group[0].date, group[0].place, group[0].position, group[0].id))
    return [entry for group in settled for entry in group]


def _under_one_id(entries: Sequence[Entry]) -> list[Entry]:
    """Return entries with all items of a case at a meeting under the least of their ids, as the page does.

    Files of before ids were those of cases have one for each copy. Where nobody changed a text or removed an
    item, one that says nothing of its case counts as just listed (`changed_at` is empty).
    """
    meetings = {(each.meeting, each.date, each.place) for each in entries}
    items: dict[tuple[Any, ...], list[Entry]] = {}
    for each in entries:
        if each.type == "item" and each.case_id:
            items.setdefault((*_whole_meeting(each, meetings), each.case_id), []).append(each)
    names: dict[str, str] = {}
    bare: set[str] = set()
    for alike in items.values():
        ids = {each.form_of or each.id for each in alike}
        roots = {_name(each, names) for each in ids}
        names |= dict.fromkeys(roots - {min(roots)}, min(roots))
        if (
            len(ids) > 1
            and len({each.text for each in alike}) == 1
            and not any(each.removed for each in alike)
        ):
            bare |= ids - {each.form_of or each.id for each in alike if _says_something(each)}
    renamed = []
    for each in entries:
        of = each.form_of or each.id
        name = _name(of, names)
        if each.form_of:
            renamed.append(replace(each, id=name + each.id[len(of) :], form_of=name) if name != of else each)
        else:
            renamed.append(replace(each, id=name, changed_at="" if of in bare else each.changed_at))
    return renamed


def _name(id: str, names: Mapping[str, str]) -> str:
    while id in names:
        id = names[id]
    return id


def _whole_meeting(entry: Entry, meetings: Collection[tuple[str, str, str]]) -> tuple[str, str, str]:
    """Return the meeting of an entry; of one that left its day or place open, the only one that it can be."""
    own = (entry.meeting, entry.date, entry.place)
    if all(own):
        return own
    whole = [
        each
        for each in meetings
        if all(each) and all(not mine or mine == theirs for mine, theirs in zip(own, each, strict=True))
    ]
    return whole[0] if len(whole) == 1 else own


def _says_something(entry: Entry) -> bool:
    return bool(entry.form_of or entry.decision or entry.department or entry.due or any(entry.votes))


def _in_order(known: Sequence[Entry], set_aside: Collection[str]) -> list[Entry]:
    """Return the forms of an entry, that which stands first; of `known` the entry itself is first.

    What was removed as an entry of its own, before its case was listed again, comes last. Another record that
    was removed is settled, and not told.
    """
    first = [each for each in known if not each.form_of]
    others: dict[tuple[Any, ...], Entry] = {}
    for each in known[len(first) :]:
        if not each.removed and all(each.content != one.content for one in first):
            others.setdefault(each.content, each)
    if all(each.removed for each in first):
        left = next((each for each in others.values() if each.id in set_aside), None)
        if left is not None:
            first.insert(0, others.pop(left.content))
    told = [*first, *others.values()]
    removed = [
        each
        for each in known
        if each.form_of and each.removed and _is_as_set_aside(each) and not _is_told(each, told)
    ]
    return [*first, *(replace(each, is_other_form=True) for each in others.values()), *removed]


def _is_told(form: Entry, others: Iterable[Entry]) -> bool:
    """Does one of the others say all that a form says?"""

    def parts(each: Entry) -> tuple[Any, ...]:
        return (each.text, each.decision, each.department, each.due, any(each.votes) and each.votes)

    return any(
        all(not mine or mine == theirs for mine, theirs in zip(parts(form), parts(other), strict=True))
        for other in others
    )


def _put(found: dict[str, Entry], entry: Entry) -> None:
    """Add an entry to those of other copies as `put` of the page does."""
    known = found.setdefault(entry.id, entry)
    earlier, later = sorted((known, entry), key=_rank)
    found[entry.id] = later
    # What was only listed contradicts nobody who decided something.
    if earlier.case_id and not earlier.changed_at:
        return
    if earlier.said == later.said or (earlier.form_of and (earlier.removed or _is_as_set_aside(earlier))):
        return
    of = earlier.form_of or earlier.id
    _put(found, replace(earlier, id=_form_id(of, earlier), form_of=of))


def _rank(entry: Entry) -> tuple[bool, str, bool, bytes, str]:
    """Return what of two entries of one id the later is told by; as the page tells it, but for the last."""
    units = entry.said.encode("utf-16-be", "surrogatepass")
    return (
        not (entry.form_of and _is_as_set_aside(entry)),
        # Stamps have a part of a second or none.
        entry.changed_at.removesuffix("Z"),
        # Older files tell whole seconds: a case removed and listed again within one of them is listed.
        not entry.removed,
        units,
        repr((entry.date, entry.place, entry.meeting)),
    )


def _is_as_set_aside(form: Entry) -> bool:
    return form.id == _form_id(form.form_of, form)


def _form_id(of: str, entry: Entry) -> str:
    """Return the id under which the page sets a form aside: by FNV-1a of its UTF-16 units."""
    digest = 0x811C9DC5
    units = entry.said.encode("utf-16-be", "surrogatepass")
    for at in range(0, len(units), 2):
        digest = (digest ^ int.from_bytes(units[at : at + 2], "big")) * 0x01000193 & 0xFFFFFFFF
    return f"{of}~{digest:08x}"


def _said(entry: Mapping[str, Any]) -> str:
    """Return what an entry says, without when, as `contentOf` of the page writes it."""
    votes = entry["votes"]
    said = [
        entry["type"], entry["text"], entry["decision"], entry["department"], entry["due"],
        *(votes[way] for way in _VOTES), entry["grid"], entry["case_id"], entry["kind"],
        *(_as_script_writes(entry[way]) for way in ("lon", "lat")), entry["removed"],
    ]  # fmt: skip
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def _as_script_writes(degrees: float | None) -> float | None:
    # JavaScript has one kind of number: 119.0 is 119.
    return int(degrees) if degrees is not None and float(degrees).is_integer() else degrees


def write_merged(path: Path, entries: Sequence[Entry], language: Language, *, zone: ZoneInfo) -> None:
    """Write entries as a workbook: items with their decisions, comments, and decisions as cases to import.

    The sheet of cases has the columns that `weige cases import` knows; it holds the items with a decision
    that stand, whatever is typed stays text. A decision is of the day of its meeting, or of that on which it
    was last changed where this was before.

    Parameters
    ----------
    path : Path
    entries : sequence of Entry
    language : Language
    zone : ZoneInfo
        Of the city, in which the workbook tells days and times.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    standing = [each for each in entries if not each.removed and not each.is_other_form]
    decided = [each for each in standing if each.type == "item" and each.decision]
    # The sheet to import comes first: it is the one that a reader of a workbook takes.
    items, comments = ([each for each in entries if each.type == kind] for kind in ("item", "comment"))
    with book_at(path) as book:
        add_table(book, "cases", _cases(decided, language, zone), language)
        add_table(book, "items", _table(items, language, zone, votes=True), language)
        add_table(book, "comments", _table(comments, language, zone), language)


def _cases(entries: Sequence[Entry], language: Language, zone: ZoneInfo) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "external_number": [each.id for each in entries],
            "category": [each.category or each.kind for each in entries],
            "case_text": [_told(each, language) for each in entries],
            "lon": pd.Series([each.lon for each in entries], dtype=float),
            "lat": pd.Series([each.lat for each in entries], dtype=float),
            "reported_at": [_day(each, zone) for each in entries],
        }
    )


def _told(entry: Entry, language: Language) -> str:
    """Return what the text of a case says of a decision; the case that it is about stands first."""
    ending = text("workbook.decision_case.separator", language)
    parts = []
    for name in ("case_id", "text", "decision", "votes", "department", "due"):
        said = _votes_told(entry, language) if name == "votes" else str(getattr(entry, name))
        if said := said.rstrip("\u3002. "):
            parts.append(text(f"workbook.decision_case.{name}", language, said="{said}").format(said=said))
    return ending.join(parts)


def _votes_told(entry: Entry, language: Language) -> str:
    counts = dict(zip(_VOTES, entry.votes, strict=True))
    return text("page.meeting.agenda.tally", language, **counts) if any(entry.votes) else ""


def _day(entry: Entry, zone: ZoneInfo) -> str:
    changed = _told_at(entry, zone)[:10]
    changed = changed if _DATE.fullmatch(changed) else ""
    return min(day for day in (entry.date, changed) if day) if entry.date or changed else ""


def _told_at(entry: Entry, zone: ZoneInfo) -> str:
    """Return when an entry was last changed, by the clock of the city; what is no time as it stands."""
    try:
        at = datetime.fromisoformat(entry.changed_at)
        # The page writes UTC.
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(zone).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError):
        return entry.changed_at


def _table(
    entries: Sequence[Entry], language: Language, zone: ZoneInfo, *, votes: bool = False
) -> pd.DataFrame:
    columns: dict[str, Any] = {
        "meeting": [text(f"page.meeting.agenda.kinds.{each.meeting}", language) for each in entries],
        "date": [each.date for each in entries],
        "place": [each.place for each in entries],
        "note_text": [each.text for each in entries],
    }
    if votes:
        for at, way in enumerate(_VOTES):
            columns[f"votes_{way}"] = pd.Series([each.votes[at] for each in entries], dtype="Int64")
        columns |= {
            "decision": [each.decision for each in entries],
            "department": [each.department for each in entries],
            "due": [each.due for each in entries],
            "case_id": [each.case_id for each in entries],
        }
    columns |= {
        "grid_id": [each.grid for each in entries],
        "lon": pd.Series([each.lon for each in entries], dtype=float),
        "lat": pd.Series([each.lat for each in entries], dtype=float),
        "note_state": [text(f"workbook.note_state.{_state(each)}", language) for each in entries],
        "changed_at": [_told_at(each, zone) for each in entries],
    }
    return pd.DataFrame(columns)


def _state(entry: Entry) -> str:
    if entry.is_other_form:
        return "other_form"
    return "removed" if entry.removed else "standing"


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_TEXT


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 1_000_000


def _is_degree(value: Any) -> bool:
    if value is None:
        return True
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and abs(value) <= 180
    )


def _damaged(path: Path, what: str) -> NoReturn:
    raise _fault(path, what)


def _fault(path: Path, what: str) -> InputError:
    return InputError(
        "notes_damaged",
        f"is damaged or holds no notes of a meeting ({what})",
        mend="save the notes again, or leave the file out",
        file=path.name,
        reason=what,
    )
