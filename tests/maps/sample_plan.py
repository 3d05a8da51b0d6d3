"""Plans of any size for the tests of the map: an invented town on warped squares, in EPSG:4549."""

from __future__ import annotations

import csv
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from maps.plan_file import write_frames

CRS = "EPSG:4549"
ORIGIN = (462_230.0, 3_542_020.0)  # about 119.6E 32.0N
SIDE_M = 34.0

HOSTILE = [
    "</script><script>window.hacked = 1</script>",
    '"><img src=x onerror="window.hacked = 2">',
    "{{ 7 * 7 }}{% raw %}{# x #}",
    "\u202egnp.exe\u202c 楼",
    "<!-- <script> '\\\"`${1}",
]


def plan_frames(
    columns: int = 12, rows: int = 8, *, grid_columns: int = 4, grid_rows: int = 3, seed: int = 0
) -> dict[str, pd.DataFrame]:
    """Return the layers of a plan: columns x rows units in grid_columns x grid_rows grids, 12 a community."""
    rng = np.random.default_rng(seed)
    nodes = np.stack(np.meshgrid(np.arange(columns + 1.0), np.arange(rows + 1.0)), axis=-1)
    nodes += rng.uniform(-0.16, 0.16, nodes.shape)
    nodes = nodes * SIDE_M + ORIGIN
    column, row = (each.ravel() for each in np.meshgrid(np.arange(columns), np.arange(rows)))
    corners = [nodes[row, column], nodes[row, column + 1], nodes[row + 1, column + 1], nodes[row + 1, column]]
    cells = shapely.polygons(np.stack([*corners, corners[0]], axis=1))
    grid_column, grid_row = column * grid_columns // columns, (rows - 1 - row) * grid_rows // rows
    community = (grid_row // 3) * ((grid_columns + 3) // 4) + grid_column // 4
    households = rng.integers(4, 24, len(cells))
    households[:: max(1, len(cells) // 30)] = 0
    households[len(cells) // 2] = 132

    community_id = np.array([f"3211810{k // 100 + 1:02d}{k % 100 + 1:03d}" for k in community])
    serial = (grid_row % 3) * 4 + grid_column % 4 + 1
    grid_id = np.array([f"{c}{s:03d}" for c, s in zip(community_id, serial, strict=True)])
    frame = gpd.GeoDataFrame(
        {"unit_id": [f"{k // 4 + 1}-{k % 4 + 1}" for k in range(len(cells))], "households": households},
        geometry=cells,
        crs=CRS,
    ).assign(grid_id=grid_id, community_id=community_id)

    grids = _merged(frame, ["grid_id", "community_id"])
    totals = frame.groupby("grid_id").agg(households=("households", "sum"), units=("unit_id", "size"))
    grids = grids.merge(totals.reset_index(), on="grid_id")
    grids["status"] = np.select(
        [grids["households"] < 50, grids["households"] > 100], ["too_small", "too_large"], "ok"
    )
    grids["kind"] = "basic"
    grids.loc[grids.index[-1], ["kind", "status"]] = ["special", "exempt"]
    grids["name"] = None
    grids["reason"] = None
    grids["area_m2"] = grids.area
    communities = _merged(frame, ["community_id"])
    communities["name"] = [
        f"{'东南西北中'[k % 5]}{'门河桥园山'[k // 5 % 5]}社区" for k in range(len(communities))
    ]

    units = frame.drop(columns="community_id")
    units["building_id"] = [f"{k // 4 + 1}号楼" for k in range(len(units))]
    units["compound_id"] = [f"C{g[-5:]}" for g in grid_id]
    units["address"] = [f"秦东门大街{k // 4 + 1}号" for k in range(len(units))]
    units.geometry = _footprints(cells)
    return {
        "micro_grids": grids,
        "units": units,
        "cells": frame[["unit_id", "geometry"]],
        "communities": communities,
        **_surroundings(columns, rows, grids),
        "findings": _findings(grids),
        "run": _run(),
    }


def hostile_frames() -> dict[str, pd.DataFrame]:
    """Return a small plan in which every name is an attack."""
    frames = plan_frames()
    for layer, column in [
        ("communities", "name"),
        ("micro_grids", "name"),
        ("compounds", "name"),
        ("roads", "name"),
        ("units", "address"),
        ("units", "building_id"),
    ]:
        frame = frames[layer]
        frame[column] = [HOSTILE[k % len(HOSTILE)] for k in range(len(frame))]
    for language in ("zh", "en"):
        findings = frames["findings"]
        findings[f"text_{language}"] = [
            f"{HOSTILE[k % len(HOSTILE)]} {language}" for k in range(len(findings))
        ]
    return frames


def write_plan(path: Path, frames: dict[str, pd.DataFrame]) -> Path:
    write_frames(frames, path)
    return path


def write_points(path: Path, rows: list[dict[str, object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def incidents(frames: dict[str, pd.DataFrame], count: int, seed: int = 1) -> list[dict[str, object]]:
    kinds = ["下水道", "路灯", "垃圾", "噪音", "违停", "消防通道"]
    states = ["待受理", "处置中", "已结案"]
    rng = np.random.default_rng(seed)
    return [
        {
            "case_id": f"AJ{k:05d}",
            "kind": kinds[rng.integers(len(kinds))],
            "state": states[rng.integers(len(states))],
            "reported_at": f"2026-11-{k % 28 + 1:02d} 08:{k % 60:02d}",
            "text": f"建华园{k % 9 + 1}号楼水管爆裂",
            "lon": lon,
            "lat": lat,
        }
        for k, (lon, lat) in enumerate(_places(frames, count, rng))
    ]


def stations(frames: dict[str, pd.DataFrame], count: int, seed: int = 2) -> list[dict[str, object]]:
    rng = np.random.default_rng(seed)
    return [
        {
            "station_id": f"YZ{k:03d}",
            "name": f"红色驿站{k + 1}",
            "type": "暖心驿站",
            "facilities": "饮水机;微波炉;充电;药箱",
            "opening_hours": "08:30-20:00",
            "lon": lon,
            "lat": lat,
        }
        for k, (lon, lat) in enumerate(_places(frames, count, rng))
    ]


def _places(frames: dict[str, pd.DataFrame], count: int, rng: np.random.Generator) -> list[list[float]]:
    low_x, low_y, high_x, high_y = frames["micro_grids"].to_crs(4326).total_bounds
    places = rng.uniform((low_x, low_y), (high_x, high_y), (count, 2))
    crowd = count // 3  # a third of them around one market
    places[:crowd] = rng.normal(
        ((low_x + high_x) / 2, (low_y + high_y) / 2), (high_y - low_y) / 25, (crowd, 2)
    )
    return np.round(places, 7).tolist()


def _merged(frame: gpd.GeoDataFrame, by: list[str]) -> gpd.GeoDataFrame:
    return frame[[*by, "geometry"]].dissolve(by, method="coverage").reset_index()


def _footprints(cells: np.ndarray) -> np.ndarray:
    centres = shapely.get_coordinates(shapely.centroid(cells))
    wide, deep = SIDE_M * 0.36, SIDE_M * 0.19
    return shapely.box(centres[:, 0] - wide, centres[:, 1] - deep, centres[:, 0] + wide, centres[:, 1] + deep)


def _surroundings(columns: int, rows: int, grids: gpd.GeoDataFrame) -> dict[str, pd.DataFrame]:
    width, height = columns * SIDE_M, rows * SIDE_M

    def line(*shares: tuple[float, float]) -> shapely.LineString:
        return shapely.LineString([(ORIGIN[0] + x * width, ORIGIN[1] + y * height) for x, y in shares])

    roads = gpd.GeoDataFrame(
        {
            "road_class": ["primary", "secondary", "residential", "footway", None],
            "name": ["秦东门大街", "西门路", "建华巷", None, "环城路"],
            "bridge": [False, True, False, False, False],
        },
        geometry=[
            line((0, 0.45), (0.5, 0.5), (1, 0.46)),
            line((0.33, 0), (0.36, 1)),
            line((0.6, 0), (0.62, 0.5)),
            line((0.1, 0.1), (0.3, 0.3)),
            line((0, 0.97), (1, 0.97)),
        ],
        crs=CRS,
    )
    river = line((0, 0.72), (0.3, 0.76), (0.7, 0.7), (1, 0.75)).buffer(SIDE_M * 0.5)
    water = gpd.GeoDataFrame({"name": ["漕河"]}, geometry=[river], crs=CRS)
    barriers = gpd.GeoDataFrame({"kind": ["railway"]}, geometry=[line((0.8, 0), (0.85, 1))], crs=CRS)
    walled = grids.iloc[::3]
    compounds = gpd.GeoDataFrame(
        {
            "compound_id": [f"C{grid_id[-5:]}" for grid_id in walled["grid_id"]],
            "name": [f"建华园{k + 1}区" for k in range(len(walled))],
            "walled": [k % 2 == 0 for k in range(len(walled))],
        },
        geometry=walled.buffer(-4).to_numpy(),
        crs=CRS,
    )
    gates = gpd.GeoDataFrame(geometry=shapely.get_point(compounds.exterior.to_numpy(), 0), crs=CRS)
    return {"roads": roads, "water": water, "barriers": barriers, "compounds": compounds, "gates": gates}


def _findings(grids: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    out = grids[grids["status"].isin(["too_small", "too_large"])].head(200)
    return gpd.GeoDataFrame(
        {
            "code": out["status"].to_numpy(),
            "severity": "error",
            "community_id": out["community_id"].to_numpy(),
            "grid_id": out["grid_id"].to_numpy(),
            "unit_ids": "[]",
            "values": "{}",
            "text_zh": [
                f"网格{g}共{h}户，超出50—100户的范围。"
                for g, h in zip(out["grid_id"], out["households"], strict=True)
            ],
            "text_en": [
                f"Grid {g} has {h} households, outside 50 to 100."
                for g, h in zip(out["grid_id"], out["households"], strict=True)
            ],
        },
        geometry=out.representative_point().to_numpy(),
        crs=CRS,
    )


def _run() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "version": ["0.1.0"],
            "seed": [0],
            "min_households": [50],
            "max_households": [100],
            "inputs": ['[{"kind": "units", "name": "units.gpkg", "sha256": "0f3a"}]'],
            "started": ["2026-11-23T08:00:00+08:00"],
            "finished": ["2026-11-23T08:00:20+08:00"],
        }
    )
