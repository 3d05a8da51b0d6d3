"""Make the README's picture: the demo's map in headless Chromium.

weige demo -o weige-demo && python docs/make_picture.py weige-demo/map.html docs/sample-town.png
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright


def main(page_file: str, picture: str) -> None:
    """Open the page with the network off and save what a reader sees."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(viewport={"width": 1400, "height": 860})
        context.set_offline(True)
        page = context.new_page()
        page.goto(Path(page_file).resolve().as_uri())
        page.wait_for_timeout(2000)
        page.screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
