from __future__ import annotations

import re

import numpy as np
import pytest
import shapely

from geo.balancer import ORDER, review
from geo.drawn_grids import grids_from_polygons
from geo.findings import Finding
from geo.partition import Band
from geo.remedies import Remedy
from maps.findings import (
    findings_frame,
    joined,
    reason_text,
    remedies_frame,
    remedy_sentence,
    sentence,
)
from maps.text import LANGUAGES, words
from tests.builders import draw_adjacency

HAN = re.compile("[\u4e00-\u9fff]")


def too_large(**values: object) -> Finding:
    known = {"households": 1_340, "units": 9, "lower": 50, "upper": 100}
    return Finding("too_large", "error", "c", "320585001001007", values={**known, **values})


def test_a_sentence_says_the_fault_in_both_languages():
    assert sentence(too_large(), "en") == "Grid 320585001001007 has 1,340 households, more than 100."
    assert sentence(too_large(), "zh_CN") == "网格320585001001007共1340户，超过上限100户。"


def test_a_sentence_goes_on_with_the_reason_and_the_remedy():
    remedy = Remedy("none", ("g",), reason="unit_too_large")
    finding = too_large(
        reason="unit_too_large", reason_unit_id="12-1", reason_households=132, **remedy.values()
    )

    assert "Unit 12-1 alone has 132 households." in sentence(finding, "en")
    assert "仅单元12-1就有132户。" in sentence(finding, "zh_CN")
    assert sentence(finding, "en").endswith("record it as an exception.")


def grid_count(code: str, **values: object) -> Finding:
    known = {"households": 1_257, "grids": 16, "lower": 50, "upper": 100}
    return Finding(code, "info", "c", values={**known, **values})


def test_the_number_of_grids_is_told_with_the_unit_that_must_stand_alone():
    finding = grid_count(
        "grid_count_legal", least=13, most=23, too_large_unit_ids=["27-2"], too_large_households=131,
        other_households=1_126, least_in_band=12, most_in_band=22,
    )  # fmt: skip

    assert sentence(finding, "en") == (
        "Community c has 1,257 households: unit 27-2 alone has 131, more than 100, and must be a grid of its "
        "own; the other 1,126 allow 12 to 22 grids of 50 to 100; 13 to 23 in all; it has 16."
    )
    assert sentence(finding, "zh_CN") == (
        "社区c共1257户：单元27-2有131户，超过上限100户，只能单独成格；其余1126户可设12—22个50—100户的网格；"
        "合计可设13—23个；现有16个。"
    )


def test_the_number_of_grids_is_told_with_the_households_in_special_grids_apart():
    finding = grid_count(
        "grid_count_legal", households=260, grids=1, least=1, most=1, special_households=180,
        special_grids=1, other_households=80, least_in_band=1, most_in_band=1,
    )  # fmt: skip

    assert sentence(finding, "en") == (
        "Community c has 260 households: 180 in special grids; the other 80 allow 1 grid of 50 to 100; "
        "it has 1 besides the special ones."
    )
    assert sentence(finding, "zh_CN") == (
        "社区c共260户：专属网格内180户；其余80户可设1个50—100户的网格；除专属网格外现有1个。"
    )


def test_what_units_too_large_leave_is_told_where_no_number_of_grids_is_legal():
    finding = grid_count(
        "no_legal_count", households=282, grids=2, too_large_unit_ids=["A", "B"], too_large_households=262,
        other_households=20,
    )  # fmt: skip

    assert sentence(finding, "en").endswith(
        ": 2 units alone exceed 100 (A and B; 262 in all) and must each be a grid of their own; "
        "for the other 20 no number of grids gives each 50 to 100; it has 2."
    )
    assert "其余20户无论设几个网格，都不能使每个网格达到50—100户；现有2个。" in sentence(finding, "zh_CN")


def test_one_grid_is_not_told_as_several():
    assert "which allow 1 grid; it has 3." in sentence(
        grid_count("grid_count_not_legal", households=70, grids=3, least=1, most=1), "en"
    )


def test_an_island_is_told_with_its_side_and_the_missing_bridge():
    finding = too_large(
        reason="pocket_too_small", reason_households=31, reason_cut_by="water", reason_side="south"
    )

    assert "The island in the south of the community has 31 households and no bridge." in sentence(
        finding, "en"
    )
    assert "社区南部有一片区域被水系隔开、没有桥梁相通，总共只有31户。" in sentence(finding, "zh_CN")


@pytest.mark.parametrize(
    ("remedy", "english", "chinese"),
    [
        (
            Remedy("split", ("x",), ("A", "B"), (0, 1), (130,), (70, 60), 60, True),
            "Split it into 2 grids of 70 and 60 households.",
            "建议拆分为2个网格，户数分别为70、60。",
        ),
        (
            Remedy("merge", ("x", "y"), ("A",), (), (30, 50), (80,), 30, True),
            "Merge it with grid y: 80 households.",
            "建议与网格y合并，合并后共80户。",
        ),
        (
            Remedy("move", ("x", "y"), ("A", "B"), (), (110, 50), (90, 70), 20, False),
            "Move A and B (20 households) from grid x to grid y; the two then have 90 and 70 households. "
            "This helps, but does not settle it.",
            "建议将单元A、B（共20户）由网格x划入网格y，调整后两个网格分别为90、70户。此举可以改善，但不能完全解决。",
        ),
        (
            Remedy("move", ("y",), ("A",), (), (50,), (70,), 20, True),
            "Add them to grid y, which then has 70 households.",
            "建议划入网格y，划入后该网格共70户。",
        ),
        (
            Remedy("new", (), ("A",), (0,), (), (70,), 70, True),
            "Make them a grid of 70 households.",
            "建议单独设立一个网格，共70户。",
        ),
        (
            Remedy("new", (), ("A", "B"), (0, 1), (), (70, 60), 130, True),
            "Make them 2 grids of 70 and 60 households.",
            "建议新设2个网格，户数分别为70、60。",
        ),
    ],
    ids=["split", "merge", "move", "move in", "new", "new, several"],
)
def test_a_remedy_is_said_with_its_effect(remedy, english, chinese):
    assert remedy_sentence(remedy, "en") == english
    assert remedy_sentence(remedy, "zh_CN") == chinese
    assert Remedy.from_values(remedy.values()) == remedy


def test_a_long_list_names_the_first_five_and_counts_the_rest():
    names = [f"u{number}" for number in range(17)]

    assert joined(names, "en") == "u0, u1, u2, u3, u4 and 12 more"
    assert joined(names, "zh_CN") == "u0、u1、u2、u3、u4等17个"
    assert joined(names[:3], "en") == "u0, u1 and u2"
    assert joined(names[:1], "en") == "u0"
    assert joined([], "en") == ""


def test_what_people_typed_stays_text_on_one_line():
    finding = Finding("grid_without_units", "warning", grid_id="</script>{{ 1 }}{x}\r\n\x1b[31m\u202eevil")

    said = sentence(finding, "en")
    assert "</script>{{ 1 }}{x}" in said
    assert not set(said) & set("\r\n\x1b\u202e")


def test_every_finding_and_remedy_of_a_review_has_a_sentence_in_each_language():
    adjacency = draw_adjacency("A B C D E F G H")
    found = review(
        adjacency,
        np.array([132, 60, 60, 10, 0, 70, 20, 5]),
        np.array(["c1"] * 5 + ["c2"] * 2 + ["c3"], dtype=object),
        np.array(["w", "x", "x", None, "y", "y", "w", "z"], dtype=object),
        band=Band(50, 100),
        empty={"v": "c1"},
    )
    frame = findings_frame(found.findings)

    assert len(frame) >= 8
    assert all(HAN.search(said) and said.endswith("。") for said in frame["text_zh"])
    assert all(not HAN.search(said) and said.endswith(".") for said in frame["text_en"])
    assert list(findings_frame(found.findings, "en")["text"]) == list(frame["text_en"])


def test_what_is_wrong_with_a_drawing_has_a_sentence_in_each_language():
    drawn = grids_from_polygons(
        np.array([shapely.Point(95, 50), shapely.Point(200, 50)], dtype=object),
        np.array(["u1", "u2"], dtype=object),
        np.array(
            [shapely.box(0, 0, 100, 100), shapely.box(90, 0, 200, 100), shapely.box(200, 0, 300, 100)],
            dtype=object,
        ),
        np.array(["a", "b", "c"], dtype=object),
        communities=np.array([shapely.box(0, 0, 300, 120)], dtype=object),
        community_ids=np.array(["320585001001"], dtype=object),
    )
    said = {finding.code: sentence(finding, "en") for finding in drawn.findings}

    assert said == {
        "unit_in_two_grids": "Units in grids a and b at once: u1; counted in a, which holds most of them. "
        "Redraw the border.",
        "unit_on_grid_border": "Units exactly on the border of grids b and c: u2; counted in b. "
        "Redraw the border.",
        "grids_overlap": "Grids a and b overlap on 1,000.0 m². Redraw the border.",
        "grids_gap": "Community 320585001001: gaps between the grids: 1, 6,000.0 m² in all, the largest "
        "6,000.0 m². Redraw the border.",
    }
    assert all(HAN.search(sentence(finding, "zh_CN")) for finding in drawn.findings)


def test_a_merge_names_the_other_grid_whichever_it_is_read_beside():
    merge = Remedy("merge", ("a", "b"), before=(30, 40), after=(70,), solves=True)

    assert remedy_sentence(merge, "en", of="a") == "Merge it with grid b: 70 households."
    assert remedy_sentence(merge, "en", of="b") == "Merge it with grid a: 70 households."


def test_a_remedy_that_comes_after_another_names_the_grid_in_question():
    after = Remedy("none", ("z", "y"), reason="after_others")

    assert remedy_sentence(after, "zh_CN", of="z") == "网格y已列入另一项建议，请先落实该项，再重新检查。"


def test_a_remedy_is_listed_once_with_who_goes_where():
    merge = Remedy(
        "merge", ("a", "b"), ("u1", "u2"), before=(30, 40), after=(70,), moved_households=30, solves=True
    )
    move = Remedy("move", ("d", "c"), ("u7",), before=(90, 45), after=(80, 55), moved_households=10)
    new = Remedy("new", (), ("u8", "u9"), (1, 0), after=(60, 55), moved_households=115, solves=True)
    known = {"households": 30, "units": 2, "lower": 50, "upper": 100}
    found = [
        Finding("too_small", "error", "k", "a", values={**known, **merge.values()}),
        Finding("too_small", "error", "k", "b", values={**known, **merge.values()}),
        Finding("too_small", "error", "k", "c", values={**known, **move.values()}),
        Finding("households_left_out", "error", "k", values={**known, **new.values()}),
        Finding("too_large", "error", "k", "e", values={**known, **Remedy("none", ("e",)).values()}),
    ]

    frame = remedies_frame(found)

    assert frame[["step", "remedy", "from_grid", "into_grid", "new_grid"]].values.tolist() == [
        [1, "merge", "a", "b", None],
        [2, "move", "d", "c", None],
        [3, "new", None, None, 1],
        [3, "new", None, None, 2],
    ]
    assert findings_frame(found)["step"].tolist() == [1, 1, 2, 3, None]
    assert frame["unit_ids"].tolist() == [["u1", "u2"], ["u7"], ["u9"], ["u8"]]
    assert frame["households"].tolist() == [30, 10, 60, 55]
    assert frame["households_after"].tolist() == [70, 55, 60, 55]
    assert frame["households_left"].tolist() == [0, 80, None, None]
    assert frame["effect"].tolist() == ["solves", "helps", "solves", "solves"]


def test_every_finding_of_a_review_has_a_short_name_for_the_workbook():
    known = {key.removeprefix("workbook.code.") for key in words("en") if key.startswith("workbook.code.")}

    assert set(ORDER) <= known


def test_both_languages_have_the_same_findings_remedies_and_headings():
    keys = [
        {key for key in words(language) if key.split(".")[0] in ("finding", "remedy", "workbook")}
        for language in LANGUAGES
    ]

    assert keys[0] == keys[1]


def test_a_reason_code_has_a_few_words_and_an_unknown_one_stays():
    assert reason_text("not_contiguous", "zh_CN") == "不连片"
    assert reason_text("whatever", "en") == "whatever"


def test_what_the_geometry_library_says_of_a_polygon_is_said_in_chinese():
    values = {"file": "a.shp", "feature": "#1", "fault": "Self-intersection", "area_change_m2": 1.0}

    assert "无效（自相交）" in sentence(Finding("geometry_made_valid", "warning", values=values), "zh_CN")
    assert "Self-intersection" in sentence(Finding("geometry_made_valid", "warning", values=values), "en")
