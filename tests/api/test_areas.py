"""The divisions that pages list: names, or level and code."""

from __future__ import annotations

import pytest

from api.areas import area_name
from maps.text import LANGUAGES, words


@pytest.mark.parametrize(
    ("name", "level", "language", "shown"),
    [
        ("连云港市", "city", "zh_CN", "连云港市"),
        (None, "city", "zh_CN", "城市 3207"),
        (None, "city", "en", "City 3207"),
        ("3207", "city", "en", "City 3207"),
        (None, "all", "zh_CN", "全部"),
    ],
)
def test_a_division_without_a_name_is_told_by_its_level_and_code(name, level, language, shown):
    assert area_name(name, level, "3207", language) == shown


def test_every_level_has_its_words():
    levels = {"all", "province", "city", "county", "street", "community"}
    for language in LANGUAGES:
        assert {
            key.removeprefix("division.") for key in words(language) if key.startswith("division.")
        } == levels
