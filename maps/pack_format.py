"""What a pack is: the compact binary form of layers that pages and API share.

A pack is gzip around one little-endian block file::

    4 bytes   "wgpk"
    uint32    length of the header in bytes
    header    JSON in UTF-8
    body      blocks, one after the other

The header holds `version` (2), `origin` (lon, lat) and `step` (degrees): a stored pair of integers
(x, y) means ``origin + step * (x, y)`` in WGS 84. `blocks` lists ``[encoding, start, n_bytes, count]``;
everything else names a block by its position in that list. A block is a run of whole numbers, each a
zigzag varint (7 bits a byte, low bits first); in the encoding `delta` a number is the difference to the
one before it. In the encoding `text` a block is a list of strings and nulls, as JSON in UTF-8.

`arcs` lists banks of arcs, each with its `points` (points of each arc) and `x`, `y` (all points of its
arcs); arcs are numbered through all of them. What a page draws only near lies in a bank of its own, so
that others need not be read with it. An arc is a line
between two places where more than two edges meet, stored once however many polygons share it, so that
neighbours have identical borders and an editor can move a border once for both. `layers` holds for
each layer its `count`, its `columns` and its `geometry`: for `polygon` and `line` the number of `parts`
of each feature, the number of arcs of each part (`part_arcs`) and the arcs themselves (`arcs`; ``~i``
is arc i backwards); for `point` the `parts` of each feature and their `x`, `y`. A part of a polygon is
a ring: counter-clockwise an exterior, clockwise a hole. A layer may have all three.

Columns: `int` and `bool` (a block and the positions of the `nulls`), `number` (the same, times
``10 ** decimals``), `text` (a block of the strings themselves) and `category` (`values`, a block of
strings, and a block of codes, -1 for none). Texts are in blocks since most are read only when asked for.
"""

MAGIC = b"wgpk"
VERSION = 2
