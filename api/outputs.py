"""What commands write: refused before any work is done, dated, and drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from api.city_time import now
from api.console import Report, Terminal
from api.telling import warn
from geo.containers import source_of
from geo.errors import InputError
from geo.files import ensure_writable
from geo.layers import LayerKind
from maps.bundle import require_bundle

if TYPE_CHECKING:
    from geo.findings import Finding
    from maps.result_map import ResultMap
    from maps.walk_map import WalkMap


def ready(outputs: Mapping[Path | None, tuple[str, ...]], sources: Iterable[str]) -> None:
    """Refuse outputs that cannot be written, or that would replace an input, before any work is done."""
    inputs = {source_of(source).path.resolve() for source in sources}
    for output, suffixes in outputs.items():
        if output is None:
            continue
        if output.suffix.lower() not in suffixes:
            # `plan.gpkg.txt` was meant to be `plan.gpkg`.
            example = output.stem if output.stem.lower().endswith(suffixes) else output.stem + suffixes[0]
            raise InputError(
                "output_suffix",
                f"the name should end in {' or '.join(suffixes)}",
                mend=f"for example {example}",
                file=output.name,
                suffixes=" / ".join(suffixes),
                example=example,
            )
        if output.resolve() in inputs:
            raise InputError(
                "output_is_input",
                "would replace one of the inputs",
                mend="choose another name",
                file=output.name,
            )
        ensure_writable(output)
        if output.suffix.lower() in (".html", ".htm"):
            require_bundle()


def numbered(output: Path, at: int) -> Path:
    """Return the name of the file of one of several plans: that of the first, then `plan-2.gpkg`, ..."""
    return output if at == 1 else output.with_stem(f"{output.stem}-{at}")


def run_times(started: datetime) -> dict[str, str]:
    """Return when a run started and, as of now, finished."""
    return {
        "started": started.isoformat(timespec="seconds"),
        "finished": now().isoformat(timespec="seconds"),
    }


def draw_map(
    terminal: Terminal,
    plan_file: Path,
    output: Path,
    report: Report,
    *,
    incidents: str | None = None,
    stations: str | None = None,
    context: Sequence[str] = (),
    fields: Mapping[tuple[LayerKind, str], str] = MappingProxyType({}),
    crs: str | None = None,
    compare: Path | None = None,
    period: str | None = None,
    watermark: str | None = None,
    with_texts: bool = False,
    walk: WalkMap | None = None,
    result: ResultMap | None = None,
) -> list[Finding]:
    """Write the map of a plan file; print and return what was noticed in the layers added to it."""
    from maps.export import write_map

    report("map", 0, 1)
    found = write_map(
        plan_file, output, incidents=incidents, stations=stations, context=context,
        fields=fields, crs=crs, compare=compare, period=period, watermark=watermark, with_texts=with_texts,
        walk=walk, result=result, made_at=now(), language=terminal.language,
    )  # fmt: skip
    report("map", 1, 1)
    warn(terminal, found)
    return found
