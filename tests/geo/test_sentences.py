"""Every fault and finding of `geo` that a person may meet has its sentence in both languages."""

import ast
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest

from geo.partition.partition import ProofCode
from maps.text import words

GEO = Path(__file__).parents[2] / "geo"
PLACES = {"file", "layer", "field", "feature"}
ERRORS = {"InputError", "CrsError", "CoverageError"}
# Methods that pass their code on to an error; _fault adds nothing to the values given.
THROUGH = {"error", "_fault"}


def calls() -> list[tuple[str, str, set[str]]]:
    """(section, code, names of values) of every error and finding made with a literal code."""
    found = []
    for path in sorted(GEO.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            at = 1 if name == "_fault" else 0
            literals = [arg.value if isinstance(arg, ast.Constant) else None for arg in node.args]
            first = literals[at] if len(literals) > at else None
            if not isinstance(first, str):
                continue
            if name in ERRORS | THROUGH:
                values = {keyword.arg for keyword in node.keywords if keyword.arg} - {"mend"}
                found.append(("error", first, values | PLACES))
            elif name == "Finding":
                given = [keyword.value for keyword in node.keywords if keyword.arg == "values"]
                if given and not isinstance(given[0], ast.Dict):
                    continue
                keys = {key.value for value in given for key in value.keys if isinstance(key, ast.Constant)}  # type: ignore[attr-defined]
                found.append(("finding", first, keys | {"unit_ids", "grid_id", "community_id"}))
    return found


def test_there_are_faults_and_findings_to_look_at() -> None:
    assert len({code for _, code, _ in calls()}) > 80


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_every_code_has_a_sentence_in_each_language(language: str) -> None:
    texts = words(language)  # type: ignore[arg-type]

    assert {f"{section}.{code}" for section, code, _ in calls()} - texts.keys() == set()


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_every_sentence_of_an_error_names_only_values_it_is_given(language: str) -> None:
    texts = words(language)  # type: ignore[arg-type]
    unfilled = {
        (code, name)
        for section, code, values in calls()
        if section == "error"
        for _, name, _, _ in Formatter().parse(texts[f"error.{code}"])
        if name is not None and name not in values
    }

    assert unfilled == set()


@pytest.mark.parametrize("language", ["zh_CN", "en"])
@pytest.mark.parametrize("code", get_args(ProofCode))
def test_every_proof_says_why_in_a_word_and_what_to_do(code: str, language: str) -> None:
    texts = words(language)  # type: ignore[arg-type]
    cut_by = ("_water", "_barrier", "_water_and_barrier", "_apart") if code == "pocket_too_small" else ("",)

    assert {f"finding.because.{code}{by}" for by in cut_by} <= texts.keys()
    assert {f"finding.reason.{code}", f"remedy.none.{code}"} <= texts.keys()


def test_both_languages_name_the_same_values() -> None:
    chinese, english = words("zh_CN"), words("en")
    for section, code, _ in calls():
        key = f"{section}.{code}"
        names = [
            {name for _, name, _, _ in Formatter().parse(texts[key]) if name} for texts in (chinese, english)
        ]
        assert names[0] == names[1], key


def test_every_reason_why_a_file_is_broken_is_said_in_both_languages() -> None:
    reasons = {
        node.args[1].value
        for path in sorted(GEO.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "broken"
        if isinstance(node.args[1], ast.Constant)
    }

    assert "not a GeoPackage" in reasons
    for reason in reasons:
        assert words("en")[f"said_by_others.{reason}"] == reason
        assert words("zh_CN")[f"said_by_others.{reason}"] != reason
