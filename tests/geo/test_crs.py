import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS, Geod

from geo.crs import (
    MAX_SCALE_ERROR,
    Numbers,
    crs_named,
    crs_of_wkt,
    gk_epsg,
    is_metric,
    looks,
    metres_per_unit,
    require_fitting_numbers,
    require_metric_crs,
    scale_error,
    transformer,
    working_crs,
)
from geo.errors import CrsError


def numbers(x: float, y: float) -> Numbers:
    return Numbers.of(np.array([[x, y], [x + 1e-3, y + 1e-3]]))


@pytest.mark.parametrize("epsg", [4490, 4326, 3857, 32650, 26986, *range(4491, 4555)])
@pytest.mark.parametrize("version", ["WKT1_ESRI", "WKT1_GDAL", "WKT2_2019"])
def test_a_crs_is_recognised_in_every_spelling(epsg: int, version: str) -> None:
    crs = CRS.from_epsg(epsg)

    found = crs_of_wkt(crs.to_wkt(version))

    # A 6-degree zone and the 3-degree zone on its meridian are one projection under two codes.
    place = (crs.area_of_use.west + 0.1, 30.0) if crs.area_of_use else (119.6, 32.0)
    wgs84 = CRS.from_epsg(4326)
    assert transformer(wgs84, found).transform(*place) == pytest.approx(
        transformer(wgs84, crs).transform(*place), abs=1e-3
    )
    assert found.to_epsg() is not None


@pytest.mark.parametrize(
    "text", ["EPSG:4549", "epsg:4549", "4549", " EPSG:4549 ", "urn:ogc:def:crs:EPSG::4549"]
)
def test_a_crs_may_be_named_in_the_usual_ways(text: str) -> None:
    assert crs_named(text) == CRS.from_epsg(4549)


@pytest.mark.parametrize(
    "text", ["", "x", "EPSG:1", "EPSG:99999", "+proj=merc", "+init=epsg:4326", "/etc/passwd", "IGNF:LAMB93"]
)
def test_anything_else_is_no_name_of_a_crs(text: str) -> None:
    with pytest.raises(CrsError, match="EPSG"):
        crs_named(text)


def test_a_grid_file_in_a_prj_is_not_used() -> None:
    crs = crs_of_wkt(
        'PROJCS["x",GEOGCS["g",DATUM["d",SPHEROID["WGS 84",6378137,298.257223563],'
        'EXTENSION["PROJ4_GRIDS","/etc/passwd"]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],'
        'PROJECTION["Transverse_Mercator"],PARAMETER["latitude_of_origin",0],PARAMETER["central_meridian",119.5],'
        'PARAMETER["scale_factor",1],PARAMETER["false_easting",500000],PARAMETER["false_northing",0],UNIT["metre",1]]'
    )

    assert not crs.is_bound
    assert "passwd" not in crs.to_wkt()


@pytest.mark.parametrize(
    ("lon", "epsg"),
    [(73.5, 4534), (75, 4534), (76.49, 4534), (76.5, 4535), (119.6, 4549), (120, 4549), (136.4, 4554)],
)
def test_the_gauss_kruger_zone_of_a_longitude(lon: float, epsg: int) -> None:
    assert gk_epsg(lon) == epsg


@given(lon=st.floats(73.5, 136.49), lat=st.floats(4, 53.5))
def test_in_china_the_working_crs_is_within_a_thousandth(lon: float, lat: float) -> None:
    crs = working_crs(CRS.from_epsg(4490), (lon, lat, lon + 1e-3, lat + 1e-3))

    x, y = transformer(CRS.from_epsg(4490), crs).transform(lon, lat)
    assert 4534 <= (crs.to_epsg() or 0) <= 4554
    assert scale_error(crs, (x, y, x + 100, y + 100)) <= MAX_SCALE_ERROR


@pytest.mark.parametrize(
    ("lon", "lat", "epsg"),
    [(24.9, 60.2, 32635), (-71.1, 42.4, 32619), (151.2, -33.9, 32756), (106.8, -6.2, 32748)],
)
def test_elsewhere_it_is_the_utm_zone(lon: float, lat: float, epsg: int) -> None:
    assert working_crs(CRS.from_epsg(4326), (lon, lat, lon + 0.01, lat + 0.01)).to_epsg() == epsg


def test_a_good_projection_of_the_layer_is_kept_and_a_bad_one_is_not() -> None:
    danyang = (462_000.0, 3_542_000.0, 466_000.0, 3_546_000.0)

    assert working_crs(CRS.from_epsg(4549), danyang) == CRS.from_epsg(4549)
    assert working_crs(CRS.from_epsg(3857), (13_313_000, 3_763_000, 13_314_000, 3_764_000)) == CRS.from_epsg(
        4549
    )
    feet = CRS.from_epsg(2249)  # Massachusetts in US survey feet
    assert working_crs(feet, (760_000, 2_950_000, 770_000, 2_960_000)).to_epsg() == 32619


@pytest.mark.parametrize(
    ("x", "y", "kind", "epsg"),
    [
        (119.6, 32.0, "degrees", 4490),
        (24.9, 60.2, "degrees", 4326),
        (32.0, 119.6, "swapped_degrees", None),
        (462_000, 3_542_000, "gk", None),
        (40_462_000, 3_542_000, "gk_zone", 4528),
        (38_500_000, 3_542_000, "gk_zone", 4526),
        (20_690_000, 3_542_000, "gk_zone", 4498),
        (13_313_000, 3_763_000, "web_mercator", 3857),
        (1_000, 2_000, "unknown", None),
    ],
)
def test_what_numbers_without_a_crs_look_like(x: float, y: float, kind: str, epsg: int | None) -> None:
    look = looks(numbers(x, y))

    assert look.kind == kind
    if epsg is not None:
        assert look.epsg == epsg


@pytest.mark.parametrize(
    ("epsg", "x", "y", "code"),
    [
        (4490, 32.0, 119.6, "axes_swapped"),
        (4490, 43.8, 87.6, "axes_swapped"),
        (4490, 462_000, 3_542_000, "metres_in_degrees"),
        (4549, 119.6, 32.0, "degrees_in_metres"),
        (3857, 119.6, 32.0, "degrees_in_metres"),
        (4549, 3_542_000, 462_000, "axes_swapped_metres"),
        (4549, 40_462_000, 3_542_000, "easting_with_zone"),
        (4528, 462_000, 3_542_000, "easting_without_zone"),
        (4528, 39_462_000, 3_542_000, "easting_with_zone"),
        (4549, 13_313_000, 3_763_000, "web_mercator_in_metres"),
    ],
)
def test_numbers_that_contradict_their_crs_are_named(epsg: int, x: float, y: float, code: str) -> None:
    with pytest.raises(CrsError) as caught:
        require_fitting_numbers(CRS.from_epsg(epsg), numbers(x, y))

    assert caught.value.code == code
    assert caught.value.mend


@pytest.mark.parametrize(
    ("epsg", "x", "y"),
    [
        (4490, 119.6, 32.0),
        (4326, 15.6, 78.2),  # Svalbard
        (4326, -71.1, 42.4),
        (4326, 151.2, -33.9),
        (4549, 462_000, 3_542_000),
        (4528, 40_462_000, 3_542_000),
        (4498, 20_690_000, 3_542_000),
        (3857, 13_313_000, 3_763_000),
        (32635, 385_000, 6_672_000),
        (4549, 35.0, 25.0),  # a drawn map
        (26986, 232_000, 902_000),
    ],
)
def test_numbers_that_fit_are_left_alone(epsg: int, x: float, y: float) -> None:
    require_fitting_numbers(CRS.from_epsg(epsg), numbers(x, y))


@pytest.mark.parametrize(
    ("epsg", "code"), [(None, "crs_missing"), (4490, "crs_not_metric"), (2249, "crs_not_metric")]
)
def test_metres_are_required_where_metres_are_meant(epsg: int | None, code: str) -> None:
    with pytest.raises(CrsError) as caught:
        require_metric_crs(gpd.GeoSeries([shapely.Point(0, 0)], crs=epsg))

    assert caught.value.code == code
    assert require_metric_crs(gpd.GeoSeries([shapely.Point(0, 0)], crs=4549)) == CRS.from_epsg(4549)
    assert is_metric(CRS.from_epsg(3857))


@given(lat=st.floats(-80, 80))
def test_a_degree_is_as_long_as_the_ellipsoid_says(lat: float) -> None:
    geod = Geod(ellps="WGS84")

    east_m, north_m = metres_per_unit(CRS.from_epsg(4326), lat)

    assert east_m == pytest.approx(geod.inv(0, lat, 0.001, lat)[2] * 1000, rel=1e-4)
    assert north_m == pytest.approx(geod.inv(0, lat - 0.0005, 0, lat + 0.0005)[2] * 1000, rel=1e-4)
