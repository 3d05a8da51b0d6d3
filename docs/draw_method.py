"""Draw the pictures of docs/method.md: a community of the sample town, by the program's own functions.

    python docs/draw_method.py [FOLDER]

The same version draws the same bytes; a test compares them with those in docs/pictures.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geo.plan_layers import plan_layers
from geo.planning import Plan, plan
from geo.synthetic import SampleCity, sample_city

COMMUNITY = "320706001001"
# A pixel of the picture is so many metres.
METRES = 0.62
MARGIN_M = 12.0
LETTERS = "font-family='Noto Sans CJK SC, Microsoft YaHei, sans-serif'"
FILLS = ("#fde9c9", "#dcebd3", "#d9e6f5", "#f3dcea", "#efe6d2", "#d5efec")


class Drawing:
    """Shapes in metres as an SVG."""

    def __init__(self, ground: BaseGeometry) -> None:
        self.west, south, east, self.north = ground.buffer(MARGIN_M).bounds
        self.width, self.height = (east - self.west) / METRES, (self.north - south) / METRES
        self.drawn: list[str] = []

    def place(self, xy: np.ndarray) -> list[str]:
        """Return positions in the picture as text."""
        return [f"{(x - self.west) / METRES:.1f},{(self.north - y) / METRES:.1f}" for x, y in xy]

    def add(self, shapes: Iterable[BaseGeometry], look: str) -> None:
        """Draw lines and polygons in one look."""
        rings = []
        for part in shapely.get_parts(np.array(list(shapes), object)):
            if part.is_empty or part.geom_type == "Point":
                continue
            lines = (part.exterior, *part.interiors) if part.geom_type == "Polygon" else (part,)
            closed = "Z" if part.geom_type == "Polygon" else ""
            rings += ["M" + " ".join(self.place(shapely.get_coordinates(line))) + closed for line in lines]
        if rings:
            self.drawn.append(f"<path d='{''.join(rings)}' {look}/>")

    def dots(self, xy: np.ndarray, radius: float, look: str) -> None:
        """Draw a dot at each place; radius in pixels."""
        for at in self.place(xy):
            x, y = at.split(",")
            self.drawn.append(f"<circle cx='{x}' cy='{y}' r='{radius}' {look}/>")

    def write(self, xy: np.ndarray, texts: Iterable[str], size: int = 13) -> None:
        """Write short texts round places, on white so that they can be read anywhere."""
        for at, said in zip(self.place(xy), texts, strict=True):
            x, y = at.split(",")
            self.drawn.append(
                f"<text x='{x}' y='{y}' font-size='{size}' text-anchor='middle' dominant-baseline='central'"
                f" paint-order='stroke' stroke='#fff' stroke-width='3' {LETTERS}>{escape(said)}</text>"
            )

    def save(self, path: Path) -> None:
        """Write the file."""
        path.write_text(
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {self.width:.0f} {self.height:.0f}'>"
            f"<rect width='100%' height='100%' fill='#fff'/>{''.join(self.drawn)}</svg>\n",
            encoding="utf-8",
            newline="\n",
        )


def base(city: SampleCity, ground: BaseGeometry) -> Drawing:
    """Return a drawing with the water that is there before anybody plans."""
    drawing = Drawing(ground)
    near = shapely.box(*ground.buffer(MARGIN_M).bounds)
    drawing.add(city.water.geometry.intersection(near), "fill='#cfe3f2' stroke='#7da7c9'")
    return drawing


def finish(drawing: Drawing, city: SampleCity, ground: BaseGeometry) -> Drawing:
    """Draw roads, walls, gates and the community over what was drawn, and return the drawing."""
    near = shapely.box(*ground.buffer(MARGIN_M).bounds)
    drawing.add(city.roads.geometry.intersection(near), "fill='none' stroke='#fff' stroke-width='4.5'")
    drawing.add(city.roads.geometry.intersection(near), "fill='none' stroke='#9a9a9a' stroke-width='3'")
    walls = city.compounds.geometry[city.compounds["walled"] == "yes"].boundary
    drawing.add(walls.intersection(near), "fill='none' stroke='#6b4f2a' stroke-width='1.6'")
    lines = city.barriers.geometry.intersection(near)
    drawing.add(lines, "fill='none' stroke='#6b4f2a' stroke-width='2.4' stroke-dasharray='6 3'")
    gates = shapely.get_coordinates(city.gates.geometry[city.gates.geometry.intersects(near)].to_numpy())
    drawing.dots(gates, 4, "fill='#1a7f37' stroke='#fff'")
    drawing.add([ground], "fill='none' stroke='#333' stroke-width='2.5' stroke-dasharray='10 4 2 4'")
    return drawing


def houses(city: SampleCity) -> tuple[np.ndarray, np.ndarray]:
    """Return the outlines of the community's units and their ids."""
    own = city.units[city.units["community_id"] == COMMUNITY]
    return own.geometry.to_numpy(), own["unit_id"].to_numpy()


def of_community(made: Plan) -> np.ndarray:
    """Return which units of a plan lie in the community."""
    code = made.layers.communities["community_id"].to_numpy()[made.ground.community]
    inside: np.ndarray = code == COMMUNITY
    return inside


def draw_ground(city: SampleCity, made: Plan, ground: BaseGeometry, path: Path) -> None:
    """Draw the ground that each unit gets."""
    drawing = base(city, ground)
    cells = made.cells()
    own = cells["unit_id"].isin(made.ground.unit_ids[of_community(made)])
    drawing.add(cells.geometry[own], "fill='#f4f1ea' stroke='#a8977a' stroke-width='0.8'")
    drawing.add(houses(city)[0], "fill='#8d99a8' stroke='#3a4552' stroke-width='0.6'")
    finish(drawing, city, ground).save(path)


def draw_neighbours(city: SampleCity, made: Plan, ground: BaseGeometry, path: Path) -> None:
    """Draw who is a neighbour of whom: freely, across something, or not to be walked to."""
    drawing = base(city, ground)
    drawing.add(houses(city)[0], "fill='#d7dce2' stroke='#aab' stroke-width='0.4'")
    near, centre = made.ground.adjacency, dict(zip(houses(city)[1], houses(city)[0], strict=True))
    ids = near.unit_ids
    within = of_community(made)
    pairs = within[near.left] & within[near.right]
    looks = (
        (near.joins & (near.crosses == 0), "fill='none' stroke='#1a7f37' stroke-width='1.4'"),
        (
            near.joins & (near.crosses != 0),
            "fill='none' stroke='#b35900' stroke-width='1.4' stroke-dasharray='5 3'",
        ),
        (~near.joins, "fill='none' stroke='#c62828' stroke-width='1.4' stroke-dasharray='1.5 3'"),
    )
    for which, look in looks:
        lines = [
            shapely.LineString([centre[ids[a]].centroid, centre[ids[b]].centroid])
            for a, b in zip(near.left[pairs & which], near.right[pairs & which], strict=True)
        ]
        drawing.add(lines, look)
    finish(drawing, city, ground).save(path)


def draw_grids(city: SampleCity, made: Plan, ground: BaseGeometry, path: Path) -> None:
    """Draw micro-grids with their households."""
    drawing = base(city, ground)
    grids = made.micro_grids()
    own = grids[grids["community_id"] == COMMUNITY].reset_index(drop=True)
    fills = painted(own.geometry.to_numpy())
    for fill in range(len(FILLS)):
        drawing.add(own.geometry[fills == fill], f"fill='{FILLS[fill]}' stroke='none'")
    drawing.add(houses(city)[0], "fill='#8d99a8' fill-opacity='0.55' stroke='none'")
    finish(drawing, city, ground)
    drawing.add(own.geometry, "fill='none' stroke='#b3122a' stroke-width='2.4' stroke-linejoin='round'")
    # In the middle of the widest place, not somewhere in a strip along a road.
    circles = shapely.maximum_inscribed_circle(own.geometry.to_numpy(), tolerance=1.0)
    inner = shapely.get_coordinates(shapely.get_point(circles, 0))
    drawing.write(inner, [str(count) for count in own["households"]], 17)
    drawing.save(path)


def painted(shapes: np.ndarray) -> np.ndarray:
    """Return a fill for each shape, different from those beside it where fills suffice."""
    fill = np.full(len(shapes), -1)
    beside = shapely.STRtree(shapes)
    for at, shape in enumerate(shapes):
        taken = set(fill[beside.query(shape, predicate="intersects")].tolist())
        fill[at] = next((one for one in range(len(FILLS)) if one not in taken), at % len(FILLS))
    return fill


def main(folder: Path) -> None:
    """Draw all pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    city = sample_city()
    layers = plan_layers(
        units=city.units, communities=city.communities, roads=city.roads, water=city.water,
        barriers=city.barriers, gates=city.gates, compounds=city.compounds,
    )  # fmt: skip
    ground = city.communities.geometry[city.communities["community_id"] == COMMUNITY].iloc[0]
    made = plan(layers)
    start = plan(layers, effort="fast", should_stop=lambda: True)
    draw_ground(city, made, ground, folder / "method-ground.svg")
    draw_neighbours(city, made, ground, folder / "method-neighbours.svg")
    draw_grids(city, start, ground, folder / "method-start.svg")
    draw_grids(city, made, ground, folder / "method-grids.svg")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/pictures"))
