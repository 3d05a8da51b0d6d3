"""Partition: an immutable assignment of units to micro-grids, and the ways to make and mend one in a band."""

from geo.partition.effort import EFFORTS, Effort, EffortName, usual_effort
from geo.partition.locks import Locks
from geo.partition.matching import matching, moved_households, moved_units
from geo.partition.operations import merge, nest, split
from geo.partition.partition import Band, Partition, Proof, Search, Status
from geo.partition.plan import partition
from geo.partition.rebalance import Rebalanced, TradeOff, faulty_parts, mend, rebalance, trade_off
from geo.partition.wanted_count import with_wanted_count
from geo.partition.weights import Weights

__all__ = [
    "EFFORTS",
    "Band",
    "Effort",
    "EffortName",
    "Locks",
    "Partition",
    "Proof",
    "Rebalanced",
    "Search",
    "Status",
    "TradeOff",
    "Weights",
    "faulty_parts",
    "matching",
    "mend",
    "merge",
    "moved_households",
    "moved_units",
    "nest",
    "partition",
    "rebalance",
    "split",
    "trade_off",
    "usual_effort",
    "with_wanted_count",
]
