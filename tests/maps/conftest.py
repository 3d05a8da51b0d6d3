"""Fixtures of the tests that open pages."""

from tests.maps.chromium import browser, open_page

__all__ = ["browser", "open_page"]
