"""Partition: an immutable assignment of units to micro-grids, and the way to make one within a band."""

from geo.partition.partition import Band, Partition, Proof, Status
from geo.partition.plan import partition
from geo.partition.weights import Weights

__all__ = ["Band", "Partition", "Proof", "Status", "Weights", "partition"]
