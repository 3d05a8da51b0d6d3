"""Where the next stations go: covering, fewest stations, nearest with capacity, each with its bound."""

from geo.siting.answer import Answer, Served
from geo.siting.covering import fewest, most_reached
from geo.siting.gains import best_next, gains_table, in_order_of_gain
from geo.siting.median import nearest, serving
from geo.siting.nearby import Nearby

__all__ = [
    "Answer",
    "Nearby",
    "Served",
    "best_next",
    "fewest",
    "gains_table",
    "in_order_of_gain",
    "most_reached",
    "nearest",
    "serving",
]
