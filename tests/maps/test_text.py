"""The words of both languages."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from maps.text import LANGUAGES, text, words

HALF_WIDTH = re.compile(r"[\u3400-\u9fff\uff08-\uff5d][,;:!?]|[,;:!?][\u3400-\u9fff]")


def holes(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def test_both_languages_say_the_same_things():
    chinese, english = (words(language) for language in LANGUAGES)

    assert chinese.keys() == english.keys()


@pytest.mark.parametrize(
    ("key", "values", "said"),
    [
        ("cli.stations.would", {"added": 1, "changed": 0, "unchanged": 0}, "would add 1 station,"),
        ("finding.features_without_geometry", {"file": "f", "n": 1, "first": "a"}, "1 feature without"),
        ("cli.units_outside", {"n": 1}, "1 unit lies outside every community and was"),
        ("error.id_repeated", {"n": 1}, "1 row shares its id"),
    ],
)  # fmt: skip
def test_one_of_a_thing_is_singular_in_english(key, values, said):
    assert said in text(key, "en", **values)


@pytest.mark.parametrize("section", ["cli", "clock", "error", "finding", "remedy", "workbook"])
def test_chinese_has_no_half_width_punctuation(section):
    said = {
        key: re.sub(r"\{[^}]*\}|\w+://[^。]*", "字", sentence).replace("EPSG:", "")
        for key, sentence in words("zh_CN").items()
        if key.startswith(f"{section}.")
    }
    assert said
    assert {key: sentence for key, sentence in said.items() if HALF_WIDTH.search(sentence)} == {}


def test_the_sentences_of_errors_name_the_same_values_in_both_languages():
    chinese, english = (words(language) for language in LANGUAGES)
    usual = {key for key in chinese if key.startswith(("cli.usage.", "cli.grid_counts."))}

    assert usual
    assert [key for key in sorted(usual) if holes(chinese[key]) != holes(english[key])] == []


@pytest.mark.parametrize(
    ("key", "values", "one", "many"),
    [
        ("cli.reach.within", {"minutes": "5", "share": 0.1}, "1 household (", "2 households ("),
        ("cli.site.gain", {"n": 1, "place": "P", "share": 0.1, "mean": 2},
         "+1 household,", "+2 households,"),
        ("cli.site.unreached", {"why": "-"}, "1 household (", "2 households ("),
        ("cli.overlay.conflict", {"a": "a", "b": "b", "grid_a": "1", "grid_b": "2", "moved": 3},
         "1 household in both", "2 households in both"),
    ],
)  # fmt: skip
def test_english_lines_of_walks_and_grids_say_one_household(key, values, one, many):
    for count, said in ((1, one), (2, many)):
        assert said in text(key, "en", households=count, gained=count, **values)


def test_a_number_chooses_the_word_that_goes_with_it():
    values = {"community": "A", "least": 1, "grids": 3}

    assert "allow 1 grid; it has 3" in text("cli.grid_counts.one", "en", households=60, **values)
    assert "allow 2 grids; it has 3" in text(
        "cli.grid_counts.one", "en", households=200, **{**values, "least": 2}
    )


@pytest.mark.parametrize(
    ("minutes", "word"), [(1, "minute"), ("1", "minute"), (5, "minutes"), ("1.5", "minutes")]
)
def test_a_number_that_is_written_already_has_its_word_too(minutes, word):
    said = text("cli.reach.within", "en", minutes=minutes, households=3, share=0.5)
    assert said == f"within {minutes} {word}: 3 households (50.0%)"
