from hypothesis import given
from hypothesis import strategies as st

from geo.control_characters import without_control_characters


@given(st.text())
def test_no_control_character_is_left_and_direction_marks_stay(text: str) -> None:
    clean = without_control_characters(text + "\u202e")

    assert clean.endswith("\u202e")
    assert not any(ord(sign) < 32 or 127 <= ord(sign) < 160 for sign in clean)
    clean.encode("utf-8")
