"""Floor bands and the tomorrow test on the command line, as people type them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from geo.synthetic import write_sample
from tests.api.test_commands import weige


@pytest.mark.slow
def test_a_plan_of_divided_towers_is_checked_as_it_stands_and_against_tomorrow(tmp_path: Path):
    written = write_sample(tmp_path / "layers")
    floors, changes, plan_file = (tmp_path / name for name in ("floors.csv", "changes.csv", "plan.gpkg"))
    floors.write_text("单元编号,起始楼层,终止楼层,户数\nB144-1,1,16,64\nB144-1,17,33,68\n", encoding="utf-8")
    changes.write_text("date,unit_id,households\n2027-06-30,B144-1/F1-16,\n2027-03-01,B144-1/F1-16,-40\n")
    kinds = ("units", "communities", "roads", "water", "compounds")
    layers = [word for kind in kinds for word in (f"--{kind}", str(written[kind]))]
    planning = ("plan", *layers, "--floors", str(floors), "-o", str(plan_file), "--quiet")
    planned = weige(*planning, "--json")
    checking = ("check", str(plan_file), "--tomorrow", str(changes), "--quiet")
    checked, told = weige(*checking, "--json"), weige(*checking, "--lang", "zh_CN")
    floors.write_text("unit_id,from,to,households\nB144-1,1,16,64\nB144-1,18,33,68\n")
    refused, bare = weige(*planning, "--lang", "zh_CN"), weige("check", "--lang", "zh_CN")

    assert (planned.returncode, checked.returncode) == (0, 0)
    plan, check = json.loads(planned.stdout), json.loads(checked.stdout)
    counted = ("micro_grids", "households", "ok", "too_small", "too_large")
    assert [check[name] for name in counted] == [plan[name] for name in counted]
    spring, summer = check["tomorrow"]["steps"]
    assert (spring["date"], spring["before"] - spring["after"]) == ("2027-03-01", 40)
    assert (summer["date"], summer["before"] - summer["after"]) == ("2027-06-30", 24)
    assert "2027-03-01" in told.stdout
    assert "户数不足" in told.stdout
    said = "weige: 文件 floors.csv，字段 unit_id，要素 B144-1：第17层不属于任何一段；请使各段首尾相接"
    assert (refused.returncode, refused.stderr.strip()) == (2, said)
    assert (bare.returncode, bare.stderr.count("\n")) == (2, 1)
