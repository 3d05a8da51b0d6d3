"""For schemathesis (SCHEMATHESIS_HOOKS): every other path asks for something that exists.

Of generated ids none does, and almost every answer would be 404. The ids come as JSON in WEIGE_KNOWN_IDS.
"""

from __future__ import annotations

import json
import os
import zlib
from typing import Any

import schemathesis

KNOWN: dict[str, list[str | int]] = json.loads(os.environ["WEIGE_KNOWN_IDS"])


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """Put an id that exists in the place of every other generated one."""
    for name in KNOWN.keys() & (path_parameters or {}).keys():
        chance = zlib.crc32(str(path_parameters[name]).encode())
        if chance % 2:
            path_parameters[name] = KNOWN[name][chance // 2 % len(KNOWN[name])]
    return path_parameters
