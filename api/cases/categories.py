"""What cases are filed as: editions of classes and filing conditions, their import and what it would change.

An edition is never altered: a sheet makes a new one, and cases that live keep theirs.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from api.cases.clock import Clock, Limit
from geo.errors import InputError

if TYPE_CHECKING:
    from geo.formats.raw import RawTable

CaseKind: TypeAlias = Literal["incident", "component", "wish", "property", "dispute"]
KINDS: tuple[CaseKind, ...] = get_args(CaseKind)

SHIPPED = "unverified-A"

# The nine columns of the sheet, and names that offices give them.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "large_code": ("large_code", "大类代码", "大类编码", "大类编号"),
    "large_name": ("large_name", "大类名称", "大类"),
    "small_code": ("small_code", "小类代码", "小类编码", "小类编号"),
    "small_name": ("small_name", "小类名称", "小类"),
    "unit": ("handling_unit", "处置单位", "责任单位"),
    "department": ("competent_department", "主管部门", "行业主管部门"),
    "filing": ("filing_condition", "立案条件"),
    "closing": ("closing_condition", "结案条件"),
    "limit": ("limit", "处置时限", "时限", "处理时限"),
}
_REQUIRED = ("large_code", "large_name", "small_code", "small_name", "limit")
_CODE = re.compile(r"[0-9A-Za-z]{1,8}")
_CLOCKS = {
    "紧急工作时": Clock.URGENT_HOURS, "工作时": Clock.WORKING_HOURS, "工作小时": Clock.WORKING_HOURS,
    "工作日": Clock.WORKING_DAYS, "自然日": Clock.CALENDAR_DAYS, "天": Clock.CALENDAR_DAYS,
}  # fmt: skip
_WORDS = {clock: word for word, clock in reversed(_CLOCKS.items())}
_LIMIT = re.compile(rf"(次日起)?(\d{{1,6}}(?:\.\d{{1,6}})?)个?({'|'.join(_CLOCKS)})")


@dataclass(frozen=True)
class Condition:
    """A filing condition: it sets the limit, and says when the case may be closed.

    Attributes
    ----------
    unit, department : str
        Who handles it and who answers for the trade; "" where the sheet does not say.
    filing, closing : str
        Conditions in words.
    limit : Limit or None
        None: no limit is known.
    """

    filing: str
    closing: str
    unit: str
    department: str
    limit: Limit | None


@dataclass(frozen=True)
class Category:
    """A small class. Its conditions are numbered from 1 in the order of the sheet."""

    code: str
    large_code: str
    large_name: str
    small_name: str
    kind: CaseKind
    conditions: tuple[Condition, ...]

    def condition(self, number: int | None) -> Condition | None:
        """Return a condition by its number; the only one where none is named."""
        if number is None:
            return self.conditions[0] if len(self.conditions) == 1 else None
        return self.conditions[number - 1] if 1 <= number <= len(self.conditions) else None


@dataclass(frozen=True)
class Edition:
    """One edition of the classes.

    Attributes
    ----------
    name, source : str
        `source` is `unconfirmed` where nobody knows; pages show that.
    categories : mapping of code to Category
        A code is that of the large class and that of the small one together.
    """

    name: str
    source: str
    categories: Mapping[str, Category]

    @cached_property
    def called(self) -> Mapping[str, str]:
        """What each class is called in a list without its large class: 其他 alone could be any of several."""
        times = Counter(one.small_name for one in self.categories.values())
        return {
            code: one.small_name if times[one.small_name] == 1 else f"{one.large_name}·{one.small_name}"
            for code, one in self.categories.items()
        }


@dataclass(frozen=True)
class CategoryChange:
    """A class that both editions have, and in which they differ."""

    before: Category
    after: Category


@dataclass(frozen=True)
class EditionDiff:
    """What an edition would change, each part in the order of codes.

    Attributes
    ----------
    added, removed : tuple of Category
    changed : tuple of CategoryChange
    live : mapping of code to int
        Open cases of classes that change or go; they keep their edition.
    """

    added: tuple[Category, ...]
    changed: tuple[CategoryChange, ...]
    removed: tuple[Category, ...]
    live: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether the editions say the same."""
        return not (self.added or self.changed or self.removed)


def diff(before: Edition, after: Edition, live: Mapping[str, int] | None = None) -> EditionDiff:
    """Compare two editions; `live` counts the open cases of each class of the first."""
    old, new = before.categories, after.categories
    changed = tuple(
        CategoryChange(old[code], new[code])
        for code in sorted(old.keys() & new.keys())
        if old[code] != new[code]
    )
    removed = tuple(old[code] for code in sorted(old.keys() - new.keys()))
    touched = {change.before.code for change in changed} | {category.code for category in removed}
    return EditionDiff(
        tuple(new[code] for code in sorted(new.keys() - old.keys())), changed, removed,
        {code: n for code, n in sorted((live or {}).items()) if code in touched and n},
    )  # fmt: skip


def read_limit(said: str) -> Limit | None:
    """Read a limit such as `2紧急工作时`, `4工作时`, `5个工作日`, `次日起13工作日`; None for nothing.

    Raises
    ------
    InputError
        It is of no such form. Plain hours are refused: by which clock they run must be said.
    """
    plain = re.sub(r"\s", "", said)
    if not plain:
        return None
    found = _LIMIT.fullmatch(plain)
    if found is None or not Decimal(found[2]):
        raise InputError(
            "limit_unreadable",
            "the limit is of no known form",
            mend="write it as 2紧急工作时, 4工作时, 5工作日 or 7自然日",
            value=plain[:40],
        )
    return Limit(_CLOCKS[found[3]], Decimal(found[2]), "next_day" if found[1] else "now")


def limit_text(limit: Limit | None) -> str:
    """Return a limit as `read_limit` reads it."""
    if limit is None:
        return ""
    return f"{'次日起' if limit.starts == 'next_day' else ''}{limit.amount:f}{_WORDS[limit.clock]}"


def edition_of_rows(
    name: str,
    source: str,
    rows: Iterable[Mapping[str, str]],
    *,
    kinds: Mapping[str, CaseKind] | None = None,
) -> Edition:
    """Make an edition of the rows of a nine-column sheet, one filing condition a row.

    Parameters
    ----------
    rows : iterable of mapping
        Keyed by `COLUMNS`.
    kinds : mapping of code to kind, optional
        Of classes that are no incidents.

    Raises
    ------
    InputError
        A code is none, a class has two names, a condition stands twice, or a limit cannot be read.
    """
    names: dict[str, tuple[str, str, str]] = {}
    conditions: dict[str, list[Condition]] = {}
    for number, row in enumerate(rows, start=2):
        with_place = {"feature": f"#{number}"}
        said = {column: (row.get(column) or "").strip() for column in COLUMNS}
        for column in ("large_code", "small_code"):
            if not _CODE.fullmatch(said[column]):
                raise InputError(
                    "category_code", "a code of a class is missing or not of letters and digits",
                    mend="give every row both codes", field=column, value=said[column][:40], **with_place,
                )  # fmt: skip
        code = said["large_code"] + said["small_code"]
        named = (said["large_code"], said["large_name"], said["small_name"])
        if not all(named) or names.setdefault(code, named) != named:
            raise InputError(
                "category_name", "a class has no name, or two", mend="give it one name in all rows",
                field="small_name", category=code, **with_place,
            )  # fmt: skip
        try:
            limit = read_limit(said["limit"])
        except InputError as error:
            raise InputError(
                error.code,
                error.message,
                mend=error.mend,
                field="limit",
                **with_place,
                **error.values,  # type: ignore[arg-type]
            ) from error
        condition = Condition(said["filing"], said["closing"], said["unit"], said["department"], limit)
        if any(other.filing == condition.filing for other in conditions.setdefault(code, [])):
            raise InputError(
                "condition_twice", "a filing condition of a class stands twice",
                mend="keep one of the rows", field="filing", category=code, **with_place,
            )  # fmt: skip
        conditions[code].append(condition)
    categories = {
        code: Category(code, *names[code], (kinds or {}).get(code, "incident"), tuple(conditions[code]))
        for code in sorted(conditions)
    }
    if not categories:
        raise InputError("categories_missing", "the sheet has no classes", mend="check the export")
    return Edition(name, source, categories)


def edition_rows(edition: Edition) -> list[dict[str, str]]:
    """Return an edition as the rows of a nine-column sheet."""
    return [
        {
            "large_code": category.large_code, "large_name": category.large_name,
            "small_code": category.code.removeprefix(category.large_code),
            "small_name": category.small_name, "unit": condition.unit, "department": condition.department,
            "filing": condition.filing, "closing": condition.closing, "limit": limit_text(condition.limit),
        }
        for category in edition.categories.values()
        for condition in category.conditions
    ]  # fmt: skip


def read_sheet(path: Path) -> list[dict[str, str]]:
    """Read the rows of a nine-column sheet (CSV or XLSX), keyed by `COLUMNS`.

    Raises
    ------
    InputError
        The file cannot be read, or a column that is needed is missing.
    """
    raw = read_table(path)
    found = columns_of(raw.names, COLUMNS)
    for column in _REQUIRED:
        if column not in found:
            raise InputError(
                "sheet_column_missing", f"it has no column {COLUMNS[column][1]}", mend="add the column",
                file=path.name, field=column, column=COLUMNS[column][1],
            )  # fmt: skip
    values = {column: raw.values[at] for column, at in found.items()}
    return [{column: cell_text(cells[row]) for column, cells in values.items()} for row in range(len(raw))]


def read_table(path: Path, *, usual: Collection[str] = ()) -> RawTable:
    """Read a table without geometry from CSV or, by the name of the file, XLSX.

    Parameters
    ----------
    usual : collection of str
        Names of the sheet that is meant where a workbook has several.

    Raises
    ------
    InputError
    """
    from geo.formats.delimited import read_delimited
    from geo.formats.raw import read_bytes
    from geo.formats.spreadsheet import read_spreadsheet

    content = read_bytes(path)
    if path.suffix.lower() == ".xlsx":
        return read_spreadsheet(content, path.name, None, usual=usual)
    return read_delimited(content, path.name)


def columns_of(names: Sequence[str], known: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Return where the columns of a table stand that have one of their known names."""
    places = {name.strip().casefold(): at for at, name in reversed(list(enumerate(names)))}
    found = {}
    for column, others in known.items():
        at = next((places[name.casefold()] for name in others if name.casefold() in places), None)
        if at is not None:
            found[column] = at
    return found


def cell_text(value: Any) -> str:
    """Return a cell as text: whole numbers without a decimal point, nothing as ""."""
    if isinstance(value, str):
        return value.strip()
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


@cache
def shipped_edition() -> Edition:
    """Return the edition that the product ships."""
    source = resources.files("api.cases") / "data" / "categories" / f"{SHIPPED}.toml"
    said = tomllib.loads(source.read_text(encoding="utf-8"))
    rows: list[dict[str, str]] = []
    kinds: dict[str, CaseKind] = {}
    for large, about in said["classes"].items():
        for small, name in about["small"].items():
            code = large + small
            kinds[code] = about.get("kinds", {}).get(small, about.get("kind", "incident"))
            shared = {
                "large_code": large,
                "large_name": about["name"],
                "small_code": small,
                "small_name": name,
            }
            given = said["conditions"].get(code, [{"limit": said["default_limit"]}])
            rows += [{**shared, **condition} for condition in given]
    return edition_of_rows(said["edition"], said["source"], rows, kinds=kinds)
