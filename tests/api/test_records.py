"""Why an edit was made: said after it, kept in the log, and read on the page of the record."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from tests.api.place import draw_community, token_for
from tests.api.planner_page import FIRST, SECOND, Desk


def test_a_reason_is_an_entry_of_its_own_and_needs_an_edit(client, store):
    drawn = draw_community(store, "320924001001", [[10, 20, 30, 20]])
    planner = {**token_for(store, "planner", "planner"), "If-Match": "*"}
    edits = f"/api/v1/versions/{drawn.version_id}/edits"
    moved = {"action": "paint", "moves": [{"unit_ids": ["u02"], "to": "320924001001001"}]}
    seq = client.post(edits, json=moved, headers=planner).json()["seq"]

    said = client.post(f"{edits}/{seq}/note", json={"note": "靠近南门"}, headers=planner)

    assert said.status_code == 201, said.text
    assert (said.json()["action"], said.json()["body"], said.json()["by"]) == (
        "note", {"of": seq, "note": "靠近南门"}, "planner",
    )  # fmt: skip
    assert [entry["action"] for entry in client.get(edits, headers=planner).json()["items"]] == [
        "paint",
        "note",
    ]
    # Of a note, and of what is not there, nothing is said.
    for missing in (said.json()["seq"], 99):
        answer = client.post(f"{edits}/{missing}/note", json={"note": "x"}, headers=planner)
        assert answer.json()["code"] == "edit_not_found"
    for note in ("", "a\nb"):
        assert client.post(f"{edits}/{seq}/note", json={"note": note}, headers=planner).status_code == 422


@pytest.mark.slow
def test_a_reason_typed_after_a_stroke_is_read_in_the_record_with_who_before_and_after(desk: Desk):
    why = desk.page.get_by_label("这样修改的原因")
    assert why.is_hidden()
    desk.paint(FIRST, "u02", "u08")
    why.fill("<b>南门</b>改建后并入")
    why.press("Enter")
    desk.page.wait_for_selector(".why:has-text('已记录')")
    desk.page.keyboard.press("Escape")

    desk.page.locator("summary", has_text="更多").click()
    desk.page.get_by_role("link", name="修改记录").click()
    row = desk.page.locator("tbody tr").first
    cells = row.locator("td").all_inner_texts()
    # By the clock of the service's calendar, eight hours ahead of UTC.
    at = datetime.fromisoformat(str(row.locator("time").get_attribute("datetime")))
    assert cells[1] == at.astimezone(ZoneInfo("Asia/Shanghai")).strftime("%Y-%m-%d %H:%M")
    assert cells[2:4] == ["planner", "涂画"]
    assert cells[4].strip() == f"2个单元（38户）： {SECOND} → {FIRST}"
    assert cells[5].startswith("<b>南门</b>改建后并入")
    assert desk.faults == []
