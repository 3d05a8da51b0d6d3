"""Look into an uploaded file in a process of its own with little memory and time, which writes nothing.

Run as `python -m api.inspection FILE`: one JSON object on stdout, with `layers` or with `refused`.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from geo.errors import InputError

# What it may allocate; with the libraries it maps, the process stays below 512 MiB.
MEMORY_BYTES = 432 << 20
CPU_S = 15
# Layers of a GeoPackage up to this size are read whole here; of a larger one only the table of contents, for
# its features are read row by row, by a job.
READ_WHOLE_BYTES = 64 << 20
MOST_LAYERS, MOST_COLUMNS = 100, 300


def main() -> None:
    """Inspect the file that is named."""
    for kind, most in (
        (resource.RLIMIT_DATA, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        resource.setrlimit(kind, (most, most))
    from geo.errors import InputError

    try:
        told: dict[str, Any] = {"layers": layers_of(Path(sys.argv[1]))}
    except InputError as error:
        told = {"refused": _refusal(error)}
    except MemoryError:
        told = {"refused": None}
    json.dump(told, sys.stdout)


def layers_of(path: Path) -> list[dict[str, Any]]:
    """Return the layers of a file: name, features, columns, CRS; a large GeoPackage tells names only.

    Raises
    ------
    InputError
        The file is broken, hostile or of another kind than its name says.
    """
    from geo.containers import Source, source_of
    from geo.errors import InputError
    from geo.formats.geopackage import stored_layers

    source = source_of(str(path))
    if path.suffix.lower() == ".gpkg":
        names = sorted(stored_layers(path))
        if path.stat().st_size > READ_WHOLE_BYTES:
            return [{"name": name} for name in names[:MOST_LAYERS]]
    else:
        try:
            return [_layer(source)]
        except InputError as error:
            if error.code != "several_layers":
                raise
            names = [name.strip() for name in str(error.values["names"]).split(",")]
    return [_layer(Source(path, name)) for name in names[:MOST_LAYERS]]


def _layer(source: Any) -> dict[str, Any]:
    from geo.containers import read_raw

    table, _ = read_raw(source)
    return {
        "name": table.layer,
        "features": len(table),
        "columns": list(table.names[:MOST_COLUMNS]),
        "crs": None if table.crs is None else table.crs.to_string()[:200],
        "has_geometry": table.geometry is not None,
    }


def _refusal(error: InputError) -> dict[str, Any]:
    return {
        "code": error.code,
        "message": error.message,
        "mend": error.mend,
        **{name: getattr(error, name) for name in ("file", "layer", "field", "feature")},
        "values": dict(error.values),
    }


if __name__ == "__main__":
    main()
