"""Layers as an office has them: three units in two communities, with Chinese columns."""

from collections import Counter

import geopandas as gpd
import shapely

# About 119.6 E, 32.0 N, in the 3-degree zone of 120 E.
X, Y = 462_000.0, 3_542_000.0


def units(**columns: object) -> gpd.GeoDataFrame:
    table = {"单元编号": ["甲-1", "甲-2", "乙-1"], "户数": [12, 0, 30], "楼栋": ["甲", "甲", "乙"], **columns}
    places = [shapely.Point(X + 10 + 20 * at, Y + 10) for at in range(3)]
    return gpd.GeoDataFrame(table, geometry=places, crs=4549)


def communities() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"社区编码": ["320981001001", "320981001002"], "名称": ["东门社区", "西门社区"]},
        geometry=[shapely.box(X, Y, X + 100, Y + 80), shapely.box(X + 100, Y, X + 200, Y + 80)],
        crs=4549,
    )


def codes(findings: object) -> Counter[str]:
    return Counter(finding.code for finding in findings)  # type: ignore[attr-defined]
