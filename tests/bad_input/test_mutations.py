"""Good files with random bytes changed: read, or refused with an error of ours, and nothing else."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from geo.errors import InputError
from geo.layers import read_layer
from tests.bad_input.containers import whole

N_MUTATIONS = 25
MARKS = (b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f")


def mutated(content: bytes, chance: random.Random) -> bytes:
    made = bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 5, 20])):
        at = chance.randrange(len(made))
        match chance.randrange(5):
            case 0:
                made[at] = chance.randrange(256)
            case 1:
                made[at] ^= 1 << chance.randrange(8)
            case 2:
                del made[at : at + chance.randrange(1, 20)]
            case 3:
                made[at:at] = chance.randbytes(chance.randrange(1, 9))
            case _:
                made[at : at + 4] = chance.choice(MARKS)
        if len(made) < 50:
            break
    return bytes(made)


@pytest.mark.parametrize("suffix", ["shp", "zip", "gpkg", "geojson", "parquet", "kml", "csv", "xlsx"])
def test_changed_bytes_are_read_or_refused(tmp_path: Path, suffix: str) -> None:
    path = whole(tmp_path, suffix)
    parts = {part: part.read_bytes() for part in tmp_path.glob("units.*") if suffix == "shp" or part == path}
    outcomes = set()
    for seed in range(N_MUTATIONS):
        chance = random.Random(f"{suffix} {seed}")
        for part, content in parts.items():
            part.write_bytes(
                mutated(content, chance) if chance.random() < 0.6 or len(parts) == 1 else content
            )
        try:
            read_layer(str(path), "units")
            outcomes.add("read")
        except InputError:
            outcomes.add("refused")

    assert "refused" in outcomes
