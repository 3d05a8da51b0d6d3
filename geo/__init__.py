"""Geometry and partitioning: layers, cells, adjacency, micro-grids. Knows no web, database or map library."""
