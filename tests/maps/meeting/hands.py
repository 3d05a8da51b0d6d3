"""The file for a meeting worked as people at it do, and what they read there."""

from __future__ import annotations

import re

from tests.maps.chromium import Opened


def act(opened: Opened, name: str) -> None:
    opened.page.click(f"[data-act={name}]")


def drawn_cases(opened: Opened) -> int:
    return int(re.search(r"([\d,]+)件$", opened.page.inner_text(".span-said"))[1].replace(",", ""))


def put_notes(opened: Opened, *texts: str) -> None:
    if not opened.page.is_visible(".agenda"):
        act(opened, "agenda")
    for said in texts:
        opened.page.click("text=便签贴在图中央")
        opened.page.keyboard.type(said)
