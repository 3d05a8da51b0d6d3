"""`weige site`, `weige link` and `weige overlay` as people use them: files in, files out, what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from geo.synthetic import write_sample
from tests.api.test_cli import weige


@pytest.fixture(scope="module")
def town(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sites")
    layers = write_sample(folder / "layers")
    given = [part for kind in ("units", "communities", "roads", "water", "barriers", "gates", "compounds")
             for part in (f"--{kind}", layers[kind])]  # fmt: skip
    done = weige("plan", *given, "-o", folder / "plan.gpkg")
    assert done.returncode == 0, done.stderr
    bare = weige("plan", *given[:4], "-o", folder / "bare.gpkg")
    assert bare.returncode == 0, bare.stderr
    stations = pd.read_csv(layers["stations"])
    stations.head(2).to_csv(folder / "stations.csv", index=False)
    stations.iloc[2:].rename(columns={"station_id": "candidate_id"})[
        ["candidate_id", "name", "lon", "lat"]
    ].to_csv(folder / "candidates.csv", index=False)
    units = gpd.read_file(folder / "plan.gpkg", layer="units").to_crs(4326)
    homes = units[units["households"] > 0].groupby("grid_id").head(4)
    spots = homes.geometry.representative_point()
    pd.DataFrame(
        {"member_id": [f"M{n}" for n in range(len(homes))], "lon": spots.x, "lat": spots.y, "户数": 1}
    ).to_csv(folder / "members.csv", index=False)
    grids = gpd.read_file(folder / "plan.gpkg", layer="micro_grids")
    # Two micro-grids make one of the police's.
    pairs = grids.assign(grid_id=grids["community_id"] + "-" + (np.arange(len(grids)) // 2).astype(str))
    pairs.dissolve("grid_id").reset_index()[["grid_id", "geometry"]].to_file(folder / "police.gpkg")
    return folder


def site(folder: Path, *options: object, stations: str | None = "stations.csv"):
    given = [] if stations is None else ["--stations", folder / stations]
    return weige("site", folder / "plan.gpkg", *given, "-o", folder / "sites.gpkg", *options)


def test_new_stations_are_written_with_whom_they_serve_and_what_each_adds(town):
    done = site(town, "--new", 3, "--minutes", 5, "--json", "--map", town / "sites.html")

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    layers = {
        name: gpd.read_file(town / "sites.gpkg", layer=name) for name in ("sites", "units", "unreached")
    }
    tables = {
        name: pyogrio.read_dataframe(town / "sites.gpkg", layer=name)
        for name in ("households", "gains", "run")
    }
    units, sites = layers["units"], layers["sites"]
    assert told["proved"]
    assert tables["run"]["proved"].tolist() == [1]
    assert sites["kind"].tolist() == ["standing"] * 2 + ["new"] * 3
    assert told["places"] == sites["place_id"].tolist()[2:]
    # Reached before and gained is reached now; served and not reached is everyone.
    now = int(units.loc[units["minutes"].notna(), "households"].sum())
    assert told["reached_before"] + sum(told["gains"]) == told["reached"] == now
    assert tables["households"]["households"].sum() == sites["households"].sum() == now
    assert now + layers["unreached"]["households"].sum() == units["households"].sum() == told["households"]
    assert (units["minutes"].fillna(9e9) <= units["minutes_before"].fillna(9e9)).all()
    chosen = tables["gains"][tables["gains"]["chosen"] == 1]
    assert chosen["gained"].tolist() == told["gains"]
    assert (town / "sites.html").stat().st_size > 100_000


def test_the_fewest_stations_reach_all_who_can_be_reached(town):
    done = site(town, "--cover", 5, "--json")

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    # Nobody can walk off the island.
    assert told["unreached"] == {"no_way": 31}
    assert told["reached"] == told["households"] - 31
    assert told["value"] == len(told["places"]) > 0


def test_no_place_serves_more_than_its_capacity(town):
    done = site(town, "--new", 2, "--capacity", 600, "--json")

    assert done.returncode == 0, done.stderr
    sites = gpd.read_file(town / "sites.gpkg", layer="sites")
    assert (sites["households"] <= 600).all()
    told = json.loads(done.stdout)
    assert told["unreached"]["full"] == told["households"] - 31 - sites["households"].sum()


def test_all_figures_are_those_of_the_answer_with_room_for_so_many(town):
    done = site(town, "--new", 3, "--capacity", 100, "--json", "--candidates", town / "candidates.csv")

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    sites, units = (gpd.read_file(town / "sites.gpkg", layer=name) for name in ("sites", "units"))
    goes, gains = (
        pyogrio.read_dataframe(town / "sites.gpkg", layer=name) for name in ("households", "gains")
    )
    # Five places with room for a hundred each, of which two stood.
    assert [told["reached_before"], told["reached"]] == [200, 500]
    assert told["gains"] == gains["gained"].tolist()[1:] == sites["gained"].dropna().tolist() == [100] * 3
    assert gains["share"].tolist() == [round(n * 100 / told["households"], 4) for n in (2, 3, 4, 5)]
    assert gains["mean_minutes"].iloc[-1] == pytest.approx(told["value"] / told["households"], abs=1e-3)
    assert told["households"] - sum(told["unreached"].values()) == 500 == units["served"].sum()
    # The minutes of a unit are those to the place that is named beside them.
    walks = goes.set_index(["unit_id", "place_id"])["minutes"]
    named = units[units["place_id"].notna()]
    pairs = list(zip(named["unit_id"], named["place_id"], strict=True))
    assert named["minutes"].tolist() == walks.loc[pairs].tolist()
    assert units.loc[units["place_id"].isna(), "minutes"].isna().all()
    assert (named["minutes"] >= named["nearest_minutes"]).all()
    assert (named["minutes"] > named["nearest_minutes"]).any()


def test_what_is_told_of_room_for_so_many_says_served(town):
    done = site(town, "--new", 1, "--capacity", 100, "--lang", "en", "--candidates", town / "candidates.csv")

    assert re.search(r"  1\. [^:]+: [0-9,]+ household-minutes saved, [0-9.]+% served in all", done.stdout)
    assert "with room for 100 households at each place" in done.stdout
    assert "reached" not in done.stdout


def test_fewer_candidates_than_places_asked_for_are_said(town):
    (town / "one.csv").write_text("candidate_id,lon,lat\nC1,119.13,34.572\n", encoding="utf-8")

    done = site(town, "--new", 4, "--candidates", town / "one.csv", "--lang", "en")
    zero = site(town, "--new", 1, "--minutes", 60, "--candidates", town / "one.csv", "--lang", "en")

    assert "4 places were asked for, but there is only 1 candidate\n" in done.stdout
    assert "asked for" not in zero.stdout
    assert "no further place would reach anyone else within 60 minutes" in zero.stdout
    assert "0 places" not in zero.stdout


def test_candidates_that_no_way_leads_to_are_called_so(town):
    units = gpd.read_file(town / "plan.gpkg", layer="units").to_crs(4326)
    east = units.total_bounds[2] + 0.03  # nearly 3 km beyond the last house
    (town / "apart.csv").write_text(f"station_id,name,lon,lat\nS1,x,{east},34.572\n", encoding="utf-8")

    done = site(town, "--new", 1, "--lang", "en", stations="apart.csv")

    assert "1 station, " in done.stdout
    assert "no way leads to 1 station (S1)" in done.stdout
    # The doors of the island.
    assert "no way leads to 11 candidates (B" in done.stdout


def test_paths_that_are_none_are_named_as_the_option_is(town):
    for done in (
        site(town, "--new", 1, "--lang", "en", "--paths", town / "members.csv"),
        link(town, "--lang", "en", "--paths", town / "members.csv"),
    ):
        assert done.returncode == 2
        assert "members.csv, layer paths" in done.stderr
        assert "roads" not in done.stderr


def test_candidates_are_the_only_places_where_they_are_given(town):
    done = site(town, "--new", 2, "--minutes", 4, "--candidates", town / "candidates.csv", "--json")

    assert done.returncode == 0, done.stderr
    listed = set(pd.read_csv(town / "candidates.csv")["candidate_id"])
    assert set(json.loads(done.stdout)["places"]) <= listed


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ((), "--new"),
        (("--new", 2, "--cover", 15), "--cover"),
        (("--cover", 15, "--capacity", 9), "--capacity"),
        (("--new", 0), "--new"),
        (("--new", 2, "--minutes", 0), "--minutes"),
        (("--cover", -3), "--cover"),
        (("--cover", 15, "--minutes", 5), "--minutes does not go with --cover"),
        (("--new", 2, "--speed", 999), "--speed"),
        (("--new", 2, "--candidates", "missing.csv"), "missing.csv"),
        (("--new", 2, "--map", "sites.pdf"), "sites.pdf"),
    ],
)
def test_a_question_that_has_no_answer_is_refused_in_one_line(town, options, named):
    (town / "sites.gpkg").unlink(missing_ok=True)

    done = site(town, *options, "--lang", "en")

    assert done.returncode == 2
    assert named in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (town / "sites.gpkg").exists()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("candidate_id,lon,lat\n", "no features"),
        ("candidate_id,lon,lat\nC1,119.1,34.6\nC1,119.2,34.6\n", "C1"),
        ("candidate_id,lon,lat\nC1,119.1,x\n", "feature C1"),
        ("candidate_id\nC1\n", "lon"),
    ],
)
def test_candidates_that_cannot_be_used_are_refused_by_file_and_row(town, text, named):
    (town / "bad.csv").write_text(text, encoding="utf-8")
    (town / "sites.gpkg").unlink(missing_ok=True)

    done = site(town, "--new", 1, "--candidates", town / "bad.csv", "--lang", "en")

    assert done.returncode == 2
    assert "bad.csv" in done.stderr
    assert named in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (town / "sites.gpkg").exists()


def test_candidates_with_names_are_told_by_name_and_with_the_id_where_two_share_one(town):
    register = pd.read_csv(town / "candidates.csv").rename(columns={"candidate_id": "编号"})
    register.loc[:1, "name"] = "同名驿站"
    register.loc[2, "name"] = None
    register.to_csv(town / "named.csv", index=False)

    done = site(
        town, "--new", 9, "--nearest", "--candidates", town / "named.csv", "--lang", "en",
        "--map", town / "named.html",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "no column with ids" not in done.stderr
    gains = pyogrio.read_dataframe(town / "sites.gpkg", layer="gains")
    names = register.set_index("编号")["name"]
    expected = {
        place: place if pd.isna(name) else f"同名驿站 ({place})" if name == "同名驿站" else name
        for place, name in names.items()
    }
    chosen = gains.loc[gains["chosen"] == 1, "place_id"]
    told = [line for line in done.stdout.splitlines() if " saved, " in line]
    said = [line.split(". ", 1)[1].rsplit(": ", 1)[0] for line in told]
    assert said == [expected[place] for place in chosen]
    page = (town / "named.html").read_text(encoding="utf-8")
    assert all(f'"name":"{expected[place]}","gained"' in page for place in chosen)


def test_a_register_of_stations_may_be_taken_for_candidates(town):
    register = pd.read_csv(town / "candidates.csv").rename(columns={"candidate_id": "station_id"})
    register.to_csv(town / "register.csv", index=False)

    done = site(town, "--new", 2, "--candidates", town / "register.csv", "--lang", "en", "--json")

    assert done.returncode == 0, done.stderr
    assert "no column with ids" not in done.stderr
    assert set(json.loads(done.stdout)["places"]) <= set(register["station_id"])


def test_candidates_and_stations_without_ids_are_not_taken_for_each_other(town):
    for name in ("stations", "candidates"):
        pd.read_csv(town / f"{name}.csv")[["name", "lon", "lat"]].to_csv(
            town / f"bare_{name}.csv", index=False
        )

    options = "--new", 2, "--minutes", 4, "--candidates", town / "bare_candidates.csv"
    done = site(town, *options, stations="bare_stations.csv")

    assert done.returncode == 0, done.stderr
    ids = gpd.read_file(town / "sites.gpkg", layer="sites")["place_id"]
    assert ids.is_unique
    assert ids.str.startswith("C").sum() == 2


def test_a_candidate_with_the_id_of_a_station_is_refused(town):
    twins = pd.read_csv(town / "candidates.csv")
    twins.loc[0, "candidate_id"] = pd.read_csv(town / "stations.csv")["station_id"].iloc[0]
    twins.to_csv(town / "twins.csv", index=False)

    done = site(town, "--new", 2, "--candidates", town / "twins.csv", "--lang", "en")

    assert done.returncode == 2
    assert "twins.csv, layer candidates, field candidate_id" in done.stderr
    assert "is the id of a station too" in done.stderr


@pytest.mark.parametrize(
    ("command", "kind"),
    [("reach", "stations"), ("site", "stations"), ("site", "candidates"), ("link", "members")],
)
def test_points_of_another_city_are_refused(town, tmp_path, command, kind):
    # Two places, on either side of the town and both far from it.
    far = tmp_path / "far.csv"
    named = "note" if kind == "members" else "name"
    far.write_text(f"{named},lon,lat\na,118.5,34.57\nb,119.75,34.57\n", encoding="utf-8")
    given = ["--stations", town / "stations.csv"] if kind == "candidates" else []
    asked = ["--new", 1] if command == "site" else []

    done = weige(
        command, town / "plan.gpkg", *given, f"--{kind}", far, *asked, "-o", tmp_path / "o.gpkg",
        "--lang", "en",
    )  # fmt: skip

    assert done.returncode == 2
    assert f"far.csv, layer {kind}: it lies 5" in done.stderr
    assert "km from the units; check its CRS, or whether it is the right file" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "o.gpkg").exists()


def link(folder: Path, *options: object, members: str = "members.csv"):
    return weige(
        "link", folder / "plan.gpkg", "--members", folder / members, "-o", folder / "links.gpkg", *options
    )


def test_every_unit_is_linked_within_the_bounds_or_a_finding_says_why(town):
    done = link(town, "--json", "--map", town / "links.html")

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    links = gpd.read_file(town / "links.gpkg", layer="links")
    members = gpd.read_file(town / "links.gpkg", layer="members")
    findings = gpd.read_file(town / "links.gpkg", layer="findings")
    units = gpd.read_file(town / "plan.gpkg", layer="units")
    lived_in = units[units["households"] > 0].set_index("unit_id")
    assert links.groupby("unit_id")["households"].sum().to_dict() == lived_in["households"].to_dict()
    assert told["linked"] == told["households"] == units["households"].sum()
    # Nobody is linked across the edge of a micro-grid.
    assert (links["grid_id"].to_numpy() == lived_in.loc[links["unit_id"], "grid_id"].to_numpy()).all()
    fits = members["linked"].between(10 * members["links"], 30 * members["links"])
    assert (members.loc[fits & (members["links"] > 0), "status"] == "ok").all()
    broken = members.loc[~fits, "grid_id"]
    assert set(broken) <= set(findings["grid_id"])
    assert members["contiguous"].all() or "link_in_pieces" in set(findings["code"])
    grids = pyogrio.read_dataframe(town / "links.gpkg", layer="micro_grids").set_index("grid_id")
    walked = (links["households"] * links["metres"]).groupby(links["grid_id"]).sum()
    # Metres are rounded to a tenth in each link.
    assert (walked - grids.loc[walked.index, "metres"]).abs().max() <= 0.05 * told["households"]
    assert told["proved"] == grids["proved"].all()
    assert (grids["bound"] <= grids["metres"]).all()


@pytest.mark.parametrize("options", [("--nearest",), ("--capacity", 400)])
def test_places_with_the_shortest_walks_are_told_by_household_minutes_as_their_map_does(town, options):
    told = site(town, "--new", 2, *options, "--json")
    said = site(town, "--new", 2, *options, "--lang", "en")

    assert told.returncode == said.returncode == 0, told.stderr + said.stderr
    gains = pyogrio.read_dataframe(town / "sites.gpkg", layer="gains")
    saved = json.loads(told.stdout)["saved"]
    assert saved[:2] == gains["saved"].iloc[1:3].round().astype(int).tolist()
    for n, count in enumerate(saved[:2], 1):
        assert re.search(rf"  {n}\. [^:]+: {count:,} household-minutes? saved", said.stdout)


def test_names_of_persons_as_ids_of_places_are_refused_unless_they_are_said_to_be_places(town):
    members = pd.read_csv(town / "members.csv")
    members["member_id"] = [f"王{chr(0x6700 + row)}" for row in range(len(members))]
    members.to_csv(town / "named.csv", index=False)

    refused = link(town, "--lang", "en", members="named.csv")
    taken = link(town, "--ids-are-places", members="named.csv")

    assert refused.returncode == 2
    assert len(refused.stderr.strip().splitlines()) == 1
    assert "--ids-are-places" in refused.stderr
    assert "王" not in refused.stderr
    assert taken.returncode == 0, taken.stderr


def test_places_of_a_grid_that_link_too_many_are_one_finding_that_says_what_is_missing_once(town):
    members = pd.read_csv(town / "members.csv")
    members.groupby(members.index // 4).head(2).to_csv(town / "few.csv", index=False)

    done = link(town, "--max", 12, "--lang", "en", members="few.csv")

    assert done.returncode == 0, done.stderr
    findings = gpd.read_file(town / "links.gpkg", layer="findings")
    large = findings[findings["code"] == "link_too_large"]
    assert len(large)
    assert large["grid_id"].is_unique
    values = max((json.loads(each) for each in large["values"]), key=lambda each: each["places"])
    places = gpd.read_file(town / "links.gpkg", layer="members").set_index("member_id")
    named = places.loc[values["member"].split(", ")]
    assert values["places"] == len(named) > 1
    assert named["linked"].sum() == values["households"]
    assert (named["linked"] > 12).all()


def test_walks_that_are_not_proved_the_shortest_say_how_much_could_be_saved(town):
    units = gpd.read_file(town / "plan.gpkg", layer="units").to_crs(4326)
    most = units["grid_id"].value_counts().idxmax()
    homes = units[(units["grid_id"] == most) & (units["households"] > 0)].iloc[::2]
    spots = homes.geometry.representative_point()
    pd.DataFrame({"member_id": homes["unit_id"], "lon": spots.x, "lat": spots.y}).to_csv(
        town / "many.csv", index=False
    )

    done = link(town, "--json", members="many.csv")
    said = link(town, "--lang", "en", members="many.csv").stdout

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    findings = gpd.read_file(town / "links.gpkg", layer="findings")
    grids = pyogrio.read_dataframe(town / "links.gpkg", layer="micro_grids").set_index("grid_id")
    links = gpd.read_file(town / "links.gpkg", layer="links")
    assert len(homes) > 15
    assert gpd.read_file(town / "links.gpkg", layer="members")["contiguous"].all()
    assert links["households"].sum() == grids.loc[most, "households"]
    assert not told["proved"]
    assert told["gap"] == pytest.approx(1 - grids.loc[most, "bound"] / grids.loc[most, "metres"], abs=1e-4)
    assert findings.loc[findings["code"] == "links_not_proved", "grid_id"].tolist() == [most]
    assert f"at most {told['gap']:.2%} of the walks could be saved (1 grid not proved)" in said


def test_where_no_way_leads_metres_are_straight_and_said_to_be(town):
    done = link(town, "--lang", "en")

    assert done.returncode == 0, done.stderr
    links = gpd.read_file(town / "links.gpkg", layer="links").to_crs(32650)
    line_m = links.geometry.length
    straight = links["straight"] == 1
    # Nobody can walk off the island, nor along it.
    assert links.loc[straight, "households"].sum() == 31
    np.testing.assert_allclose(links.loc[straight, "metres"], line_m[straight], rtol=2e-3, atol=0.1)
    assert (links.loc[~straight, "metres"] >= line_m[~straight] * 0.998 - 0.1).all()
    grids = pyogrio.read_dataframe(town / "links.gpkg", layer="micro_grids").set_index("grid_id")
    walked = (links["households"] * links["metres"]).groupby(links["grid_id"]).sum()
    np.testing.assert_allclose(grids.loc[walked.index, "metres"], walked, rtol=0.01, atol=5)
    assert (grids["bound"] <= grids["metres"]).all()
    findings = gpd.read_file(town / "links.gpkg", layer="findings")
    assert (findings["code"] == "links_straight").sum() == 1
    assert done.stderr.count("straight line. No way on foot of at most 1,500 m leads there.") == 1


def test_without_streets_all_links_are_straight_lines_and_said_to_be(town):
    done = weige(
        "link", town / "bare.gpkg", "--members", town / "members.csv", "-o", town / "bare_links.gpkg",
        "--lang", "en",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    links = gpd.read_file(town / "bare_links.gpkg", layer="links").to_crs(32650)
    assert (links["straight"] == 1).all()
    np.testing.assert_allclose(links["metres"], links.geometry.length, rtol=2e-3, atol=0.1)
    assert "There are no streets; give them with --paths." in done.stderr


def test_a_grid_without_member_households_is_told(town):
    members = pd.read_csv(town / "members.csv").head(4)
    members.to_csv(town / "few.csv", index=False)

    done = link(town, "--json", members="few.csv")

    told = json.loads(done.stdout)
    findings = gpd.read_file(town / "links.gpkg", layer="findings")
    grids = pyogrio.read_dataframe(town / "links.gpkg", layer="micro_grids")
    assert told["unlinked"] == grids["unlinked"].sum() > 0
    assert set(grids.loc[grids["unlinked"] > 0, "grid_id"]) == set(
        findings.loc[findings["code"] == "grid_without_members", "grid_id"]
    )


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("member_id,lon,lat,姓名\nM1,119.2,34.6,张三\n", "姓名"),
        ("member_id,lon,lat,name\nM1,119.2,34.6,张三\n", "field name"),
        ("member_id,lon,lat,phone\nM1,119.2,34.6,13800138000\n", "phone"),
        ("member_id,lon,lat,note\nM1,119.2,34.6,13800138000\n", "field note, feature #2"),
        ("中心户编号,lon,lat,中心户\nM1,119.2,34.6,张三\n", "中心户"),
        ("member_id,lon,lat,contact\nM1,119.2,34.6,张三\n", "contact"),
        ("member_id,lon,lat\nM1,119.2,34.6\n张三 13812345678,119.2,34.6\n", "field member_id, feature #3"),
        ("member_id,lon,lat,note\nM1,119.2,34.6,张三0518-85412345\n", "field note, feature #2"),
        (
            "member_id,lon,lat,note\n" + "M,119,34,ok\n" * 9 + "M2,119.2,34.6,11010519491231002X号\n",
            "#11",
        ),
        ("member_id,lon,lat,户数\nM1,119.2,34.6,-2\n", "户数"),
        ("member_id,lon,lat,户数\nM1,119.2,34.6,two\n", "feature M1"),
    ],
)
def test_members_that_name_persons_or_count_wrongly_are_refused(town, text, named):
    (town / "bad.csv").write_text(text, encoding="utf-8")
    (town / "links.gpkg").unlink(missing_ok=True)

    done = link(town, "--lang", "en", members="bad.csv")

    assert done.returncode == 2
    assert "bad.csv" in done.stderr
    assert named in done.stderr
    assert not re.search("张三|13812345678|85412345|1949", done.stderr + done.stdout)
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (town / "links.gpkg").exists()


def test_places_that_do_not_say_how_many_member_households_they_are_count_one_each(town):
    told = []
    for count in ("", ",户数"):
        rows = [f"M{n},{lon},34.572{',1' if count else ''}" for n, lon in enumerate(("119.13", "119.131"))]
        (town / "places.csv").write_text("\n".join([f"member_id,lon,lat{count}", *rows]), encoding="utf-8")
        done = link(town, "--json", members="places.csv")
        assert done.returncode == 0, done.stderr
        told.append(json.loads(done.stdout))

    assert told[0] == told[1]
    assert told[0]["members"] == 2


def test_bounds_that_are_none_are_refused(town):
    done = link(town, "--min", 30, "--max", 10)

    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1


def overlay(folder: Path, *arguments: object):
    return weige("overlay", *arguments, "-o", folder / "merged.gpkg")


def test_departments_are_laid_over_each_other_and_the_result_is_a_plan(town):
    done = overlay(town, town / "plan.gpkg", town / "police.gpkg", "--json", "--map", town / "merged.html")

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    grids = gpd.read_file(town / "merged.gpkg", layer="micro_grids")
    table = pyogrio.read_dataframe(town / "merged.gpkg", layer="old_to_new")
    assert set(table["department"]) == {"plan", "police"}
    assert table.groupby("department")["households"].sum().tolist() == [grids["households"].sum()] * 2
    # A layer that joins grids of the other crosses none of them.
    assert told["conflicts"] == 0
    assert "conflicts" not in set(pyogrio.list_layers(town / "merged.gpkg")[:, 0])
    assert {row["department"]: row["followed"] for row in told["departments"]}["police"] > 0.9
    check = weige("check", town / "merged.gpkg", "--json")
    assert check.returncode == 0, check.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("plan.gpkg",), "two or more"),
        (("plan.gpkg", "missing.gpkg"), "missing.gpkg"),
        (("police.gpkg", "police.gpkg", "--units", "plan.gpkg:units"), "--communities"),
        (("plan.gpkg", "plan.gpkg"), "plan"),
        (("plan.gpkg", "far.gpkg"), "weige: far.gpkg, layer grids: "),
        (("plan.gpkg", "police.gpkg", "--border-weight", -1), "--border-weight"),
        (("plan.gpkg", "police.gpkg", "--min", 90, "--max", 10), "90"),
    ],
)
def test_what_cannot_be_laid_over_each_other_is_refused_in_one_line(town, arguments, named):
    far = gpd.GeoDataFrame({"grid_id": ["x"]}, geometry=[shapely.box(119.5, 34.9, 119.501, 34.901)], crs=4326)
    far.to_file(town / "far.gpkg")
    (town / "merged.gpkg").unlink(missing_ok=True)
    given = [town / each if str(each).split(":")[0].endswith(".gpkg") else each for each in arguments]

    done = overlay(town, *given, "--lang", "en")

    assert done.returncode == 2, done.stderr
    assert named in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (town / "merged.gpkg").exists()
