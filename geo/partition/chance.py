"""Chance that is the same on every machine, compiled or not: whole numbers only."""

from __future__ import annotations

import math
import zlib
from typing import Any

from geo.kernels import inlined

_WORD = 0xFFFFFFFF
# Waiting times of an exponential law in 1/1024: the Metropolis test without a power function.
WAITING = [round(-1024 * math.log((i + 0.5) / 1024)) for i in range(1024)]


@inlined
def draw(state: Any, bound: int) -> Any:
    """Return a whole number from 0 to bound - 1 and move the state on (xorshift32, bound < 2**31).

    References
    ----------
    Marsaglia, G. (2003). Xorshift RNGs. Journal of Statistical Software 8(14).
    """
    x = state[0]
    x ^= (x << 13) & _WORD
    x ^= x >> 17
    x ^= (x << 5) & _WORD
    state[0] = x
    return (x * bound) >> 32


def seed_of(seed: int, *names: str) -> int:
    """Return a start state for `draw` (1 to 2**32 - 1) that depends on the seed and the names alone."""
    text = "\x1f".join((str(seed), *names))
    return zlib.crc32(text.encode("utf-8", "surrogatepass")) or 1
