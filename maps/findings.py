"""Findings as sentences, and as a table for the workbook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from geo.findings import Finding, Value
from geo.remedies import Remedy
from maps.text import Language, printable, said_by_others, text, words

# A sentence names so many of a list and counts the rest.
SHOWN = 5
# Of the households of new grids more, since each is one short number.
SHOWN_TOTALS = 12
# Findings on the number of grids of a community.
_GRID_COUNTS = frozenset({"no_legal_count", "grid_count_not_legal", "grid_count_legal"})


def sentence(finding: Finding, language: Language) -> str:
    """Return what a finding says: the fault, why it is so where that is known, and the remedy.

    Names typed in by people stay plain text on one line (`maps.text.printable`).
    """
    values = _shown(finding, language)
    if "fault" in values:
        values["fault"] = said_by_others(str(values["fault"]), language)
    if finding.code in _GRID_COUNTS:
        apart = grid_count_text(str(values["community"]), finding.values, language)
        if apart:
            return text("finding.grid_counts.sentence", language, said=apart)
    sentences = [text(f"finding.{finding.code}", language, **values)]
    reason = finding.values.get("reason")
    if isinstance(reason, str):
        if reason == "pocket_too_small":
            reason = f"{reason}_{finding.values.get('reason_cut_by', 'apart')}"
            values["side"] = text(f"finding.side.{finding.values.get('reason_side', 'unknown')}", language)
        sentences.append(text(f"finding.because.{reason}", language, **values))
    remedy = Remedy.from_values(finding.values)
    if remedy is not None:
        sentences.append(remedy_sentence(remedy, language, of=finding.grid_id))
    return _between(language).join(sentences)


def grid_count_text(community: str, values: Mapping[str, Value], language: Language) -> str:
    """Return how many grids the households of a community allow where some of them stand apart.

    In special grids, or in units that exceed the band alone; empty where there are none of either.

    Parameters
    ----------
    community : str
        As the sentence names it.
    values : mapping
        `geo.review.count_values`.
    """
    units = values.get("too_large_unit_ids")
    large = [str(unit) for unit in units] if isinstance(units, list) else []
    special = "special_households" in values
    if not large and not special:
        return ""
    shown: dict[str, object] = {**values, "units": len(large), "unit_ids": joined(large, language)}
    for name in ("", "_in_band"):
        least, most = (values.get(f"{end}{name}") for end in ("least", "most"))
        if least is not None:
            both = text("finding.range", language, least=least, most=most)
            shown[f"legal{name}"] = least if least == most else both
    keys = ["special"] if special else []
    if large:
        keys.append("too_large_one" if len(large) == 1 else "too_large")
    if values["other_households"]:
        keys.append("in_band" if "least_in_band" in values else "none_in_band")
    if large and "least" in values:
        keys.append("in_all")
    parts = text("finding.grid_counts.between", language).join(
        text(f"finding.grid_counts.{key}", language, **shown) for key in keys
    )
    has = text(f"finding.grid_counts.{'has_besides' if special else 'has'}", language, **shown)
    return text(
        "finding.grid_counts.whole", language, **{**shown, "community": community, "parts": parts, "has": has}
    )


def remedy_sentence(remedy: Remedy, language: Language, *, of: str | None = None) -> str:
    """Return what a remedy proposes and what comes of it, as one reads it beside the grid `of`."""
    grids = [printable(grid_id) for grid_id in remedy.grid_ids]
    others = [printable(grid_id) for grid_id in remedy.grid_ids if grid_id != of]
    totals = [_number(total, language) for total in remedy.after]
    after = joined(totals, language, shown=SHOWN_TOTALS)
    total = remedy.after[0] if remedy.after else 0
    if remedy.kind == "none":
        why = remedy.reason or "needs_neighbours"
        return text(f"remedy.none.{why}", language, others=joined(others, language))
    if remedy.kind == "floors":
        units, count = joined(remedy.unit_ids, language), len(remedy.after)
        return text("remedy.floors", language, unit_ids=units, bands=count, after=after)
    if remedy.kind == "move" and len(grids) == 1:
        said = text("remedy.move_in", language, target=grids[0], total=total)
    elif remedy.kind == "move":
        units = joined(remedy.unit_ids, language)
        moved = remedy.moved_households
        said = text(
            "remedy.move",
            language,
            unit_ids=units,
            moved=moved,
            source=grids[0],
            target=grids[1],
            after=after,
        )
    elif remedy.kind == "merge":
        said = text("remedy.merge", language, other=others[-1], total=total)
    elif remedy.kind == "new" and len(remedy.after) == 1:
        said = text("remedy.new", language, total=total)
    else:
        key_of = {"split": "remedy.split", "new": "remedy.new_several"}
        said = text(key_of[remedy.kind], language, n_grids=len(remedy.after), after=after)
    return said if remedy.solves else said + _between(language) + text("remedy.partly", language)


def findings_frame(findings: Sequence[Finding], language: Language | None = None) -> pd.DataFrame:
    """Return one row for each finding.

    code, severity, grid_id, community_id, unit_ids, the sentence (`text` in the language asked for, else
    `text_zh` and `text_en`), step (its remedy in `remedies_frame`, None for none), values.
    """
    columns: dict[str, list[object]] = {
        "code": [finding.code for finding in findings],
        "severity": [finding.severity for finding in findings],
        "grid_id": [finding.grid_id for finding in findings],
        "community_id": [finding.community_id for finding in findings],
        "unit_ids": [list(finding.unit_ids) for finding in findings],
    }
    if language is None:
        columns["text_zh"] = [sentence(finding, "zh_CN") for finding in findings]
        columns["text_en"] = [sentence(finding, "en") for finding in findings]
    else:
        columns["text"] = [sentence(finding, language) for finding in findings]
    columns["step"] = list[object](_steps(findings))
    columns["values"] = [dict(finding.values) for finding in findings]
    return pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in columns.items()})


def remedies_frame(findings: Sequence[Finding]) -> pd.DataFrame:
    """Return what the remedies of some findings do, so that they can be carried out: who goes where.

    One row for each grid that units go to (or, where a grid is split, stay in): step, remedy,
    community_id, from_grid (None for units in no grid), into_grid (None for a new grid), new_grid (its
    number in this step), households, units, unit_ids, households_after (of the grid they go to),
    households_left (of the grid they leave), effect (`solves` or `helps`). A remedy of several findings
    is one step.
    """
    rows: list[tuple[object, ...]] = []
    last = 0
    for finding, step in zip(findings, _steps(findings), strict=True):
        remedy = Remedy.from_values(finding.values)
        if remedy is None or step is None or step <= last:
            continue
        last = step
        effect = "solves" if remedy.solves else "helps"
        rows += [(step, remedy.kind, finding.community_id, *row, effect) for row in _rows(remedy)]
    columns = [
        "step", "remedy", "community_id", "from_grid", "into_grid", "new_grid", "households", "units",
        "unit_ids", "households_after", "households_left", "effect",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns, dtype=object)


def _steps(findings: Sequence[Finding]) -> list[int | None]:
    """Return the number of each finding's remedy, in order of first mention; None where it has none."""
    numbers: dict[Remedy, int] = {}
    steps: list[int | None] = []
    for finding in findings:
        remedy = Remedy.from_values(finding.values)
        acts = remedy is not None and remedy.moves_units
        steps.append(numbers.setdefault(remedy, len(numbers) + 1) if remedy is not None and acts else None)
    return steps


def _rows(remedy: Remedy) -> Iterator[tuple[object, ...]]:
    """Yield where from, where to or which new grid, households, units, and households there and left."""
    units = list(remedy.unit_ids)
    source = remedy.grid_ids[0] if remedy.kind in ("split", "merge") or len(remedy.grid_ids) > 1 else None
    if remedy.kind in ("split", "new"):
        stays = remedy.kind == "split"  # the first part keeps the grid's code
        for part, total in enumerate(remedy.after):
            chosen = [unit for unit, at in zip(units, remedy.parts, strict=True) if at == part]
            kept = stays and part == 0
            new = None if kept else part + (not stays)
            left = remedy.after[0] if stays else None
            yield source, source if kept else None, new, total, len(chosen), chosen, total, left
        return
    left = None if source is None else 0 if remedy.kind == "merge" else remedy.after[0]
    moved = remedy.moved_households
    yield source, remedy.grid_ids[-1], None, moved, len(units), units, remedy.after[-1], left


def reason_text(reason: str, language: Language) -> str:
    """Return the few words of a grid's reason code (`Status.reason`); the code where it has none."""
    return words(language).get(f"finding.reason.{reason}", reason)


def joined(items: Sequence[str], language: Language, *, shown: int = SHOWN) -> str:
    """Join a list as one reads it: the first few, then how many more."""
    names = [printable(item) for item in items]
    separator = text("finding.separator", language)
    if len(names) > shown:
        first = separator.join(names[:shown])
        more = len(names) - shown
        return text("finding.and_more", language, first=first, more=more, total=len(names))
    if len(names) > 1:
        return text("finding.last_two", language, first=separator.join(names[:-1]), last=names[-1])
    return "".join(names)


def _shown(finding: Finding, language: Language) -> dict[str, object]:
    """Return the values of a finding as its sentence shows them: lists joined, names made harmless."""
    shown: dict[str, object] = {}
    for key, value in finding.values.items():
        if isinstance(value, list):
            items = [_number(item, language) if isinstance(item, int) else str(item) for item in value]
            shown[key] = joined(items, language)
        else:
            shown[key] = printable(value) if isinstance(value, str) else value
    community = finding.community_id
    shown["grid_id"] = printable(finding.grid_id or "")
    key = "finding.grid" if finding.grid_id else "finding.no_grid"
    shown["grid"] = text(key, language, grid_id=shown["grid_id"])
    shown["community_id"] = printable(community or "")
    shown["unit_ids"] = joined(finding.unit_ids, language)
    named = text("finding.community", language, community_id=shown["community_id"])
    shown["community"] = named if community else text("finding.everywhere", language)
    if "least" in shown and "most" in shown:
        only_one = shown["least"] == shown["most"]
        shown["legal"] = shown["least"] if only_one else text("finding.range", language, **shown)
    return shown


def _number(number: int, language: Language) -> str:
    return f"{number:,}" if language == "en" else str(number)


def _between(language: Language) -> str:
    return " " if language == "en" else ""
